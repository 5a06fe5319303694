"""A grey picture becomes ink: polarity found, uneven light and paper removed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.borders import content_window

MIN_CONTRAST = 14.0
"""Ink differs from its background by at least this, grey levels of 255."""

_MIN_NOISE_RATIO, _MIN_NOISE_RATIO_EXPECTED = 5.0, 1.5  # times the paper's noise by which ink stands out
_SMOOTH_RESIDUAL = 10.0  # grey levels by which lit paper differs from a smooth surface
_MIN_HOLE_AREA = 0.005  # share of the picture below which a hole is left alone
_HOLE_DARKNESS = 0.3  # of the way from ink to paper
_BACKGROUND_SIDE = 256  # longer side at which light and background are estimated, pixels
_ILLUMINATION_SIDE = 64  # longer side at which the slope of the light and polarity are told, pixels
_ILLUMINATION_STRIDE = 2  # of so many rows and columns one is looked at for the slope of the light
_MAX_STROKE_WIDTH = 0.4  # strokes are thinner than this share of the shorter side
_FINE_NOISE_SIDE = 64  # pixels of the shorter side of a picture whose noise is finer than any pen
_CLOSING_SIDE = 48  # shorter side to which such a picture is brought for its background to be closed, pixels
_STEPS_PER_GREY_LEVEL = 16  # steps of a grey level in which contrasts are counted


def binarize(grey: NDArray[np.uint8], *, ink_expected: bool = False) -> NDArray[np.uint8]:
    """Tell ink from background.

    Args:
        grey: (H, W) uint8, dark ink on light or light ink on dark, any lighting.
        ink_expected: something is written there, so ink is believed that hardly stands out from a pattern.

    Returns:
        (H, W) uint8: 0 background, 255 ink, 128 its edge; all zero where there is no ink.
    """
    height, width = grey.shape
    shrink = min(1.0, _BACKGROUND_SIDE / max(height, width))
    size = (max(2, round(width * shrink)), max(2, round(height * shrink)))
    coarse = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    if (window := content_window(coarse)) is not None:
        rows, columns = (
            slice(-(-part.start * full // small), part.stop * full // small)
            for part, full, small in zip(window, grey.shape, coarse.shape, strict=True)
        )
        ink = np.zeros((height, width), np.uint8)
        ink[rows, columns] = binarize(grey[rows, columns], ink_expected=ink_expected)
        if ink.any():
            return ink
    light, level = _estimate_illumination(coarse)
    flat = np.clip(np.rint(coarse - light), 0, 255).astype(np.uint8)
    if _is_light_on_dark(level):
        grey, flat, light = 255 - grey, 255 - flat, -light
    background = cv2.resize(_estimate_background(flat) + light, (width, height))
    contrast = np.maximum(background - grey, 0, dtype=np.float32)
    if min(grey.shape) > _FINE_NOISE_SIDE:  # paper's texture and a sensor's noise
        contrast = cv2.GaussianBlur(contrast, (0, 0), 0.6 + min(grey.shape) / 1000)
    levels = _contrast_levels(contrast)
    if levels.full - levels.paper < max(
        MIN_CONTRAST, (_MIN_NOISE_RATIO_EXPECTED if ink_expected else _MIN_NOISE_RATIO) * levels.noise
    ):
        return np.zeros((height, width), np.uint8)
    return _fill_solid_shapes(_soft_threshold(contrast, levels), grey)


def _fill_solid_shapes(ink: NDArray[np.uint8], grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """With the inside of solid shapes, of which the background hides all but the rim.

    A hole that is as dark as the ink around it is ink.
    """
    mask = (ink >= 128).astype(np.uint8)
    count, labels = cv2.connectedComponents(1 - mask, connectivity=4)
    areas = np.bincount(labels.ravel(), minlength=count)
    for outside in (0, labels[0], labels[-1], labels[:, 0], labels[:, -1]):  # 0 is the ink itself
        areas[outside] = 0
    holes = np.flatnonzero(areas >= max(1, _MIN_HOLE_AREA * ink.size))
    if not len(holes):
        return ink
    dark, paper = float(np.median(grey[mask > 0])), float(np.median(grey[mask == 0]))
    for label in holes:
        hole = labels == label
        if np.median(grey[hole]) < dark + _HOLE_DARKNESS * (paper - dark):
            ink[hole] = 255
    return ink


@dataclass(frozen=True)
class _ContrastLevels:
    """Contrast of bare paper, at the edge of ink and of full ink, and the paper's noise, grey levels."""

    paper: float
    edge: float
    full: float
    noise: float


def _contrast_levels(contrast: NDArray[np.float32]) -> _ContrastLevels:
    """Split by Otsu's threshold (IEEE Trans. SMC 9, 1979), then put the edge between the two medians."""
    counts = np.bincount((contrast * _STEPS_PER_GREY_LEVEL).astype(np.intp).ravel())
    least = _STEPS_PER_GREY_LEVEL * _otsu_threshold(contrast)
    paper, ink = counts[:least], counts[least:]
    if not ink.any() or not paper.any():
        return _ContrastLevels(0, 0, 0, 0)
    level, full = _histogram_median(paper), least + _histogram_median(ink)
    noise = _histogram_median(np.bincount(np.abs(np.arange(len(paper)) - level), paper))
    bare, full_ink = level / _STEPS_PER_GREY_LEVEL, full / _STEPS_PER_GREY_LEVEL
    return _ContrastLevels(
        bare, bare + 0.45 * (full_ink - bare), full_ink, 1.4826 * noise / _STEPS_PER_GREY_LEVEL
    )


