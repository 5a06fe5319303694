"""Removal of ruling lines, frames, boxes and squared paper from the ink of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.background import quantile
from inkwise.preprocessing.frames import Mask, find_frames
from inkwise.preprocessing.ink import INK_EDGE, PictureInk, find_ink

_MIN_RULE_CONTRAST, _MIN_RULE_NOISE_RATIO = 6, 2.0  # minimum contrast of a rule; less than that of ink
_BRIDGED_BREAK = 4  # half the length of a bridged break in a rule; a run grows by this twice, pixels
_MIN_RULE_LENGTH = 1 / 24  # half the minimum length of a rule, as a share of the picture's shorter side
_MIN_SMALL_LENGTH = 0.3  # the same in small pictures, as a share of the side; strokes run beside rules
_MAX_SMALL_PIXELS = 72  # maximum of the latter, pixels
_MIN_RULE_PIXELS = 24  # minimum of that length, pixels
_MAX_RULE_THICKNESS = 1 / 130  # of the shorter side; thicker runs are bars or lines of print
_MAX_THIN_PIXELS = 9  # thickness that any rule may have, pixels
_MIN_CONTINUITY = 0.3, 0.88  # a rule has this share of its median darkness on this share of its length
_BARE_SHARE = 0.3  # quantile of the darkness along a rule where no ink crosses it
_MIN_RULE_ASPECT = 22.0  # minimum ratio of length to thickness of a rule
_INK_OVER_RULE = 1.3  # minimum darkness of ink over a rule, in multiples of the rule's darkness
_DARK_INK = 1.7  # darkness of ink that stands apart from a rule, in multiples of the rule's
_WALL_REACH = 12  # maximum thickness of the walls of a frame, pixels
_FAINT_EDGE = 0.18  # darkness of pale frames, as a share of the darkest ink nearby
_MIN_LONG = 0.5  # minimum length of a rule that is no side of a frame, as a share of the picture's side
_MIN_HEIGHTS = 2.5, 5.0  # minimum length of horizontal and vertical ones, in heights of the ink; a 7 is long
_MIN_PARALLELS = 3  # number of parallel rules that may be shorter
_MIN_PARALLEL_LENGTH = 0.7, 1.3  # their minimum length, as a share of the side and in heights of the ink
_MIN_GRID_RULES, _MIN_GRID_SPAN = 2, 0.9  # minimum number of rules of a grid in a direction, and their length
_EDGE_MARGIN = 0.03  # width of the margin in which the edges of a sheet lie, as a share of the shorter side
_MIN_SQUARES = 8  # number of shorter rules in each direction of squared paper
_MIN_RULE_SHARE = 0.5  # minimum length of a rule of squared paper, relative to the others
_MIN_UNDERLINE_HEIGHTS = 3.5  # minimum length of an underline, in heights of the ink
_MIN_BORDER_SPAN = 0.85  # minimum length of a rule along the border, as a share of the side
_MARGIN = 0.1  # width of the margin in which such a rule lies, as a share of the shorter side
_CROSSING_GAP = 5  # gap that a crossing rule leaves in the bare part of a rule, beyond its thickness, pixels
_CROSSING_DARKNESS = 0.7  # maximum darkness of a crossing, as a share of the way from a rule to ink
_MIN_BARE = 0.3  # minimum share of a rule that no other ink crosses
_MIN_INK_HEIGHT = 12  # minimum height of ink that a rule can be compared with, pixels


@dataclass(frozen=True, eq=False)
class RuledInk:
    """The ink of a picture without its ruling lines.

    Attributes:
        dark: (H, W) uint8, darkness relative to the paper, 255 is black; rules removed.
        ink: (H, W) uint8, 1 where there is ink.
        paper: median of `dark` on bare paper.
        horizontal_rules: boxes (n, 4) int32, x, y, w, h.
        vertical_rules: boxes (n, 4) int32, x, y, w, h; sides of frames are among them.
        cells: boxes (n, 4) int32 of the interiors of frames.
    """

    dark: NDArray[np.uint8]
    ink: Mask
    paper: float
    horizontal_rules: NDArray[np.int32]
    vertical_rules: NDArray[np.int32]
    cells: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class _Rule:
    """A horizontal rule.

    Attributes:
        box: x, y, w, h.
        thickness: pixels.
        darkness: of the bare rule, 0..255.
        window: its rows and columns.
        own: mask of its pixels.
        pale: mask of those that are not darker than the rule.
        bare: mask of those that, in addition, no other ink crosses.
    """

    box: tuple[int, int, int, int]
    thickness: float
    darkness: float
    window: tuple[slice, slice]
    own: NDArray[np.bool_]
    pale: NDArray[np.bool_]
    bare: NDArray[np.bool_]


def remove_ruling_lines(grey: NDArray[np.uint8]) -> RuledInk:
    """Find the ink of a picture and remove its ruling lines and frames.

    A rule is a long thin run; ink that crosses it or is darker stays, as in the removal of staff lines from
    music. A run that is not much longer than the ink beside it is high may be a stroke, and stays.

    Args:
        grey: (H, W) uint8, dark on light, without skew.
    """
    found = find_ink(grey)
    dark, low = found.dark, found.faint()
    least = found.paper + max(_MIN_RULE_CONTRAST, _MIN_RULE_NOISE_RATIO * found.noise)
    rules = _find_ruling(low, dark, least)
    walls, cells = _find_cells(found, rules)
    removed = cv2.dilate(walls, np.ones((3, 3), np.uint8)) & low
    if not rules.is_grid and removed.any():  # rails of a comb may be as long as rules
        rules = _find_ruling(low & ~removed, dark * (1 - removed), least)
    removed |= rules.bare
    if removed.any():
        rest = low & ~removed
        # Join strokes that are present on both sides of a rule.
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
        dark = dark * (rest | cv2.morphologyEx(rest, cv2.MORPH_CLOSE, kernel) & low)
    horizontal, vertical = rules.boxes()
    sides = [
        np.stack([x, cells[:, 1], np.ones_like(x), cells[:, 3]], 1)
        for x in (cells[:, 0], cells[:, ::2].sum(1))
    ]
    return RuledInk(
        dark, found.mask(dark), found.paper, horizontal, np.concatenate([vertical, *sides]), cells
    )


def _find_cells(found: PictureInk, rules: _Ruling) -> tuple[Mask, NDArray[np.int32]]:
    """Find frames, then several pale ones around dark ink: walls (H, W) uint8, and interiors (n, 4)."""
    walls, cells = np.zeros(found.dark.shape, np.uint8), np.zeros((0, 4), np.int32)
    for share in (INK_EDGE, _FAINT_EDGE):
        ink = found.mask(found.dark, share)
        if rules.is_grid:
            ink &= ~rules.bare
        for x, y, w, h in cells.tolist():
            left, top = max(x - _WALL_REACH, 0), max(y - _WALL_REACH, 0)
            ink[top : y + h + _WALL_REACH, left : x + w + _WALL_REACH] = 0
        more, found_cells = find_frames(ink, several=share == _FAINT_EDGE)
        walls, cells = walls | more, np.concatenate([cells, found_cells])
    return walls, cells


@dataclass(frozen=True, eq=False)
class _Ruling:
    """Rules of a picture of this shape; the vertical ones are those of the transposed picture."""

    horizontal: list[_Rule]
    vertical: list[_Rule]
    dark: NDArray[np.uint8]
    ink_darkness: float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        """Height and width of the picture."""
        return self.dark.shape

    @property
    def is_grid(self) -> bool:
        """Whether the rules are those of squared paper or of a table: several run from side to side.

        The edges of a sheet, at the border of the picture, do not count.
        """
        height, width = self.shape
        spans = [
            self._count_spanning(self.horizontal, width, height),
            self._count_spanning(self.vertical, height, width),
        ]
        return min(spans) >= _MIN_GRID_RULES or min(len(self.horizontal), len(self.vertical)) >= _MIN_SQUARES

    def _count_spanning(self, rules: list[_Rule], length: int, across: int) -> int:
        """Count the rules that run from side to side, apart from those at the border."""
        margin = _EDGE_MARGIN * min(self.shape)
        return sum(
            rule.box[2] >= _MIN_GRID_SPAN * length and margin < rule.box[1] < across - rule.box[3] - margin
            for rule in rules
        )

    def mask(self) -> Mask:
        """1 on a rule, where it is bare or ink crosses it, (H, W) uint8."""
        return np.maximum(*(own for own, _, _ in self._masks()))

    @cached_property
    def bare(self) -> Mask:
        """1 where a rule is bare, (H, W) uint8; also where two rules cross and one is bare on both sides."""
        (across, bare_across, gap_across), (down, bare_down, gap_down) = self._masks()
        joined = cv2.morphologyEx(bare_across, cv2.MORPH_CLOSE, np.ones((1, gap_down), np.uint8))
        joined |= cv2.morphologyEx(bare_down, cv2.MORPH_CLOSE, np.ones((gap_across, 1), np.uint8))
        return bare_across | bare_down | across & down & joined & ~self._surely_ink()

    def _surely_ink(self) -> Mask:
        """1 where it is much darker than a rule, (H, W) uint8, if ink is darker than two rules that cross."""
        rule = max((rule.darkness for rule in (*self.horizontal, *self.vertical)), default=0.0)
        level = rule + _CROSSING_DARKNESS * (self.ink_darkness - rule)
        return (self.dark >= (level if self.ink_darkness > _DARK_INK * rule else 256)).astype(np.uint8)

    def _masks(self) -> list[tuple[Mask, Mask, int]]:
        """For both directions: masks of the rules and of their bare parts, and the gap at a crossing."""
        masks = []
        for rules, shape in ((self.horizontal, self.shape), (self.vertical, self.shape[::-1])):
            own, bare = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
            for rule in rules:
                own[rule.window][rule.own] = 1
                apart = self.ink_darkness > _DARK_INK * rule.darkness
                bare[rule.window][rule.pale if apart else rule.bare] = 1
            thickest = max((rule.thickness for rule in rules), default=0.0)
            masks.append((own, bare, round(thickest) + _CROSSING_GAP))
        (own, bare, gap) = masks[1]
        return [masks[0], (cv2.transpose(own), cv2.transpose(bare), gap)]

    def boxes(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The boxes (n, 4) of horizontal and of vertical rules."""
        return _boxes(self.horizontal), _boxes(self.vertical)[:, [1, 0, 3, 2]]


