"""Layout analysis: regions of a page that may be numbers, in reading order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.background import EDGE_CONTRAST, median
from inkwise.preprocessing.bands import unify_polarity
from inkwise.preprocessing.components import (
    MAX_COMPONENTS,
    Components,
    find_components,
    join_combs,
    join_neighbours,
)
from inkwise.preprocessing.frames import runs
from inkwise.preprocessing.pairs import pairs_within, renumber
from inkwise.preprocessing.print_filter import print_probability
from inkwise.preprocessing.rectification import RectifiedPage, rectify, transform_points
from inkwise.preprocessing.ruling_lines import RuledInk, remove_ruling_lines
from inkwise.preprocessing.segmentation import Box, group_into_lines

_MAX_WORD_GAP, _MAX_NUMBER_GAP = 0.45, 1.15  # maximum gaps within a word and a number, in its heights
_MIN_NUMBER_HEIGHT = 12  # minimum height of a number, pixels
_MAX_SPECK_HEIGHT = 0.3  # maximum height of a speck, in median heights of handwriting
_PUNCTUATION_REACH = 0.25  # maximum distance of punctuation from a number, in its heights
_MAX_PART_HEIGHT = 0.5  # maximum height of a detached part beside a number, in its heights
_MAX_PARTS = 2  # maximum number of components of such a part; more are a number of their own
_MAX_CUT_HEIGHT = 0.5  # maximum height of ink that the border cuts, as a share of the shorter side
_MAX_EDGE_WIDTH = 0.05  # maximum width of ink along the border that is an edge of the paper, likewise
_MIN_BAND_LENGTH, _MAX_BAND_WIDTH = 0.95, 0.3  # length and width of a dark band along the border, as shares
_MIN_BORDER_DARKNESS = 0.6  # minimum darkness of ink at the border, relative to other ink; shadows are paler
_MAX_LINE_ASPECT = 6.0  # maximum ratio of width to height of ink; a rule is wider
_MAX_REST_WIDTH, _MAX_REST_DISTANCE = 0.003, 0.01  # the same of the rest of such an edge, from the border
_SIDE_MARGIN = (
    0.12  # width of the margin in which the side of an open frame lies, as a share of the shorter side
)
_MIN_SIDE_LENGTH = 1.5  # its minimum length, in heights of the highest ink, or of half the shorter side
_MIN_FRAME_SIZE = 1.2  # minimum size of a frame, in sizes of the ink inside
_MIN_CONTENT_HEIGHT = 0.3  # minimum height of a component in a frame, as a share of the frame's
_MIN_CONTENT = 2  # number of components in a frame that may be lower
_MAX_SPECKS = 6  # number of components in the box of one that is then no digit with specks beside it
_MIN_AXIS_ALIGNED = 0.7  # minimum share of horizontal and vertical edges of a part of a frame
_MAX_FRAME_GAP = 0.3  # maximum gap in the outline of a frame, as a share of its shorter side
_OUTLINE_SIDE = 256  # shorter side to which the outline of a frame is reduced, pixels
_MAX_OVERLAP = 30  # maximum sum of the boxes of such outlines, in areas of the page; diagonals overlap
_MIN_ENCLOSED = 0.5  # minimum share of a frame's box that its outline encloses
_MAX_FRAME_FILL = 0.25  # maximum share of a frame's box that is ink
_MIN_PRINT_COMPONENTS = 12  # minimum number of printed components; fewer are handwriting that looks like it
_MIN_PRINT_SHARE = 0.5  # minimum share of printed components among neighbours on a line
_MIN_PEN_WIDTH = 0.04  # minimum width of strokes, in heights of the region; thinner ones are thickened
_PRINT_THRESHOLD = 0.5  # minimum probability of print
_MAX_MEMBERS = 500  # maximum number of components of a number, as of one drawn with dots
_MAX_NUMBERS = 2000  # maximum number of numbers on a page; a full table has some 1,500

PRINT, CUT, FRAME, LINE = "print", "cut by the edge of the picture", "frame", "line"
PALE, PATTERN = "paler than the writing", "a pattern of too many marks"
"""Reasons why ink is not read."""

_REASONS = (None, PRINT, CUT, FRAME, LINE, PATTERN)
_HANDWRITTEN, _PRINTED, _CUT, _FRAME, _LINE, _PATTERN = range(len(_REASONS))


@dataclass(frozen=True, eq=False)
class Region:
    """Adjacent ink on a text line that may be one number.

    Attributes:
        box: box in the image.
        polygon: (4, 2) float64, its corners in the image, clockwise from the upper left.
        ink: (h, w) uint8, rectified, 0 paper, 255 ink, 128 the edge; without rules and other ink.
        reason: why it is not a number, else None.
        line: index of its text line on the page, from 0; -1 if it is not a number.
        darkness: mean darkness of its ink, 0..255.
        matrix: (3, 3) float64, maps points of `ink` to the image (homogeneous x, y).
        size: width and height of the image.
        in_comb: whether each of its digits stands in a box of its own.
    """

    box: Box
    polygon: NDArray[np.float64]
    ink: NDArray[np.uint8]
    reason: str | None
    line: int
    darkness: float
    matrix: NDArray[np.float64]
    size: tuple[int, int]
    in_comb: bool = False

    def to_image(self, box: Box) -> Box:
        """The bounding box in the image of a box (x, y, w, h) in `ink`, clipped to the image."""
        return _bounding_box(_corners(box), self.matrix, self.size)

    def words(self) -> list[Region]:
        """Split at gaps as wide as between words: a label, and the number beside it."""
        left, _, width, height = cv2.boundingRect((self.ink >= 128).astype(np.uint8))
        empty = self.ink.max(0) < 128
        gaps = [
            (start, end)
            for start, end in runs(empty)
            if left < start and end < left + width and end - start >= _MAX_WORD_GAP * height
        ]
        edges = [left, *chain(*gaps), left + width]
        return [self._columns(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True)]

    def _columns(self, start: int, end: int) -> Region:
        """The part of a region in these columns of its ink, with a margin."""
        margin = min(round(_PUNCTUATION_REACH * len(self.ink)), start)
        ink = np.zeros((len(self.ink), end - start + 2 * margin), np.uint8)
        ink[:, margin : margin + end - start] = self.ink[:, start:end]
        x, y, w, h = cv2.boundingRect((ink >= 128).astype(np.uint8))
        matrix = self.matrix @ np.array([[1.0, 0, start - margin], [0, 1, 0], [0, 0, 1]])
        polygon = transform_points(_corners((x, y, w, h)), matrix)
        return replace(
            self, box=self.to_image((x + start - margin, y, w, h)), polygon=polygon, ink=ink, matrix=matrix
        )


def find_regions(page: NDArray[np.uint8] | RectifiedPage) -> list[Region]:
    """Find regions of ink: those that may be numbers, by text lines from the top, then all others.

    Args:
        page: (H, W) uint8, or a rectified page.
    """
    flat = page if isinstance(page, RectifiedPage) else rectify(unify_polarity(page))
    found = remove_ruling_lines(flat.grey)
    parts = find_components(found)
    if not len(parts.boxes):
        return []
    kinds = _component_kinds(parts, flat)
    groups, in_comb = _group_components(parts, kinds, found)
    boxes = _group_boxes(parts.boxes, groups)
    kind = np.zeros(len(boxes), np.int64)
    kind[groups] = kinds
    kind[(kind == _HANDWRITTEN) & (np.bincount(groups) > _MAX_MEMBERS)] = _PATTERN
    written = (kind == _HANDWRITTEN) & (boxes[:, 3] >= _MIN_NUMBER_HEIGHT)
    usual = median(boxes[written, 3]) if written.any() else 0.0
    no_speck = (boxes[:, 3] >= _MAX_SPECK_HEIGHT * usual) | (np.bincount(groups) > 1)
    chosen = np.flatnonzero((boxes[:, 3] >= _MIN_NUMBER_HEIGHT) & no_speck)
    numbers = chosen[kind[chosen] == _HANDWRITTEN]
    if len(numbers) > _MAX_NUMBERS or (parts.boxes[:, 3] >= _MIN_NUMBER_HEIGHT).sum() >= MAX_COMPONENTS:
        return [_make_region(flat, found, parts, np.arange(len(groups)), PATTERN, -1)]
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1])
    ordered = [
        (group, line) for line, row in enumerate(group_into_lines(boxes[numbers])) for group in numbers[row]
    ]
    ordered += [(group, -1) for group in chosen[kind[chosen] != _HANDWRITTEN]]
    return [
        replace(
            _make_region(flat, found, parts, members[group], _REASONS[kind[group]], line),
            in_comb=bool(in_comb[group]),
        )
        for group, line in ordered
    ]


def _group_components(
    parts: Components, kinds: NDArray[np.int64], found: RuledInk
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Join components to numbers, and find print: group of each component, and whether each is a comb."""
    if len(kinds) == 1:
        return np.zeros(1, np.int64), np.zeros(1, bool)
    words = join_neighbours(parts, np.arange(len(kinds)), kinds, found.vertical_rules, _MAX_WORD_GAP)
    written = kinds == _HANDWRITTEN
    if written.sum() >= _MIN_PRINT_COMPONENTS:
        lines = join_neighbours(parts, words, kinds, found.vertical_rules, _MAX_NUMBER_GAP)
        own = renumber(words[written]), renumber(lines[written])
        likely = np.zeros(len(kinds), bool)
        likely[written] = (print_probability(parts.select(written), found.dark, *own) >= _PRINT_THRESHOLD)[
            own[0]
        ]
        likely &= (np.bincount(lines, likely) / np.bincount(lines) >= _MIN_PRINT_SHARE)[lines]
        if likely.sum() >= _MIN_PRINT_COMPONENTS:
            kinds[likely] = _PRINTED
    groups = _absorb_parts(
        parts.boxes, join_neighbours(parts, words, kinds, found.vertical_rules, _MAX_NUMBER_GAP), kinds
    )
    return join_combs(parts, groups, found.cells)


