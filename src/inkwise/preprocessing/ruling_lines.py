"""What is written or printed on a page, without the rules, frames and squares that are printed on it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MIN_CONTRAST = 14
"""Ink takes at least this much of the paper's light, of 255."""

_MIN_RULE_CONTRAST, _MIN_RULE_NOISE_RATIO = 6, 2.0  # the same of rules, which are long
_MIN_NOISE_RATIO = 4.5  # times the paper's noise by which ink stands out
_SHRINK_FACTOR = 4  # by which the picture shrinks where paper and darkest ink are looked for
_MAX_STROKE_WIDTH = 15  # strokes are thinner than this in the shrunken picture
_CORNER_TOLERANCE = 10  # pixels by which the sides of a frame may miss each other
_BRIDGED_BREAK = 4  # pixels by which breaks in a rule are bridged, twice over: its run is longer by both
_MAX_SHADE_RATIO = 4.0  # times less light than usual is reckoned with
_INK_EDGE = 0.33  # of the darkest ink nearby: where ink begins
_MIN_RULE_LENGTH = 1 / 24  # of the page's shorter side: twice this has a rule, half of it the side of a frame
_MAX_RULE_THICKNESS = 1 / 130  # of the same: more is a bar or a line of print
_MIN_CONTINUITY = 0.3, 0.88  # of its usual darkness, along so much of its length, is a rule
_MIN_RULE_ASPECT = 22.0  # times as long as thick is a rule
_INK_OVER_RULE = 1.3  # times as dark as the rule under it is ink
_MIN_PAPER_BRIGHTNESS = 0.25  # of the brightest paper: darker is no paper

Mask = NDArray[np.uint8]
"""(H, W) uint8 of 0 and 1."""


@dataclass(frozen=True, eq=False)
class PageInk:
    """What stands on a page's paper.

    Attributes:
        dark: (H, W) uint8, share of the paper's light that is missing, of 255, rules left out.
        ink: (H, W) uint8, 1 where there is ink.
        paper: what `dark` is on bare paper.
        across: boxes (n, 4) of rules along the lines, x, y, w, h.
        down: boxes (n, 4) of rules down the page.
    """

    dark: NDArray[np.uint8]
    ink: Mask
    paper: float
    horizontal_rules: NDArray[np.int32]
    vertical_rules: NDArray[np.int32]


def remove_ruling_lines(grey: NDArray[np.uint8]) -> PageInk:
    """Tell what stands on a level page from its paper, and take its rules out.

    The paper is what a closing leaves, and ink is measured as a share of it, so that shadows do not count.
    Ink begins at a share of the darkest ink nearby: pencil is found beside print. A rule is a long thin
    run; what crosses it, or is darker, stays (as staff lines are removed from music).

    Args:
        grey: (H, W) uint8, dark ink on light paper, skew taken out.
    """
    dark, paper = _relative_darkness(grey)
    sample = dark[::4, ::4]
    level = float(np.median(sample))
    noise = 1.4826 * float(np.median(np.abs(sample - level)))
    noisy = noise * np.clip(
        np.median(paper) / np.maximum(paper, 1), 1, _MAX_SHADE_RATIO
    )  # in shadow noise is a larger share
    least = level + np.maximum(MIN_CONTRAST, _MIN_NOISE_RATIO * noisy)
    low = (dark > _upsample(least, dark.shape)).astype(np.uint8)
    faint = level + max(_MIN_RULE_CONTRAST, _MIN_RULE_NOISE_RATIO * noise)
    level_zone, across = _find_rules(low, dark, faint)
    on_end = cv2.transpose(low), cv2.transpose(dark), faint
    turned, down = _find_rules(*on_end)
    if len(across):
        sides, more = _find_rules(*on_end, across[:, [1, 0, 3, 2]])
        turned, down = np.maximum(turned, sides), np.vstack([down, more])
    upright_zone = cv2.transpose(turned)
    zone = (level_zone + upright_zone > 1).astype(np.uint8)  # where two rules cross it is darker
    if zone.any():
        rest = low & ~zone
        # Strokes that cross a rule are joined again where they stand on both sides of it.
        bridged = cv2.morphologyEx(
            rest, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
        )
        dark = dark * (rest | bridged & low)
    ink = cv2.compare(dark, _ink_threshold(dark, least), cv2.CMP_GT) // 255
    return PageInk(dark, ink, level, across, down[:, [1, 0, 3, 2]])


