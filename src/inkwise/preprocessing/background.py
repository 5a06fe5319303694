"""Background, contrast and polarity of grey images, which separate ink from paper.

Ink (the foreground) is narrow; the background (paper) is what remains when narrow parts are filled. The two
estimates of polarity use this at two scales: in a page, strokes are narrower than a fixed window; a single
character may fill most of its image, so that only shape and area of the two classes tell them apart. Neither
replaces the other: shadows mislead the second on pages, bold strokes the first on characters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Polarity = Literal["dark-on-light", "light-on-dark"]

MIN_CONTRAST = 14.0
"""Minimum contrast between ink and background, grey levels of 255."""

EDGE_CONTRAST = 0.45
"""Contrast of the edge of ink, as a share of the contrast of full ink."""

_SMOOTH_RESIDUAL = 10.0  # maximum deviation of evenly lit paper from a smooth surface, grey levels
_MIN_SMOOTH_SHARE = 0.6  # minimum share of the image within that deviation
_ILLUMINATION_SIDE = 64  # longer side at which illumination and polarity are estimated, pixels
_ILLUMINATION_STRIDE = 2  # step between the rows and columns that a surface is fitted to
_MEDIAN_WINDOW = 31  # window of the median filter in pixels; ink covers less than half of it
_MAX_STROKE_WIDTH = 15  # maximum stroke width in a page downscaled by PAGE_SHRINK, pixels
_MIN_PAPER_BRIGHTNESS = 0.25  # minimum brightness of paper, as a share of the brightest paper
_MAX_PRINT_WIDTH = 0.025  # maximum width of print, as a share of the longer side of a form

PAGE_SHRINK = 4
"""Factor by which a page is downscaled before its paper is estimated."""


def downscale(grey: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Scale an image down; a scale of more than 1 counts as 1, and each side keeps at least 2 pixels."""
    size = [max(2, round(side * min(1.0, scale))) for side in grey.shape[::-1]]
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)


def limit_side(grey: NDArray[np.uint8], longest: int) -> tuple[NDArray[np.uint8], float]:
    """Scale an image down to a longer side of at most `longest` pixels; return it and the scale (<= 1)."""
    scale = min(1.0, longest / max(grey.shape))
    if scale == 1 or scale * min(grey.shape) < 1:  # a line of one pixel stays as it is
        return grey, 1.0
    return cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), scale


