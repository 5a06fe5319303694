"""Ink of a page: adaptive thresholding, and removal of ruling lines, frames and squared paper."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.background import MIN_CONTRAST, PAGE_SHRINK, page_darkness

_MIN_NOISE_RATIO = 4.5  # minimum contrast of ink, in standard deviations of the paper's noise
_MIN_RULE_CONTRAST, _MIN_RULE_NOISE_RATIO = 6, 2.0  # the same for rules, which are long
_CORNER_TOLERANCE = 10  # maximum gap between the sides of a frame at a corner, pixels
_BRIDGED_BREAK = 4  # half the length of a bridged break in a rule; a run grows by this twice, pixels
_MAX_SHADE_RATIO = 4.0  # maximum factor by which shadow raises the noise threshold
_INK_EDGE = 0.33  # darkness of the edge of ink, as a share of the darkest ink nearby
_MIN_RULE_LENGTH = 1 / 24  # of the page's shorter side; a rule has twice, the side of a frame half of it
_MAX_RULE_THICKNESS = 1 / 130  # of the page's shorter side; thicker runs are bars or lines of print
_MIN_CONTINUITY = 0.3, 0.88  # a rule has this share of its median darkness on this share of its length
_MIN_RULE_ASPECT = 22.0  # minimum ratio of length to thickness of a rule
_INK_OVER_RULE = 1.3  # minimum darkness of ink over a rule, in multiples of the rule's darkness

Mask = NDArray[np.uint8]
"""(H, W) uint8 of 0 and 1."""


@dataclass(frozen=True, eq=False)
class PageInk:
    """The ink of a page.

    Attributes:
        dark: (H, W) uint8, darkness relative to the paper, 255 is black; rules removed.
        ink: (H, W) uint8, 1 where there is ink.
        paper: median of `dark` on bare paper.
        horizontal_rules: boxes (n, 4) int32, x, y, w, h.
        vertical_rules: boxes (n, 4) int32, x, y, w, h.
    """

    dark: NDArray[np.uint8]
    ink: Mask
    paper: float
    horizontal_rules: NDArray[np.int32]
    vertical_rules: NDArray[np.int32]


def remove_ruling_lines(grey: NDArray[np.uint8]) -> PageInk:
    """Find the ink of a page and remove its ruling lines.

    Darkness is relative to the paper, so that shadows do not count. The threshold is a share of the darkest
    ink nearby, so that pencil is found beside print. A rule is a long thin run; ink that crosses it or is
    darker stays, as in the removal of staff lines from music.

    Args:
        grey: (H, W) uint8, dark on light, without skew.
    """
    dark, paper = page_darkness(grey)
    sample = dark[::4, ::4]
    level = float(np.median(sample))
    noise = 1.4826 * float(np.median(np.abs(sample - level)))
    shade = np.clip(np.median(paper) / np.maximum(paper, 1), 1, _MAX_SHADE_RATIO)
    least = level + np.maximum(MIN_CONTRAST, _MIN_NOISE_RATIO * (noise * shade))
    low = (dark > _upsample(least, dark.shape)).astype(np.uint8)
    faint = level + max(_MIN_RULE_CONTRAST, _MIN_RULE_NOISE_RATIO * noise)
    horizontal_zone, horizontal = _find_rules(low, dark, faint)
    transposed = cv2.transpose(low), cv2.transpose(dark), faint
    turned, vertical = _find_rules(*transposed)
    if len(horizontal):
        sides, more = _find_rules(*transposed, horizontal[:, [1, 0, 3, 2]])
        turned, vertical = np.maximum(turned, sides), np.vstack([vertical, more])
    zone = (horizontal_zone + cv2.transpose(turned) > 1).astype(np.uint8)  # crossings of two rules are darker
    if zone.any():
        rest = low & ~zone
        # Join strokes that are present on both sides of a rule.
        bridged = cv2.morphologyEx(
            rest, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
        )
        dark = dark * (rest | bridged & low)
    ink = cv2.compare(dark, _ink_threshold(dark, least), cv2.CMP_GT) // 255
    return PageInk(dark, ink, level, horizontal, vertical[:, [1, 0, 3, 2]])


def _upsample(values: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Values of the downscaled page at each pixel of the page, (H, W) uint8."""
    small = np.minimum(values, 255).astype(np.uint8)
    return cv2.resize(small, shape[::-1], interpolation=cv2.INTER_LINEAR)


