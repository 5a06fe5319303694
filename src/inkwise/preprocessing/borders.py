"""Bands along the sides of a picture: a screenshot's bars, a scanner's lid, the table around a sheet."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

_BAND_TOLERANCE = 20  # grey levels from its brightness that are still the band
_MIN_CONTENT_CONTRAST = 30  # grey levels by which what lies between differs from it
_MIN_BAND_WIDTH = 0.2  # a band this wide, as a share of its length, is no stroke
_MAX_HIDDEN_EDGE = 0.4  # share of the inner edge of a pair that ink may hide
_MIN_CONTENT_SIDE = 0.4  # and what lies between is none if it has this share of the picture's shorter side

CropWindow = tuple[slice, slice]
"""Rows and columns."""


def content_window(grey: NDArray[np.uint8]) -> CropWindow | None:
    """What lies between bands of another brightness, of (H, W) uint8; None where there are none.

    A band is even and runs along a whole side, its inner edge straight. It is taken for one only where it
    cannot be a stroke: with its like on the other side and wide, or all around, or of a brightness that
    nothing between the bands shares.
    """
    smooth = cv2.medianBlur(grey, 3)
    levels: dict[int, list[int]] = {}  # brightness: its sides, 0 top, 1 bottom, 2 left, 3 right
    for side, line in enumerate((smooth[0], smooth[-1], smooth[:, 0], smooth[:, -1])):
        ordered, few = np.sort(line).tolist(), round(0.015 * len(line))
        if ordered[-1 - few] - ordered[few] <= _BAND_TOLERANCE:
            level = ordered[len(line) // 2]
            known = next((other for other in levels if abs(other - level) <= _BAND_TOLERANCE), level)
            levels.setdefault(known, []).append(side)
    windows = (_window_within(smooth, level, sides) for level, sides in levels.items())
    return next((window for window in windows if window is not None), None)


def _window_within(grey: NDArray[np.uint8], level: int, sides: list[int]) -> CropWindow | None:
    """What lies between bands of this brightness along these sides, None where they are no bands."""
    off = cv2.absdiff(grey, np.full_like(grey, level))
    band = off <= _BAND_TOLERANCE
    ends = [0, 0, 0, 0]  # how far each side's band goes in
    kept = tuple(np.count_nonzero(band, axis) >= 0.75 * band.shape[axis] for axis in (1, 0))
    for side in sides:
        along = kept[side // 2][:: -1 if side % 2 else 1]
        ends[side] = int(along.argmin())
    window = _make_window(grey.shape, ends)
    if not _is_content(off[window], grey.shape) or _has_rounded_corner(band[window]):
        return None
    outside = np.ones(grey.shape, bool)
    outside[window] = False
    even = band[outside].mean() >= 0.98
    for side in sides:  # a blurred edge goes on until the brightness no longer changes
        levels = np.median(grey[window], 1 - side // 2)[:: -1 if side % 2 else 1]
        steady = np.abs(np.diff(levels[: len(levels) // 8 + 3])) <= 3
        ends[side] += 1 + (int(steady.argmax()) if steady.any() else len(steady))
    inner = off[_make_window(grey.shape, ends)]
    if not _is_content(inner, grey.shape):
        return None
    lines = inner[0], inner[-1], inner[:, 0], inner[:, -1]
    crossed = max((lines[side] <= _BAND_TOLERANCE).mean() for side in sides)
    paired = sides in ([0, 1], [2, 3]) and all(
        ends[s] >= _MIN_BAND_WIDTH * grey.shape[1 - s // 2] for s in sides
    )
    alone = even and (len(sides) == 4 or inner.min() >= _MIN_CONTENT_CONTRAST)
    # Ink of the bands' brightness may reach into one of a pair, hardly into any other.
    sound = (paired and crossed <= _MAX_HIDDEN_EDGE) or (alone and crossed <= 0.1)
    return _make_window(grey.shape, ends) if sound else None


def _make_window(shape: tuple[int, ...], ends: list[int]) -> CropWindow:
    return np.s_[ends[0] : shape[0] - ends[1], ends[2] : shape[1] - ends[3]]


def _is_content(off: NDArray[np.uint8], shape: tuple[int, ...]) -> bool:
    """Whether what lies between is large enough, and hardly of the bands' brightness."""
    return min(off.shape) >= _MIN_CONTENT_SIDE * min(shape) and bool(
        np.count_nonzero(off < _MIN_CONTENT_CONTRAST) <= 0.3 * off.size
    )


def _has_rounded_corner(band: NDArray[np.bool_]) -> bool:
    """Whether bands fill a corner of what lies between, as they do around a 0."""
    y, x = (math.ceil(0.12 * side) for side in band.shape)
    corners = band[:y, :x], band[:y, -x:], band[-y:, :x], band[-y:, -x:]
    return any(bool(corner.mean() > 0.5) for corner in corners)
