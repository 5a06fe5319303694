"""A grey picture becomes ink: polarity found, uneven light and paper removed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.ink.bands import between_bands

MIN_CONTRAST = 14.0
"""Ink differs from its background by at least this, grey levels of 255."""

_SURE, _EXPECTED = 5.0, 1.5  # times the paper's noise by which ink stands out
_SMOOTH = 10.0  # grey levels by which lit paper differs from a smooth surface
_HOLE = 0.005  # share of the picture below which a hole is left alone
_AS_DARK = 0.3  # of the way from ink to paper
_COARSE = 256  # longer side at which background and polarity are estimated, pixels
_REACH = 0.4  # strokes are thinner than this share of the shorter side


def separate(grey: NDArray[np.uint8], *, expected: bool = False) -> NDArray[np.uint8]:
    """Tell ink from background.

    Args:
        grey: (H, W) uint8, dark ink on light or light ink on dark, any lighting.
        expected: something is written there, so ink is believed that hardly stands out from a pattern.

    Returns:
        (H, W) uint8: 0 background, 255 ink, 128 its edge; all zero where there is no ink.
    """
    height, width = grey.shape
    shrink = min(1.0, _COARSE / max(height, width))
    size = (max(2, round(width * shrink)), max(2, round(height * shrink)))
    coarse = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    if (window := between_bands(np.asarray(coarse, np.uint8))) is not None:
        rows, columns = (
            slice(-(-part.start * full // small), part.stop * full // small)
            for part, full, small in zip(window, grey.shape, coarse.shape, strict=True)
        )
        ink = np.zeros((height, width), np.uint8)
        ink[rows, columns] = separate(grey[rows, columns], expected=expected)
        if ink.any():
            return ink
    light = _light(np.asarray(coarse, np.uint8))
    flat = np.clip(np.rint(coarse - light), 0, 255).astype(np.uint8)
    if _is_light_on_dark(flat):
        grey, flat, light = 255 - grey, 255 - flat, -light
    background = cv2.resize(_background(flat) + light, (width, height))
    contrast = np.maximum(background - grey, 0, dtype=np.float32)
    if min(grey.shape) > 64:  # paper texture and sensor noise are finer than any pen in a large picture
        contrast = np.asarray(cv2.GaussianBlur(contrast, (0, 0), 0.6 + min(grey.shape) / 1000), np.float32)
    levels = _levels(contrast)
    if levels.full - levels.paper < max(MIN_CONTRAST, (_EXPECTED if expected else _SURE) * levels.noise):
        return np.zeros((height, width), np.uint8)
    soft = np.interp(contrast, [levels.paper, levels.edge, levels.full], [0, 128, 255])
    return _filled(np.asarray(soft, np.uint8), grey)


def _filled(ink: NDArray[np.uint8], grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """With the inside of solid shapes, of which the background hides all but the rim.

    A hole that is as dark as the ink around it is ink.
    """
    mask = (ink >= 128).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)
    height, width = ink.shape
    dark, paper = float(np.median(grey[mask > 0])), float(np.median(grey[mask == 0]))
    for label, (x, y, w, h, area) in enumerate(stats.tolist()):
        inside = x > 0 and y > 0 and x + w < width and y + h < height
        if not label or not inside or area < _HOLE * height * width:
            continue
        window = np.s_[y : y + h, x : x + w]
        hole = labels[window] == label
        if np.median(grey[window][hole]) < dark + _AS_DARK * (paper - dark):
            ink[window][hole] = 255
    return ink


@dataclass(frozen=True)
class _Levels:
    """Contrast of bare paper, at the edge of ink and of full ink, and the paper's noise, grey levels."""

    paper: float
    edge: float
    full: float
    noise: float


def _levels(contrast: NDArray[np.float32]) -> _Levels:
    """Split by Otsu's threshold (IEEE Trans. SMC 9, 1979), then put the edge between the two medians."""
    above = _above_otsu(contrast)
    ink, paper = contrast[above], contrast[~above]
    if not len(ink) or not len(paper):
        return _Levels(0, 0, 0, 0)
    full, level = float(np.median(ink)), float(np.median(paper))
    noise = 1.4826 * float(np.median(np.abs(paper - level)))
    return _Levels(level, level + 0.45 * (full - level), full, noise)


def _above_otsu(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    flags = cv2.THRESH_BINARY | cv2.THRESH_OTSU
    return cv2.threshold(np.clip(values, 0, 255).astype(np.uint8), 0, 1, flags)[1].astype(bool)


def _background(dark: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the picture would be without its dark ink, (H, W) float32.

    A closing (dilation, then erosion) fills what is narrower than its kernel and keeps ramps and shadows.
    """
    # Half the kernel must span a stroke that runs along the border of a small, tight picture.
    reach = max(15, round(_REACH * min(dark.shape))) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    closed = cv2.morphologyEx(cv2.medianBlur(dark, 3), cv2.MORPH_CLOSE, kernel)
    return np.asarray(cv2.GaussianBlur(closed.astype(np.float32), (0, 0), reach / 6), np.float32)


def _is_light_on_dark(grey: NDArray[np.uint8]) -> bool:
    """Whether the ink is lighter than its background.

    The picture, its slope of light taken out, is cut in two: ink is less, touches the border less, and is
    made of strokes, so that no large circle fits into it.
    """
    small = _small(grey)
    flat = small - _fitted(small, curved=False)
    light = _above_otsu(flat - flat.min())
    ours, theirs = _bulk(light), _bulk(~light)
    return bool((ours / np.maximum(ours + theirs, 1e-9)).sum() < 1.5)


def _light(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How light falls on the background, (H, W) float32 about 0: a slope and a lens's darker corners.

    It falls steepest at the border, where a closing alone would see ink. Zero where too little of the picture
    is as smooth: a bold digit in a tight picture.
    """
    small = _small(grey)
    even = np.median(np.abs(small - np.median(small))) <= 1
    if even or (np.abs(small - (fitted := _fitted(small, curved=True))) <= _SMOOTH).mean() < 0.6:
        return np.zeros(grey.shape, np.float32)
    return np.asarray(cv2.resize(fitted - fitted.mean(), grey.shape[::-1]), np.float32)


def _small(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    shrink = min(1.0, 64 / max(grey.shape))
    size = (max(2, round(grey.shape[1] * shrink)), max(2, round(grey.shape[0] * shrink)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)


def _fitted(grey: NDArray[np.float32], curved: bool) -> NDArray[np.float32]:
    """A plane or curved surface fitted to that half of the picture which fits it best: the background."""
    y, x = (np.indices(grey.shape, np.float32) / max(grey.shape)).reshape(2, -1)
    plane, level = np.stack([np.ones_like(x), x, y], 1), grey.reshape(-1)
    if curved:
        plane = np.hstack([plane, np.stack([x * x, x * y, y * y], 1)])
    fitted = np.full_like(level, np.median(level))
    for _ in range(3):
        residual = np.abs(level - fitted)
        fits = residual <= np.median(residual)
        fitted = plane @ np.linalg.lstsq(plane[fits], level[fits], rcond=None)[0]
    return np.asarray(fitted, np.float32).reshape(grey.shape)


def _bulk(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of the picture, share of the border, and radius of the largest circle inside."""
    border = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
    framed = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return np.array([mask.mean(), border.mean(), cv2.distanceTransform(framed, cv2.DIST_L2, 5).max()])
