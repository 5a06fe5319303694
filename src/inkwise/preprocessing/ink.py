"""Ink of pictures of any size: darkness relative to the paper, and the threshold above which it is ink."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.background import (
    MIN_CONTRAST,
    close_strokes,
    estimate_illumination,
    min_contrast,
    otsu_threshold,
    quantile,
)

_PAPER_SHRINK = 4  # factor by which a picture is downscaled before its paper is estimated
_NARROW_STROKE = 15  # maximum width of ordinary strokes in the downscaled picture, pixels
_MIN_NARROW_SIDE = 40  # shorter side of a downscaled picture below which a stroke may be as wide, pixels
_COARSE_SIDE = 48  # shorter side at which thicker strokes are found, pixels
_WIDE_STROKE = 0.8  # maximum width of thick strokes, as a share of the shorter side
_THICK_DARKNESS = 0.45  # minimum darkness of thick strokes; shadows are paler
_MAX_BORDER_SHARE = 0.15  # maximum share of the border that a thick stroke touches; a table touches more
_MIN_STEP = 0.06  # minimum relative step of brightness at the edge of a shadow or of paper
_MIN_PAPER_BRIGHTNESS = 0.25  # minimum brightness of paper, as a share of the brightest paper
_MIN_BRIGHTNESS = 80  # brightness of paper, grey levels, below which darkness is not relative to it
_MIN_NOISE_RATIO = 4.5  # minimum contrast of ink, in standard deviations of the paper's noise
_CLEAR_GAP = 30, 3.3  # minimum distance of ink that stands apart from paper, and in its standard deviations
_MAX_SHADE_RATIO = 4.0  # maximum factor by which shadow raises the noise threshold

INK_EDGE = 0.33
"""Darkness of the edge of ink, as a share of the darkest ink nearby."""


@dataclass(frozen=True, eq=False)
class PictureInk:
    """Darkness of a picture and the threshold of its ink.

    Attributes:
        dark: (H, W) uint8, darkness relative to the paper, 255 is black.
        least: (h, w) uint8, the lowest darkness of ink, downscaled.
        paper: median darkness of bare paper.
        noise: standard deviation of that.
    """

    dark: NDArray[np.uint8]
    least: NDArray[np.uint8]
    paper: float
    noise: float

    def faint(self) -> NDArray[np.uint8]:
        """Mask (H, W) uint8 of all that is darker than the paper's noise."""
        return cv2.compare(self.dark, self._full_size(self.least), cv2.CMP_GT) // 255

    def mask(self, dark: NDArray[np.uint8], share: float = INK_EDGE) -> NDArray[np.uint8]:
        """Mask (H, W) uint8 of the ink in `dark`, the darkness after removal of ruling lines.

        The threshold is this share of the darkest ink nearby, so that pencil is found beside print.
        """
        kernel = np.ones((_PAPER_SHRINK, _PAPER_SHRINK), np.uint8)
        wide = cv2.dilate(dark, kernel)[::_PAPER_SHRINK, ::_PAPER_SHRINK]
        darkest = cv2.dilate(np.ascontiguousarray(wide), np.ones((5, 5), np.uint8))
        height, width = self.least.shape
        edge = np.maximum(darkest[:height, :width] * share, self.least).astype(np.uint8)
        return cv2.compare(dark, self._full_size(edge), cv2.CMP_GT) // 255

    def _full_size(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return cv2.resize(values, self.dark.shape[::-1], interpolation=cv2.INTER_LINEAR)


def find_ink(grey: NDArray[np.uint8]) -> PictureInk:
    """Find the ink of a picture (H, W) uint8, dark on light; light and shadow do not count."""
    height, width = grey.shape
    paper = _estimate_paper(grey)
    bare = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    darker = cv2.subtract(bare, cv2.GaussianBlur(grey, (3, 3), 0.8))
    dark = cv2.divide(darker, np.maximum(bare, _MIN_BRIGHTNESS), scale=255)
    level, noise, full = _darkness_levels(dark[::_PAPER_SHRINK, ::_PAPER_SHRINK])
    shade = np.clip(quantile(paper, 0.5) / np.maximum(paper, 1), 1, _MAX_SHADE_RATIO)
    # Beside ink that stands apart, traces as faint as that of a faint drawing are none.
    faintest = MIN_CONTRAST if full > level else min_contrast(grey[::_PAPER_SHRINK, ::_PAPER_SHRINK])
    least = level + np.maximum(faintest, _MIN_NOISE_RATIO * (noise * shade))
    if min(paper.shape) < _MIN_NARROW_SIDE:  # one digit or number, of one pen
        least = np.maximum(least, level + INK_EDGE * (full - level))
    return PictureInk(dark, np.minimum(least, 255).astype(np.uint8), level, noise)


def _darkness_levels(dark: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Median and standard deviation of the darkness of paper, and the median of ink, if it stands apart."""
    split = otsu_threshold(dark.astype(np.float32))
    paper, ink = dark[dark < split], dark[dark >= split]
    gap = float(ink.mean() - paper.mean()) if len(ink) and len(paper) else 0.0
    apart = gap >= _CLEAR_GAP[0] and gap >= _CLEAR_GAP[1] * float(paper.std())
    paper = paper if apart else dark
    level = quantile(paper, 0.5)
    noise = 1.4826 * quantile(np.abs(paper - level), 0.5)
    return level, noise, quantile(ink, 0.5) if apart else level


def _estimate_paper(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Brightness of the paper, downscaled; 0 outside it, as on a scanner's lid.

    A closing fills strokes and keeps the edges of shadows. Dark parts that are wider than ordinary strokes
    are strokes of a large digit if they lie within the picture, else they are not paper.
    """
    height, width = grey.shape
    size = max(2, width // _PAPER_SHRINK), max(2, height // _PAPER_SHRINK)
    small = cv2.medianBlur(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), 3)
    if min(size) < _MIN_NARROW_SIDE:  # a slope of the light would look like ink under so wide a closing
        light = estimate_illumination(small)
        flat = np.clip(np.rint(small - light), 0, 255).astype(np.uint8)
        lit = close_strokes(flat, round(_WIDE_STROKE * min(size)) | 1) + light
        return np.clip(np.rint(lit), 0, 255).astype(np.uint8)
    paper = close_strokes(small, _NARROW_STROKE)
    shrink = min(1.0, _COARSE_SIDE / min(size))
    coarse = cv2.resize(paper, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    wide = close_strokes(coarse, round(_WIDE_STROKE * min(coarse.shape)) | 1)
    strokes = _within(coarse < (1 - _THICK_DARKNESS) * wide.astype(np.float32))
    if strokes.any():
        strokes = cv2.dilate(cv2.resize(strokes, size), np.ones((5, 5), np.uint8))
        paper = np.where(strokes > 0, np.maximum(cv2.resize(wide, size), paper), paper)
    steep = cv2.morphologyEx(paper, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > _MIN_STEP * paper
    # At an edge the paper, smoothed by scaling, would be too bright on the dark side.
    paper = np.where(steep, cv2.erode(paper, np.ones((3, 3), np.uint8)), paper)
    outside = paper < _MIN_PAPER_BRIGHTNESS * quantile(paper, 0.95)
    paper[cv2.dilate(outside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0] = 0
    return paper


def _within(dark: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Mask (h, w) uint8 of the parts that touch little of the border: strokes, and no shadow or table."""
    _, labels = cv2.connectedComponents(dark.astype(np.uint8))
    border = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    touched = np.bincount(border, minlength=labels.max() + 1)
    within = touched <= _MAX_BORDER_SHARE * len(border)
    within[0] = False
    return within[labels].astype(np.uint8)