def _component_kinds(parts: Components, flat: RectifiedPage) -> NDArray[np.int64]:
    """Kinds (n,) of components: frames and lines by their shape, cut ones, all others handwriting."""
    x, y, w, h = parts.boxes.T
    shorter = min(flat.grey.shape)
    kinds = np.where(w > _MAX_LINE_ASPECT * h, _LINE, _HANDWRITTEN)
    at_border = _touches_border(flat, parts.boxes)
    kinds[at_border & (h < _MAX_CUT_HEIGHT * shorter)] = _CUT
    kinds[at_border & (np.minimum(w, h) <= _MAX_EDGE_WIDTH * shorter)] = _LINE
    height, width = flat.grey.shape
    band = (h >= _MIN_BAND_LENGTH * height) & (w <= _MAX_BAND_WIDTH * width)
    band |= (w >= _MIN_BAND_LENGTH * width) & (h <= _MAX_BAND_WIDTH * height)
    kinds[at_border & band] = _CUT
    darkest = parts.darkness[~at_border & (h >= _MIN_NUMBER_HEIGHT)].max(initial=0)
    kinds[at_border & (parts.darkness < _MIN_BORDER_DARKNESS * darkest)] = _CUT
    upright = h > _MAX_LINE_ASPECT * w
    beside = np.minimum(x, width - x - w) <= _SIDE_MARGIN * shorter
    kinds[upright & beside & (h >= _MIN_SIDE_LENGTH * np.max(h, where=~upright, initial=shorter / 2))] = _LINE
    from_border = np.minimum.reduce([x, y, width - x - w, height - y - h])
    thin = np.minimum(w, h) <= _MAX_REST_WIDTH * shorter
    kinds[thin & (from_border <= _MAX_REST_DISTANCE * shorter)] = _LINE  # the rest of an edge of the paper
    content, high = np.zeros((2, len(kinds)), np.int64)
    frames = np.flatnonzero(parts.area <= _MAX_FRAME_FILL * w * h)
    for index, part in pairs_within(y[frames], (y + h)[frames], y):
        one = frames[index]
        inside = (x[part] > x[one]) & (y[part] > y[one]) & ((x + w)[part] < (x + w)[one])
        inside &= ((y + h)[part] < (y + h)[one]) & (h[part] >= _MIN_NUMBER_HEIGHT)
        inside &= h[part] * _MIN_FRAME_SIZE <= h[one]
        content += np.bincount(one[inside], minlength=len(kinds))
        high += np.bincount(one[inside & (h[part] >= _MIN_CONTENT_HEIGHT * h[one])], minlength=len(kinds))
    outer = np.flatnonzero((high > 0) | (content >= _MIN_CONTENT))
    outer = outer[np.argsort((w * h)[outer], kind="stable")]
    for frame in outer[np.cumsum((w * h)[outer]) <= _MAX_OVERLAP * flat.grey.size].tolist():
        straight = parts.axis_aligned[frame] >= _MIN_AXIS_ALIGNED
        if straight or content[frame] >= _MAX_SPECKS or _encloses(parts, frame):
            kinds[frame] = _FRAME
    return kinds


