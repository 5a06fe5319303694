"""Border removal: uniform bands along the sides of an image, such as screenshot bars or a scanner's lid."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

_BAND_TOLERANCE = 20  # maximum deviation from the brightness of a band, grey levels
_MIN_CONTENT_CONTRAST = 30  # minimum contrast between a band and the content, grey levels
_MIN_BAND_WIDTH = 0.2  # minimum width of a paired band, as a share of its length; strokes are narrower
_MAX_HIDDEN_EDGE = 0.4  # maximum share of a paired band's inner edge that ink hides
_MIN_CONTENT_SIDE = 0.4  # minimum shorter side of the content, as a share of the image's shorter side

CropWindow = tuple[slice, slice]
"""Slices of rows and of columns."""


def content_window(grey: NDArray[np.uint8]) -> CropWindow | None:
    """The content window of an image (H, W) uint8 between bands of another brightness; None without bands.

    A band is uniform, runs along a whole side and has a straight inner edge. To exclude strokes, bands must
    be a wide pair on opposite sides, or on all sides, or of a brightness that does not occur between them.
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
    """The window between bands of this brightness along these sides; None if they are not bands."""
    off = cv2.absdiff(grey, np.full_like(grey, level))
    band = off <= _BAND_TOLERANCE
    ends = [0, 0, 0, 0]  # width of the band on each side
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
    for side in sides:  # a blurred edge ends where most of the brightness no longer changes
        along = off[window] if side < 2 else off[window].T
        near = along[:: -1 if side % 2 else 1][: len(along) // 8 + 3].astype(np.int16)
        steady = np.abs(np.median(np.diff(near, axis=0), 1)) <= 3
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
    # Ink of the same brightness may touch paired bands, but hardly any other band.
    sound = (paired and crossed <= _MAX_HIDDEN_EDGE) or (alone and crossed <= 0.1)
    return _make_window(grey.shape, ends) if sound else None


def _make_window(shape: tuple[int, ...], ends: list[int]) -> CropWindow:
    return np.s_[ends[0] : shape[0] - ends[1], ends[2] : shape[1] - ends[3]]


def _is_content(off: NDArray[np.uint8], shape: tuple[int, ...]) -> bool:
    """Whether a window is large enough and mostly of another brightness than the bands."""
    return min(off.shape) >= _MIN_CONTENT_SIDE * min(shape) and bool(
        np.count_nonzero(off < _MIN_CONTENT_CONTRAST) <= 0.3 * off.size
    )


def _has_rounded_corner(band: NDArray[np.bool_]) -> bool:
    """Whether the bands fill a corner of the window, as strokes of a 0 do."""
    y, x = (math.ceil(0.12 * side) for side in band.shape)
    corners = band[:y, :x], band[:y, -x:], band[-y:, :x], band[-y:, -x:]
    return any(bool(corner.mean() > 0.5) for corner in corners)