def _relative_darkness(grey: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Share of the paper's light that is missing, of 255, and the paper, shrunk to a quarter."""
    height, width = grey.shape
    size = max(2, width // _SHRINK_FACTOR), max(2, height // _SHRINK_FACTOR)
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_MAX_STROKE_WIDTH, _MAX_STROKE_WIDTH))
    paper = cv2.morphologyEx(cv2.medianBlur(small, 3), cv2.MORPH_CLOSE, kernel)
    beside = (paper < _MIN_PAPER_BRIGHTNESS * np.percentile(paper, 95)).astype(
        np.uint8
    )  # a scanner's lid, a table
    paper[cv2.dilate(beside, np.ones((5, 5), np.uint8)) > 0] = 0
    full = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    smooth = cv2.GaussianBlur(grey, (3, 3), 0.8)
    return cv2.divide(cv2.subtract(full, smooth), full, scale=255), paper


def _upsample(values: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Values of the shrunken picture for each pixel of the whole, (H, W) uint8."""
    small = np.minimum(values, 255).astype(np.uint8)
    return cv2.resize(small, shape[::-1], interpolation=cv2.INTER_LINEAR)


def _ink_threshold(dark: NDArray[np.uint8], least: NDArray[np.float64]) -> NDArray[np.uint8]:
    """How dark ink begins, (H, W) uint8: a share of the darkest within a few pixels, and `least` at least."""
    wide = cv2.dilate(dark, np.ones((_SHRINK_FACTOR, _SHRINK_FACTOR), np.uint8))[
        ::_SHRINK_FACTOR, ::_SHRINK_FACTOR
    ]
    darkest = cv2.dilate(np.ascontiguousarray(wide), np.ones((5, 5), np.uint8))
    height, width = least.shape
    return _upsample(np.maximum(darkest[:height, :width] * _INK_EDGE, least), dark.shape)


def _ends_in_corners(x: int, y: int, w: int, h: int, others: NDArray[np.int32]) -> bool:
    """Whether a level run begins and ends in corners with upright rules (n, 4)."""
    ends = others[:, 1], others[:, 1] + others[:, 3]
    corner = np.minimum(np.abs(ends[0] - y - h / 2), np.abs(ends[1] - y - h / 2)) <= _CORNER_TOLERANCE
    left, right = (
        others[corner, 0] - _CORNER_TOLERANCE,
        others[corner, 0] + others[corner, 2] + _CORNER_TOLERANCE,
    )
    return all(bool(((left <= end) & (end <= right)).any()) for end in (x, x + w))


def _find_rules(
    low: Mask, dark: NDArray[np.uint8], least: float, others: NDArray[np.int32] | None = None
) -> tuple[Mask, NDArray[np.int32]]:
    """Level rules, (H, W) uint8, 2 where they are bare, 1 where ink may cross them; and their boxes (n, 4).

    With others (n, 4), which are upright, short ones instead that end in corners with them: the sides of a
    frame, and not a 1.
    """
    long = max(24, round(_MIN_RULE_LENGTH * min(low.shape)))
    length, slim = (long, _MIN_RULE_ASPECT) if others is None else (long // 2, _MIN_RULE_ASPECT / 2)
    along = cv2.threshold(cv2.blur(dark, (2 * _BRIDGED_BREAK + 1, 1)), least, 1, cv2.THRESH_BINARY)[1]
    thick = cv2.dilate(along, np.ones((3, 1), np.uint8))  # a rule need not be quite level
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
    """How high level rules are, pixels, by each column's mean: strokes may join two into one piece."""
    begun = (rules[1:] & ~rules[:-1]).sum(0) + rules[0]
    return float(np.median(rules.sum(0) / np.maximum(begun, 1)))