def _encloses(parts: Components, index: int) -> bool:
    """Whether the outline of a component, with narrow gaps closed, encloses most of its box."""
    x, y, w, h = parts.boxes[index].tolist()
    own = (parts.labels[y : y + h, x : x + w] == parts.numbers[index]).astype(np.uint8)
    if (step := min(w, h) // _OUTLINE_SIDE) > 1:
        own = np.ascontiguousarray(cv2.dilate(own, np.ones((step, step), np.uint8))[::step, ::step])
    gap = round(_MAX_FRAME_GAP * min(own.shape))
    area = own.size
    own = cv2.copyMakeBorder(own, gap, gap, gap, gap, cv2.BORDER_CONSTANT, value=0)
    own = cv2.morphologyEx(own, cv2.MORPH_CLOSE, np.ones((gap + 1, gap + 1), np.uint8))
    outlines = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
    return sum(map(cv2.contourArea, outlines)) >= _MIN_ENCLOSED * area


def _touches_border(flat: RectifiedPage, boxes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether boxes (n, 4) touch the border of the image or of the sheet."""
    out = np.zeros(len(boxes), bool)
    ends = boxes[:, :2] + boxes[:, 2:]
    for x in (boxes[:, 0], ends[:, 0]):
        for y in (boxes[:, 1], ends[:, 1]):
            corner = np.stack([x, y], 1)
            out |= ((corner <= 1) | (corner >= np.array(flat.grey.shape[::-1]) - 1)).any(1)
            seen = flat.to_image(corner.astype(np.float64))
            out |= ((seen <= 1) | (seen >= np.array(flat.size) - 1)).any(1)
    return out


def _absorb_parts(
    boxes: NDArray[np.int64], groups: NDArray[np.int64], kinds: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Merge low groups of handwriting inside and beside a higher one into it; boxes are (n, 4)."""
    x, y, w, h = _group_boxes(boxes, groups).T
    around = _PUNCTUATION_REACH * h
    column, row = x + w / 2, y + h / 2
    written = np.zeros(len(h), bool)
    written[groups] = kinds == _HANDWRITTEN
    hosts, low = np.flatnonzero(written), written & (np.bincount(groups) <= _MAX_PARTS)
    host = np.arange(len(h))
    highest = np.zeros(len(h), np.int64)
    for index, part in pairs_within((y - around)[hosts], (y + h + around)[hosts], row):
        one = hosts[index]
        within = low[part] & (h[part] < _MAX_PART_HEIGHT * h[one])
        within &= (column[part] >= (x - around)[one]) & (column[part] <= (x + w + around)[one])
        one, part = one[within], part[within]
        rising = np.lexsort((-one, h[one]))
        one, part = one[rising], part[rising]
        higher = h[one] > highest[part]
        host[part[higher]], highest[part[higher]] = one[higher], h[one[higher]]
    return renumber(host[host][groups])


def _group_boxes(boxes: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The bounding box (groups, 4) of each group of boxes (n, 4)."""
    low = np.full((groups.max() + 1, 2), np.iinfo(np.int64).max)
    high = np.zeros_like(low)
    np.minimum.at(low, groups, boxes[:, :2])
    np.maximum.at(high, groups, boxes[:, :2] + boxes[:, 2:])
    return np.hstack([low, high - low])


def _make_region(
    flat: RectifiedPage,
    found: RuledInk,
    parts: Components,
    members: NDArray[np.int64],
    reason: str | None,
    line: int,
) -> Region:
    """Make the region of these components, with the punctuation inside and beside them."""
    x, y, w, h = _group_boxes(parts.boxes[members], np.zeros(len(members), np.int64))[0].tolist()
    around = round(_PUNCTUATION_REACH * h)
    left, top = max(x - around, 0), max(y - around, 0)
    window = np.s_[top : y + h + around, left : x + w + around]
    column, row = parts.small_centres.T
    near = slice(*np.searchsorted(row, [top, y + h + around]).tolist())
    small = parts.small[near][(column[near] >= left) & (column[near] < x + w + around)]
    labels, chosen = parts.labels[window], np.concatenate([parts.numbers[members], small])
    is_own = np.zeros(max(labels.max(), chosen.max()) + 1, np.uint8)
    is_own[chosen] = 1
    own = is_own[labels]
    dark = found.dark[window]
    if (pen := _pen_width(parts, members)) < h * _MIN_PEN_WIDTH:  # a hair line would be lost when scaled down
        wider = np.ones((2 * ceil((h * _MIN_PEN_WIDTH - pen) / 2) + 1,) * 2, np.uint8)
        dark, own = cv2.dilate(dark * own, wider), cv2.dilate(own, wider)
    dark = dark * cv2.dilate(own, np.ones((3, 3), np.uint8))
    full = median(dark[own > 0])
    level = min(found.paper, full - 1)
    edge = level + EDGE_CONTRAST * (full - level)
    ink = np.interp(np.arange(256), [level, edge, full], [0, 128, 255]).astype(np.uint8)[dark]
    rows = np.flatnonzero(own.any(1))
    first, last = own[rows].argmax(1), own.shape[1] - 1 - own[rows, ::-1].argmax(1)
    outline = np.stack([np.concatenate([first, last]), np.concatenate([rows, rows])], 1).astype(np.float64)
    matrix = flat.matrix @ np.array([[1.0, 0, left], [0, 1, top], [0, 0, 1]])
    box = _bounding_box(outline, matrix, flat.size)
    polygon = transform_points(_corners((x - left, y - top, w, h)), matrix)
    return Region(box, polygon, ink, reason, line, float(parts.darkness[members].mean()), matrix, flat.size)


def _pen_width(parts: Components, members: NDArray[np.int64]) -> float:
    """Mean stroke width of components, pixels: the outline of a stroke has twice its length."""
    return float(2 * parts.area[members].sum() / max(parts.edge[members].sum(), 1))


def _corners(box: Box) -> NDArray[np.float64]:
    """The corners (4, 2) of a box, clockwise from the upper left."""
    x, y, w, h = box
    return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]) - 0.5


def _bounding_box(points: NDArray[np.float64], matrix: NDArray[np.float64], size: tuple[int, int]) -> Box:
    """The bounding box in the image of points (n, 2), rounded outwards and clipped."""
    seen = transform_points(points, matrix).round(6)
    low = np.clip(np.floor(seen.min(0) + 0.5), 0, size).astype(int).tolist()
    high = np.clip(np.ceil(seen.max(0) + 0.5), 0, size).astype(int).tolist()
    return low[0], low[1], high[0] - low[0], high[1] - low[1]
