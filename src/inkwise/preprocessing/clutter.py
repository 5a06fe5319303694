"""Ink of one digit without clutter: thin lines across it, small parts beside it; outlined digits filled."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE = 112  # longer side to which ink is scaled to measure its strokes, pixels
_FULL_QUANTILE = 0.9  # quantile of the widths along a digit that is its stroke width
_THIN = 0.6, 0.7, 0.8  # maximum width of a thin line, in stroke widths of the digit
_MIN_LINE_LENGTH = 2.0  # minimum length of a thin line, in stroke widths of the digit
_MIN_DOTS = 3  # minimum number of small parts that are a row of dots, and hardly parts of the digit
_MAX_DOT = 0.15  # maximum area of a small part, as a share of the largest
_MIN_OVERHANG = 0.1  # minimum length by which a line across a digit protrudes, in sizes of the digit
_MIN_OUTLINE_LENGTH = 5.0  # minimum length of the strokes within an outline, in their maximum widths
_MAX_CONTOURS = 16  # maximum number of contours of an outlined digit
_MIN_OUTLINE_SHARE = 0.9  # minimum share of the ink that is near the inside of an outline


def without_dots(ink: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The ink (h, w) uint8 of one digit without a row of dots, or other small parts; None if they are few."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((ink >= 128).astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    small = np.concatenate([[False], areas < _MAX_DOT * areas.max(initial=0)])
    return np.where(small[labels], 0, ink).astype(np.uint8) if small.sum() >= _MIN_DOTS else None


def without_thin_lines(ink: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """The ink (h, w) uint8 without lines thinner than its other strokes: openings of three widths.

    A line across a digit protrudes on both sides. Short thin parts, such as the ends of strokes, stay.
    """
    size = [max(1, round(_SIDE * side / max(ink.shape))) for side in ink.shape[::-1]]
    mask = np.pad((cv2.resize(ink, size) >= 128).astype(np.uint8), 1)
    if not mask.any():
        return
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    ridge = distance[(mask > 0) & (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8)))]
    full = 2 * float(np.quantile(ridge, _FULL_QUANTILE))
    for thin in _THIN:
        side = max(2, round(thin * full))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        thinner = mask & ~cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(thinner)
        lines = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1) >= _MIN_LINE_LENGTH * full
        lines[0] = False
        crossing = lines[labels].astype(np.uint8)
        if _protrudes(crossing, mask & (1 - crossing)):
            kept = 255 * (1 - crossing[1:-1, 1:-1])
            yield np.minimum(ink, cv2.resize(kept, ink.shape[::-1], interpolation=cv2.INTER_AREA))


def _protrudes(lines: NDArray[np.uint8], digit: NDArray[np.uint8]) -> bool:
    """Whether lines extend beyond a digit on opposite sides, both masks (h, w) uint8."""
    (x, y, w, h), (left, top, width, height) = cv2.boundingRect(lines), cv2.boundingRect(digit)
    least = _MIN_OVERHANG * max(width, height)
    across = min(left - x, x + w - left - width)
    along = min(top - y, y + h - top - height)
    return w > 0 and max(across, along) >= least > 0


def fill_outline(ink: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Fill the strokes of ink (h, w) uint8 that may be the outline of a digit; None if it cannot be one.

    The inside of an outline is narrow and long, and all ink is along it. So is the inside of a narrow 0.
    """
    mask = np.pad((ink >= 128).astype(np.uint8), 1)
    inside = _between_outlines(mask)
    if not inside.any():
        return None
    width, line = (
        2 * float(cv2.distanceTransform(part, cv2.DIST_L2, 5).max()) - 1 for part in (inside, mask)
    )
    along = mask & cv2.dilate(inside, np.ones((2 * round(line) + 1,) * 2, np.uint8))
    if inside.sum() < _MIN_OUTLINE_LENGTH * width**2 or along.sum() < _MIN_OUTLINE_SHARE * mask.sum():
        return None
    return np.where(inside[1:-1, 1:-1], 255, ink).astype(np.uint8)


def _between_outlines(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mask (h, w) uint8 of what an odd number of closed lines encloses."""
    contours, hierarchy = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_NONE)
    inside = np.zeros_like(mask)
    if not 2 <= len(contours) <= _MAX_CONTOURS:
        return inside
    parents = hierarchy[0, :, 3].tolist()

    def level(index: int) -> int:
        return 0 if parents[index] < 0 else 1 + level(parents[index])

    for index in sorted(range(len(contours)), key=level):
        # Each line has two contours: the even levels are its outer ones.
        if level(index) % 2:
            cv2.drawContours(inside, [contours[index]], 0, int(level(index) % 4 == 1), cv2.FILLED)
    return inside & (1 - mask)