def close_strokes(grey: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """Fill dark strokes that are narrower than `width` pixels by a morphological closing.

    A closing (dilation, then erosion) keeps ramps and shadows.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return cv2.morphologyEx(grey, cv2.MORPH_CLOSE, kernel)


def relative_darkness(grey: NDArray[np.uint8], widest: float = _MAX_PRINT_WIDTH) -> NDArray[np.float32]:
    """Darkness relative to the paper around, (H, W) float32, 0..1, independent of light and shadow.

    Args:
        grey: (H, W) uint8, dark on light.
        widest: maximum width of ink, as a share of the longer side; wider parts count as paper.
    """
    height, width = grey.shape
    coarse = cv2.resize(grey, (max(2, width // 4), max(2, height // 4)), interpolation=cv2.INTER_AREA)
    span = max(7, round(widest * max(coarse.shape))) | 1
    paper = cv2.GaussianBlur(close_strokes(coarse, span), (0, 0), span / 4)
    lightness = np.maximum(cv2.resize(paper, (width, height)).astype(np.float32), 16)
    return np.clip(1 - grey / lightness, 0, 1)


def page_darkness(grey: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Darkness of a page relative to its paper, (H, W) uint8, 255 is black; and the paper, downscaled."""
    height, width = grey.shape
    size = max(2, width // PAGE_SHRINK), max(2, height // PAGE_SHRINK)
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    paper = close_strokes(cv2.medianBlur(small, 3), _MAX_STROKE_WIDTH)
    outside = paper < _MIN_PAPER_BRIGHTNESS * np.percentile(paper, 95)  # a scanner's lid, a table
    paper[cv2.dilate(outside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0] = 0
    full = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.divide(cv2.subtract(full, cv2.GaussianBlur(grey, (3, 3), 0.8)), full, scale=255), paper


def page_polarity(grey: NDArray[np.uint8]) -> Polarity:
    """Polarity of a page: the sign of the stronger deviations from a wide median filter.

    The median keeps edges of shadows and of the sheet, and removes what covers less than half its window.
    """
    paper = cv2.medianBlur(grey, _MEDIAN_WINDOW)
    lighter, darker = cv2.subtract(grey, paper), cv2.subtract(paper, grey)
    return "light-on-dark" if cv2.norm(lighter) > cv2.norm(darker) else "dark-on-light"


def character_polarity(level: NDArray[np.float32]) -> Polarity:
    """Polarity of a small image after removal of the illumination slope.

    Otsu's threshold splits the image. Ink has the smaller area, touches less of the border, and consists of
    strokes, so that no large circle fits into it.
    """
    level = level - level.min()
    light = level >= otsu_threshold(level)
    ours, theirs = _mask_statistics(light), _mask_statistics(~light)
    light_score = (ours / np.maximum(ours + theirs, 1e-9)).sum()
    return "light-on-dark" if light_score < 1.5 else "dark-on-light"


def otsu_threshold(values: NDArray[np.float32]) -> int:
    """The lowest value, 0 to 256, of the brighter class (Otsu, IEEE Trans. SMC 9, 1979)."""
    return 1 + int(cv2.threshold(np.clip(values, 0, 255).astype(np.uint8), 0, 1, cv2.THRESH_OTSU)[0])


def estimate_illumination(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Estimate the illumination of the background: a slope and the darker corners of a lens.

    It is steepest at the border, where a closing alone would see ink.

    Returns:
        The illumination, (H, W) float32 with mean 0, all zero where too little of the image fits a smooth
        surface (a bold digit in a tight crop); and the downscaled image without its slope, float32 about 0.
    """
    small = downscale(grey, _ILLUMINATION_SIDE / max(grey.shape)).astype(np.float32)
    none = np.zeros(grey.shape, np.float32)
    level = small - _upper_median(small)
    if _upper_median(np.abs(level)) <= 1:
        return none, level
    fitted = _fit_surface(small, curved=True)
    level = small - fitted
    if (np.abs(level) <= _SMOOTH_RESIDUAL).mean() < _MIN_SMOOTH_SHARE:
        return none, small - _fit_surface(small, curved=False)
    return cv2.resize(fitted - fitted.mean(), grey.shape[::-1]), level


def _upper_median(values: NDArray[np.floating]) -> float:
    """The median; the higher of the middle two."""
    # A full sort: numpy's partition takes ten times as long on mostly equal values, as on blank paper.
    return float(np.sort(values, axis=None)[values.size // 2])


def _fit_surface(grey: NDArray[np.float32], curved: bool) -> NDArray[np.float32]:
    """Fit a plane or a quadratic surface to the half of the image that it fits best: the background."""
    surface = _surface_basis(*grey.shape, curved)
    sparse = np.s_[:: _ILLUMINATION_STRIDE if min(grey.shape) > 16 * _ILLUMINATION_STRIDE else 1]
    basis, level = surface[sparse, sparse].reshape(-1, surface.shape[2]), grey[sparse, sparse].reshape(-1)
    fitted: NDArray[np.float64] | float = _upper_median(level)
    ridge = 1e-9 * np.eye(basis.shape[1])
    for _ in range(3):
        residual = np.abs(level - fitted)
        fits = residual <= _upper_median(residual)
        near = np.compress(fits, basis, 0)
        weights = np.linalg.solve(near.T @ near + ridge, near.T @ level[fits])
        fitted = basis @ weights
    return (surface @ weights).astype(np.float32)


@lru_cache(maxsize=64)
def _surface_basis(height: int, width: int, curved: bool) -> NDArray[np.float64]:
    """The monomials 1, x, y, and x², xy, y² of curved surfaces at each pixel, (h, w, 3 or 6)."""
    y, x = np.indices((height, width)) / max(height, width)
    flat = [np.ones_like(x), x, y]
    return np.stack([*flat, x * x, x * y, y * y] if curved else flat, 2)


def _mask_statistics(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of the area, share of the border, and radius of the largest inscribed circle."""
    border = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
    framed = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return np.array([mask.mean(), border.mean(), cv2.distanceTransform(framed, cv2.DIST_L2, 5).max()])