def _boxes(rules: list[_Rule]) -> NDArray[np.int32]:
    return np.array([rule.box for rule in rules], np.int32).reshape(-1, 4)


def _find_ruling(low: Mask, dark: NDArray[np.uint8], faint: float) -> _Ruling:
    """Find the rules of a picture; see `_find_rules`."""
    turned = cv2.transpose(low)
    horizontal, vertical = _find_rules(low, dark, faint), _find_rules(turned, cv2.transpose(dark), faint)
    if not horizontal and not vertical:
        return _Ruling([], [], dark)
    rest = low & ~_Ruling(horizontal, vertical, dark).mask()
    height, ink = _ink_height(rest), dark[rest > 0]
    least, upright = _MIN_HEIGHTS
    return _Ruling(
        _choose_rules(horizontal, height, low.shape, least, _MIN_UNDERLINE_HEIGHTS),
        _choose_rules(vertical, height, turned.shape, upright, np.inf),
        dark,
        quantile(ink, 0.5) if len(ink) else 0.0,
    )


def _ink_height(ink: Mask) -> float:
    """Height of the ink that is not a rule: that of its highest components; 0 without such ink."""
    stats = cv2.connectedComponentsWithStats(ink, connectivity=8)[2][1:]
    heights = stats[:, cv2.CC_STAT_HEIGHT]
    heights = heights[(heights >= _MIN_INK_HEIGHT) & (stats[:, cv2.CC_STAT_WIDTH] <= 8 * heights)]
    return quantile(heights, 0.9) if len(heights) else 0.0