def _ink_threshold(dark: NDArray[np.uint8], least: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Threshold of ink, (H, W) uint8: a share of the darkest within a few pixels, but at least `least`."""
    kernel = np.ones((PAGE_SHRINK, PAGE_SHRINK), np.uint8)
    wide = cv2.dilate(dark, kernel)[::PAGE_SHRINK, ::PAGE_SHRINK]
    darkest = cv2.dilate(np.ascontiguousarray(wide), np.ones((5, 5), np.uint8))
    height, width = least.shape
    return _upsample(np.maximum(darkest[:height, :width] * _INK_EDGE, least), dark.shape)


def _ends_in_corners(x: int, y: int, w: int, h: int, others: NDArray[np.int32]) -> bool:
    """Whether a horizontal run starts and ends in corners with vertical rules (n, 4)."""
    ends = others[:, 1], others[:, 1] + others[:, 3]
    corner = np.minimum(np.abs(ends[0] - y - h / 2), np.abs(ends[1] - y - h / 2)) <= _CORNER_TOLERANCE
    left = others[corner, 0] - _CORNER_TOLERANCE
    right = others[corner, 0] + others[corner, 2] + _CORNER_TOLERANCE
    return all(bool(((left <= end) & (end <= right)).any()) for end in (x, x + w))


def _find_rules(
    low: Mask, dark: NDArray[np.uint8], least: float, others: NDArray[np.int32] | None = None
) -> tuple[Mask, NDArray[np.int32]]:
    """Find horizontal rules.

    Args:
        low: pixels above the threshold of ink.
        dark: (H, W) uint8, relative darkness.
        least: threshold of darkness of a rule.
        others: boxes (n, 4) of vertical rules. If given, find short rules that end in corners with them:
            the sides of a frame, and not a 1.

    Returns:
        (H, W) uint8, 2 where a rule is bare, 1 where ink may cross it; and the boxes (n, 4) of the rules.
    """
    long = max(24, round(_MIN_RULE_LENGTH * min(low.shape)))
    length, slim = (long, _MIN_RULE_ASPECT) if others is None else (long // 2, _MIN_RULE_ASPECT / 2)
    along = cv2.threshold(cv2.blur(dark, (2 * _BRIDGED_BREAK + 1, 1)), least, 1, cv2.THRESH_BINARY)[1]
    thick = cv2.dilate(along, np.ones((3, 1), np.uint8))  # rules may be slightly oblique
    runs = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    runs = cv2.dilate(runs, np.ones((1, 2 * _BRIDGED_BREAK + 1), np.uint8))
    contours, hierarchy = cv2.findContours(runs, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    zone = np.zeros_like(low)
    boxes = []
    for number, contour in enumerate(contours):
        x, y, w, h = cv2.boundingRect(contour)
        start, length = x + 2 * _BRIDGED_BREAK, w - 4 * _BRIDGED_BREAK
        if hierarchy[0][number][3] >= 0 or (others is None and length < 2 * long):
            continue  # a hole, or too short
        if others is not None and not _ends_in_corners(start, y, length, h, others):
            continue
        window = np.s_[y : y + h, x : x + w]
        filled = np.zeros((h, w), np.uint8)
        cv2.drawContours(filled, contours, number, 1, cv2.FILLED, offset=(-x, -y))
        run = (filled & runs[window]) > 0
        if _rule_thickness(run) - 2 > min(w / slim, max(_MAX_RULE_THICKNESS * min(low.shape), 9)):
            continue
        own = run & (low[window] > 0)
        if own.any():
            peaks = (run * dark[window]).max(0)[2 * _BRIDGED_BREAK : -2 * _BRIDGED_BREAK]
            full = float(np.median(peaks))
            if (peaks > _MIN_CONTINUITY[0] * full).mean() < _MIN_CONTINUITY[1]:
                continue  # a line of print
            around = low[max(y - 2 * h, 0) : y + 3 * h, x : x + w]
            crossing = np.ones((round(1.6 * _rule_thickness(own)) + 3, 1), np.uint8)
            crossed = cv2.morphologyEx(around, cv2.MORPH_OPEN, crossing)[y - max(y - 2 * h, 0) :][:h] > 0
            bare = own & ~crossed & (dark[window] < _INK_OVER_RULE * full + 8)
            zone[window][own] = 1
            zone[window][bare] = 2
            boxes.append((start, y, length, h))
    return zone, np.array(boxes, np.int32).reshape(-1, 4)


def _rule_thickness(rules: NDArray[np.bool_]) -> float:
    """Thickness of horizontal rules in pixels: the mean of each column, as strokes may join two rules."""
    begun = (rules[1:] & ~rules[:-1]).sum(0) + rules[0]
    return float(np.median(rules.sum(0) / np.maximum(begun, 1)))