def _soft_threshold(contrast: NDArray[np.float32], levels: _ContrastLevels) -> NDArray[np.uint8]:
    """Ink (H, W) uint8 of contrasts: 0 for paper, 128 at the edge, 255 for full ink, even steps between."""
    rising = (contrast - levels.paper) * (128 / (levels.edge - levels.paper))
    fuller = (contrast - levels.full) * (127 / (levels.full - levels.edge)) + 255
    # The first line is the steeper one.
    return np.asarray(np.clip(np.minimum(rising, fuller), 0, 255), np.uint8)


def _otsu_threshold(values: NDArray[np.float32]) -> int:
    """The least value, 0 to 256, of the brighter part."""
    return 1 + int(cv2.threshold(np.clip(values, 0, 255).astype(np.uint8), 0, 1, cv2.THRESH_OTSU)[0])


def _histogram_median(counts: NDArray[np.integer] | NDArray[np.float64]) -> int:
    """The median of whole numbers, of which each is there so many times."""
    total = np.cumsum(counts)
    return int(np.searchsorted(total, total[-1] / 2))


def _estimate_background(dark: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the picture would be without its dark ink, (H, W) float32.

    A closing (dilation, then erosion) fills what is narrower than its kernel and keeps ramps and shadows.
    """
    shorter = min(dark.shape)
    small = np.asarray(
        _downscale(dark, _CLOSING_SIDE / shorter if shorter > _FINE_NOISE_SIDE else 1), np.uint8
    )
    # Half the kernel must span a stroke that runs along the border of a small, tight picture.
    reach = 2 * max(7, ceil(_MAX_STROKE_WIDTH / 2 * min(small.shape))) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    closed = cv2.morphologyEx(cv2.medianBlur(small, 3), cv2.MORPH_CLOSE, kernel)
    smooth = cv2.GaussianBlur(closed.astype(np.float32), (0, 0), reach / 6)
    return cv2.resize(smooth, dark.shape[::-1])


def _is_light_on_dark(level: NDArray[np.float32]) -> bool:
    """Whether the ink is lighter than its background, of a picture without its slope of light.

    The picture is cut in two: ink is less, touches the border less, and is made of strokes, so that no large
    circle fits into it.
    """
    level = level - level.min()
    light = level >= _otsu_threshold(level)
    ours, theirs = _mask_statistics(light), _mask_statistics(~light)
    return bool((ours / np.maximum(ours + theirs, 1e-9)).sum() < 1.5)


def _estimate_illumination(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How light falls on the background, (H, W) float32 about 0: a slope and a lens's darker corners.

    It falls steepest at the border, where a closing alone would see ink. Zero where too little of the picture
    is as smooth: a bold digit in a tight picture. With it comes the picture without its slope, (h, w) float32
    about 0, small.
    """
    small = _downscale(grey, _ILLUMINATION_SIDE / max(grey.shape))
    none = np.zeros(grey.shape, np.float32)
    level = small - _upper_median(small)
    if _upper_median(np.abs(level)) <= 1:
        return none, level
    fitted = _fit_surface(small, curved=True)
    level = small - fitted
    if (np.abs(level) <= _SMOOTH_RESIDUAL).mean() < 0.6:
        return none, small - _fit_surface(small, curved=False)
    return cv2.resize(fitted - fitted.mean(), grey.shape[::-1]), level


def _downscale(grey: NDArray[np.uint8], shrink: float) -> NDArray[np.float32]:
    """The picture shrunk by a factor, if that is less than 1."""
    size = [max(2, round(side * min(1.0, shrink))) for side in grey.shape[::-1]]
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)


def _upper_median(values: NDArray[np.floating]) -> float:
    """The median; of two, the higher one."""
    # Sorted whole: numpy's partition takes ten times as long where most values are equal, as on blank paper.
    return float(np.sort(values, axis=None)[values.size // 2])


def _fit_surface(grey: NDArray[np.float32], curved: bool) -> NDArray[np.float32]:
    """A plane or curved surface fitted to that half of the picture which fits it best: the background."""
    surface = _surface_basis(*grey.shape, curved)
    sparse = np.s_[:: _ILLUMINATION_STRIDE if min(grey.shape) > 16 * _ILLUMINATION_STRIDE else 1]
    plane, level = surface[sparse, sparse].reshape(-1, surface.shape[2]), grey[sparse, sparse].reshape(-1)
    fitted: NDArray[np.float64] | float = _upper_median(level)
    ridge = 1e-9 * np.eye(plane.shape[1])
    for _ in range(3):
        residual = np.abs(level - fitted)
        fits = residual <= _upper_median(residual)
        near = np.compress(fits, plane, 0)
        weights = np.linalg.solve(near.T @ near + ridge, near.T @ level[fits])
        fitted = plane @ weights
    return np.asarray(surface @ weights, np.float32)


@lru_cache(maxsize=64)
def _surface_basis(height: int, width: int, curved: bool) -> NDArray[np.float64]:
    """What surfaces are made of at each pixel, (h, w, 3 or 6): 1, x, y, and x², xy, y²."""
    y, x = np.indices((height, width)) / max(height, width)
    flat = [np.ones_like(x), x, y]
    return np.stack([*flat, x * x, x * y, y * y] if curved else flat, 2)


def _mask_statistics(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of the picture, share of the border, and radius of the largest circle inside."""
    border = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
    framed = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return np.array([mask.mean(), border.mean(), cv2.distanceTransform(framed, cv2.DIST_L2, 5).max()])