def _choose_rules(
    rules: list[_Rule], height: float, shape: tuple[int, ...], least: float, underline: float
) -> list[_Rule]:
    """Choose the horizontal runs that are rules rather than strokes of ink of this height.

    Args:
        rules: horizontal runs.
        height: height of the ink, pixels; 0 if there is no ink but the runs, of which then none is a rule.
        shape: height and width of the picture.
        least: minimum length of a rule, in heights of the ink.
        underline: minimum length of an underline, in heights of the ink.
    """
    if not rules or not height:
        return []
    _, y, w, h = _boxes(rules).T
    margin = _MARGIN * min(shape)
    border = (np.minimum(y, shape[0] - y - h) <= margin) & (w >= _MIN_BORDER_SPAN * shape[1])
    long = w >= _MIN_LONG * shape[1]
    parallel = w >= max(_MIN_PARALLEL_LENGTH[0] * shape[1], _MIN_PARALLEL_LENGTH[1] * height)
    parallel &= parallel.sum() >= _MIN_PARALLELS
    chosen = border | parallel | long & (w >= least * height) | (w >= underline * height)
    if parallel.sum() >= _MIN_SQUARES:  # of ruled or squared paper; much shorter runs are strokes in a row
        chosen &= w >= _MIN_RULE_SHARE * quantile(w[parallel], 0.5)
    return [rule for rule, is_rule in zip(rules, chosen, strict=True) if is_rule]


