"""Binarization of grey images of one line or one character: polarity, illumination and background removed."""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.background import (
    EDGE_CONTRAST,
    close_strokes,
    downscale,
    estimate_illumination,
    median,
    min_contrast,
    otsu_threshold,
    polarity,
)
from inkwise.preprocessing.bands import unify_polarity
from inkwise.preprocessing.borders import content_window

_MIN_NOISE_RATIO = 5.0  # minimum contrast of ink, in standard deviations of the paper's noise
_MIN_NOISE_RATIO_EXPECTED = 1.5  # the same where ink is expected, as over a printed pattern
_MIN_HOLE_AREA = 0.005  # minimum area of a hole that may be ink, as a share of the image
_HOLE_DARKNESS = 0.3  # maximum brightness of such a hole, as a share of the way from ink to paper
_BACKGROUND_SIDE = 256  # longer side at which illumination and background are estimated, pixels
_MAX_STROKE_WIDTH = 0.4  # maximum stroke width, as a share of the shorter side
_FINE_NOISE_SIDE = 64  # shorter side in pixels above which noise is finer than any pen
_CLOSING_SIDE = 48  # shorter side to which such an image is downscaled before the closing, pixels
_STEPS_PER_GREY_LEVEL = 16  # histogram bins per grey level of contrast


def binarize(grey: NDArray[np.uint8], *, ink_expected: bool = False) -> NDArray[np.uint8]:
    """Separate ink from background.

    Args:
        grey: (H, W) uint8, either polarity, any lighting.
        ink_expected: accept ink that hardly differs from a background pattern.

    Returns:
        (H, W) uint8: 0 background, 255 ink, 128 the edge of ink; all zero where there is no ink.
    """
    height, width = grey.shape
    grey = unify_polarity(grey)
    coarse = downscale(grey, _BACKGROUND_SIDE / max(height, width))
    if (window := content_window(coarse)) is not None:
        rows, columns = (
            slice(-(-part.start * full // small), part.stop * full // small)
            for part, full, small in zip(window, grey.shape, coarse.shape, strict=True)
        )
        ink = np.zeros((height, width), np.uint8)
        ink[rows, columns] = binarize(grey[rows, columns], ink_expected=ink_expected)
        if ink.any():
            return ink
    light = estimate_illumination(coarse)
    flat = np.clip(np.rint(coarse - light), 0, 255).astype(np.uint8)
    if polarity(coarse) == "light-on-dark":
        grey, flat, light = 255 - grey, 255 - flat, -light
    background = cv2.resize(_estimate_background(flat) + light, (width, height))
    contrast = np.maximum(background - grey, 0, dtype=np.float32)
    if min(grey.shape) > _FINE_NOISE_SIDE:  # smooth the paper's texture and the sensor's noise
        contrast = cv2.GaussianBlur(contrast, (0, 0), 0.6 + min(grey.shape) / 1000)
    paper, full, noise = _contrast_levels(contrast)
    noise_ratio = _MIN_NOISE_RATIO_EXPECTED if ink_expected else _MIN_NOISE_RATIO
    if full - paper < max(min_contrast(grey), noise_ratio * noise):
        return np.zeros((height, width), np.uint8)
    return _fill_solid_shapes(_soft_threshold(contrast, paper, full), grey)


def _fill_solid_shapes(ink: NDArray[np.uint8], grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fill holes that are as dark as the ink around them: a wide solid shape leaves only its rim."""
    mask = (ink >= 128).astype(np.uint8)
    count, labels = cv2.connectedComponents(1 - mask, connectivity=4)
    areas = np.bincount(labels.ravel(), minlength=count)
    for outside in (0, labels[0], labels[-1], labels[:, 0], labels[:, -1]):  # 0 is the ink itself
        areas[outside] = 0
    holes = np.flatnonzero(areas >= max(1, _MIN_HOLE_AREA * ink.size))
    if not len(holes):
        return ink
    dark, paper = median(grey[mask > 0]), median(grey[mask == 0])
    for label in holes:
        hole = labels == label
        if median(grey[hole]) < dark + _HOLE_DARKNESS * (paper - dark):
            ink[hole] = 255
    return ink


def _contrast_levels(contrast: NDArray[np.float32]) -> tuple[float, float, float]:
    """Median contrasts of paper and of ink, split by Otsu's threshold, and the paper's noise, grey levels."""
    counts = np.bincount((contrast * _STEPS_PER_GREY_LEVEL).astype(np.intp).ravel())
    least = _STEPS_PER_GREY_LEVEL * otsu_threshold(contrast)
    paper, ink = counts[:least], counts[least:]
    if not ink.any() or not paper.any():
        return 0, 0, 0
    level = _histogram_median(paper)
    deviation = _histogram_median(np.bincount(np.abs(np.arange(len(paper)) - level), paper))
    bare, full = level / _STEPS_PER_GREY_LEVEL, (least + _histogram_median(ink)) / _STEPS_PER_GREY_LEVEL
    return bare, full, 1.4826 * deviation / _STEPS_PER_GREY_LEVEL


def _soft_threshold(contrast: NDArray[np.float32], paper: float, full: float) -> NDArray[np.uint8]:
    """Map contrast to ink (H, W) uint8: 0 paper, 128 edge, 255 full ink, linear in between."""
    edge = paper + EDGE_CONTRAST * (full - paper)
    rising = (contrast - paper) * (128 / (edge - paper))
    fuller = (contrast - full) * (127 / (full - edge)) + 255
    # The first segment is the steeper one.
    return np.clip(np.minimum(rising, fuller), 0, 255).astype(np.uint8)


def _histogram_median(counts: NDArray[np.integer] | NDArray[np.float64]) -> int:
    """The median of the integers whose counts these are."""
    total = np.cumsum(counts)
    return int(np.searchsorted(total, total[-1] / 2))


def _estimate_background(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The image without its dark ink, (H, W) float32."""
    shorter = min(grey.shape)
    small = downscale(grey, _CLOSING_SIDE / shorter if shorter > _FINE_NOISE_SIDE else 1)
    # Half the kernel must span a stroke that runs along the border of a small, tight crop.
    width = 2 * max(7, ceil(_MAX_STROKE_WIDTH / 2 * min(small.shape))) + 1
    closed = close_strokes(cv2.medianBlur(small, 3), width)
    smooth = cv2.GaussianBlur(closed.astype(np.float32), (0, 0), width / 6)
    return cv2.resize(smooth, grey.shape[::-1])
