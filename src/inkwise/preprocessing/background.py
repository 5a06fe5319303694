"""Background, contrast and polarity of grey images, which separate ink from paper.

Ink (the foreground) is narrow; the background (paper) is what remains when narrow parts are filled.
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

_MIN_CONTRAST_DRAWN = 6.0  # the same on the even paper of a drawing program
_MIN_DRAWN_PAPER = 0.75  # minimum share of such paper that has one grey level
_SMOOTH_RESIDUAL = 10.0  # maximum deviation of evenly lit paper from a smooth surface, grey levels
_MIN_SMOOTH_SHARE = 0.6  # minimum share of the image within that deviation
_ILLUMINATION_SIDE = 64  # longer side at which illumination and polarity are estimated, pixels
_ILLUMINATION_STRIDE = 2  # step between the rows and columns that a surface is fitted to
_POLARITY_SIDE = 64  # shorter side of the coarser scale at which polarity is found, pixels
_MAX_POLARITY_SIDE = 1000  # longer side of the finer scale, pixels
_POLARITY_MARGIN = 0.1  # margin that polarity ignores, as a share of the shorter side
_MIN_EVIDENCE = 0.1  # minimum sum of the deviations of light ink; noise has less
_CROP_WEIGHT = 4.0  # of the shapes of ink and paper in a close crop, beside the deviations
_MIN_CROP_BORDER = 0.05  # minimum share of the border that ink, or paper, touches in a close crop
_MIN_CROP_CONTRAST = 0.8  # minimum share of a close crop's variance that is between ink and paper
_MAX_CROP_STROKE = 0.6  # maximum width of its strokes, as a share of the shorter side
_MEDIAN_WINDOW = 31  # window of the median filter in pixels; ink covers less than half of it
_MAX_PRINT_WIDTH = 0.025  # maximum width of print, as a share of the longer side of a form


def min_contrast(grey: NDArray[np.uint8]) -> float:
    """Minimum contrast of the ink of an image (H, W) uint8, which may be faint on the paper of a drawing."""
    drawn = np.bincount(grey.ravel()).max() >= _MIN_DRAWN_PAPER * grey.size
    return _MIN_CONTRAST_DRAWN if drawn else MIN_CONTRAST


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


def polarity(grey: NDArray[np.uint8]) -> Polarity:
    """Polarity of a picture: the sign of the stronger deviations from a wide median filter.

    The median keeps edges of shadows and of the sheet, and removes what covers less than half its window. The
    deviations are added up over two scales, for fine writing and for thick strokes. In a close crop of a bold
    character ink covers half of any window; there the shapes of ink and paper count more.
    """
    shorter = min(grey.shape)
    sides = {_POLARITY_SIDE, max(_POLARITY_SIDE, shorter * min(1.0, _MAX_POLARITY_SIDE / max(grey.shape)))}
    total = sum(_relative_deviation(grey, side / shorter) for side in sides)
    total += _CROP_WEIGHT * _crop_evidence(downscale(grey, _POLARITY_SIDE / shorter))
    return "light-on-dark" if total < -_MIN_EVIDENCE else "dark-on-light"


def _relative_deviation(grey: NDArray[np.uint8], scale: float) -> float:
    """How much darker than the median the image is at this scale, -1 (only lighter) to 1 (only darker).

    The margin, where frames and table rules lie, does not count.
    """
    small = downscale(grey, scale) if scale < 1 else cv2.resize(grey, None, fx=scale, fy=scale)
    margin = round(_POLARITY_MARGIN * min(small.shape))
    inner = np.s_[margin : small.shape[0] - margin, margin : small.shape[1] - margin]
    paper = cv2.medianBlur(small, _MEDIAN_WINDOW)[inner]
    lighter, darker = (
        cv2.norm(cv2.subtract(*pair)) ** 2 for pair in ((small[inner], paper), (paper, small[inner]))
    )
    return (darker - lighter) / max(darker + lighter, 1.0)


def _crop_evidence(grey: NDArray[np.uint8]) -> float:
    """Evidence in a close crop, -1.5 (light ink) to 1.5 (dark ink); 0 for other pictures.

    In a close crop there is little but ink and paper, and both touch the border. Ink has the smaller area,
    touches less of the border, and consists of strokes, so that no large circle fits into it.
    """
    light = grey >= otsu_threshold(grey)
    area = float(light.mean())
    if area in (0, 1):
        return 0.0
    border = float(np.concatenate([light[[0, -1]].ravel(), light[:, [0, -1]].ravel()]).mean())
    separated = area * (1 - area) * (grey[light].mean() - grey[~light].mean()) ** 2
    if not _MIN_CROP_BORDER <= border <= 1 - _MIN_CROP_BORDER or separated < _MIN_CROP_CONTRAST * grey.var():
        return 0.0
    widest, other = (
        float(cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 3).max()) for part in (light, ~light)
    )
    if min(widest, other) > _MAX_CROP_STROKE / 2 * min(grey.shape):  # a page half in shadow
        return 0.0
    return area + border + widest / (widest + other) - 1.5


def quantile(values: NDArray[np.generic], share: float) -> float:
    """The value below which this share of the values lies.

    NumPy's percentile and median would import masked arrays, which takes longer than a small picture.
    """
    ordered = np.sort(values, axis=None)
    return float(ordered[round(share * (ordered.size - 1))])


def median(values: NDArray[np.generic]) -> float:
    """The median, as NumPy's; see `quantile`."""
    ordered = np.sort(values, axis=None)
    return (float(ordered[(ordered.size - 1) // 2]) + float(ordered[ordered.size // 2])) / 2


def otsu_threshold(values: NDArray[np.float32] | NDArray[np.uint8]) -> int:
    """The lowest value, 0 to 256, of the brighter class (Otsu, IEEE Trans. SMC 9, 1979)."""
    return 1 + int(cv2.threshold(np.clip(values, 0, 255).astype(np.uint8), 0, 1, cv2.THRESH_OTSU)[0])


def estimate_illumination(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Estimate the illumination of the background: a slope and the darker corners of a lens.

    It is steepest at the border, where a closing alone would see ink.

    Returns:
        (H, W) float32 with mean 0; all zero where too little of the image fits a smooth surface (a bold digit
        in a tight crop).
    """
    small = downscale(grey, _ILLUMINATION_SIDE / max(grey.shape)).astype(np.float32)
    none = np.zeros(grey.shape, np.float32)
    if _upper_median(np.abs(small - _upper_median(small))) <= 1:
        return none
    fitted = _fit_surface(small)
    if (np.abs(small - fitted) <= _SMOOTH_RESIDUAL).mean() < _MIN_SMOOTH_SHARE:
        return none
    return cv2.resize(fitted - fitted.mean(), grey.shape[::-1])


def _upper_median(values: NDArray[np.floating]) -> float:
    """The median; the higher of the middle two."""
    # A full sort: numpy's partition takes ten times as long on mostly equal values, as on blank paper.
    return float(np.sort(values, axis=None)[values.size // 2])


def _fit_surface(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fit a quadratic surface to the half of the image that it fits best: the background."""
    surface = _surface_basis(*grey.shape)
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
def _surface_basis(height: int, width: int) -> NDArray[np.float64]:
    """The monomials 1, x, y, x², xy, y² at each pixel, (h, w, 6)."""
    y, x = np.indices((height, width)) / max(height, width)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 2)