def _find_rules(low: Mask, dark: NDArray[np.uint8], least: float) -> list[_Rule]:
    """Find horizontal runs that may be rules.

    Args:
        low: pixels above the threshold of ink.
        dark: (H, W) uint8, relative darkness.
        least: threshold of darkness of a rule.
    """
    shorter = min(low.shape)
    long = max(_MIN_RULE_LENGTH * shorter, min(_MIN_SMALL_LENGTH * low.shape[1], _MAX_SMALL_PIXELS))
    long = max(_MIN_RULE_PIXELS, round(long))
    along = cv2.threshold(cv2.blur(dark, (2 * _BRIDGED_BREAK + 1, 1)), least, 1, cv2.THRESH_BINARY)[1]
    thick = cv2.dilate(along, np.ones((3, 1), np.uint8))  # rules may be slightly oblique
    runs = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, long), np.uint8))
    if not runs.any():
        return []
    runs = cv2.dilate(runs, np.ones((1, 2 * _BRIDGED_BREAK + 1), np.uint8))
    contours, hierarchy = cv2.findContours(runs, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    thickest = max(_MAX_RULE_THICKNESS * shorter, _MAX_THIN_PIXELS)
    rules = []
    for number, contour in enumerate(contours):
        x, y, w, h = cv2.boundingRect(contour)
        start, length = x + 2 * _BRIDGED_BREAK, w - 4 * _BRIDGED_BREAK
        if hierarchy[0][number][3] >= 0 or length < 2 * long:
            continue  # a hole, or too short
        window = np.s_[y : y + h, x : x + w]
        filled = np.zeros((h, w), np.uint8)
        cv2.drawContours(filled, contours, number, 1, cv2.FILLED, offset=(-x, -y))
        run = filled & runs[window]
        if _rule_thickness(run > 0) - 2 > min(w / _MIN_RULE_ASPECT, thickest):
            continue
        own = (run & low[window]) > 0
        if own.any():
            peaks = (run * dark[window]).max(0)[2 * _BRIDGED_BREAK : -2 * _BRIDGED_BREAK]
            full = quantile(peaks, _BARE_SHARE)
            if (peaks > _MIN_CONTINUITY[0] * full).mean() < _MIN_CONTINUITY[1]:
                continue  # a line of print
            around = low[max(y - 2 * h, 0) : y + 3 * h, x : x + w]
            thickness = _rule_thickness(own)
            crossing = np.ones((round(1.6 * thickness) + 3, 1), np.uint8)
            crossed = cv2.morphologyEx(around, cv2.MORPH_OPEN, crossing)[y - max(y - 2 * h, 0) :][:h] > 0
            pale = own & (dark[window] < _INK_OVER_RULE * full + 8)
            bare = pale & ~crossed
            if bare.sum() >= _MIN_BARE * own.sum():
                rules.append(_Rule((start, y, length, h), thickness, full, window, own, pale, bare))
    return rules


def _rule_thickness(rules: NDArray[np.bool_]) -> float:
    """Thickness of horizontal rules in pixels: the mean of each column, as strokes may join two rules."""
    begun = (rules[1:] & ~rules[:-1]).sum(0) + rules[0]
    return quantile(rules.sum(0) / np.maximum(begun, 1), 0.5)
