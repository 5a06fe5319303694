"""The numbers on a page: where each stands, in the order in which they are read."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.components import Components, find_components, join_neighbours
from inkwise.preprocessing.print_filter import print_probability
from inkwise.preprocessing.rectification import RectifiedPage, rectify, transform_points
from inkwise.preprocessing.ruling_lines import PageInk, remove_ruling_lines
from inkwise.preprocessing.segmentation import Box

_MAX_WORD_GAP, _MAX_NUMBER_GAP = 0.45, 1.15  # gaps within a word and within a number, of its height
_MIN_NUMBER_HEIGHT = 12  # pixels: what is lower is no number
_MAX_SPECK_HEIGHT = 0.3  # of the usual height of what is written: what is lower is a speck
_PUNCTUATION_REACH = 0.25  # of a number's height: small marks so near belong to it
_INK_EDGE = 0.45  # of the way from paper to full ink, the edge of ink
_MAX_PART_HEIGHT = 0.5  # of the height of a number: what stands beside it and is lower is a part of it
_PRINT_THRESHOLD = 0.5  # from this on it is printed
_SAME_LINE_DISTANCE = 0.6  # of the height: numbers whose middles are nearer stand on one line

_HANDWRITTEN, _PRINTED, _OUTSIDE = range(3)


@dataclass(frozen=True, eq=False)
class Region:
    """Ink on one line, near one another, that may be one number.

    Attributes:
        box: in the picture.
        ink: (h, w) uint8, level and upright, 0 paper, 255 ink, 128 its edge; rules and other ink left out.
        printed: whether it looks printed rather than written.
        regularity: how likely that is, 0..1.
        line: the number of its line on the page, from 0.
        matrix: (3, 3) float64, takes points of `ink` to the picture (homogeneous x, y).
        size: width and height of the picture.
    """

    box: Box
    ink: NDArray[np.uint8]
    printed: bool
    regularity: float
    line: int
    matrix: NDArray[np.float64]
    size: tuple[int, int]

    def to_image(self, box: Box) -> Box:
        """The box in the picture around a box (x, y, w, h) of pixels of `ink`, within the picture."""
        x, y, w, h = box
        corners = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]) - 0.5
        return _bounding_box(corners, self.matrix, self.size)


def find_number_regions(page: NDArray[np.uint8] | RectifiedPage) -> list[Region]:
    """Find what may be numbers: lines from the top, on a line from the left.

    Ink that reaches in from the border is left out.

    Args:
        page: (H, W) uint8, or one that is flat already.
    """
    flat = page if isinstance(page, RectifiedPage) else rectify(page)
    found = remove_ruling_lines(flat.grey)
    parts = find_components(found)
    if not len(parts.boxes):
        return []
    kinds = np.where(_touches_border(flat, parts.boxes), _OUTSIDE, _HANDWRITTEN)
    words = join_neighbours(parts.boxes, np.arange(len(kinds)), kinds, found.vertical_rules, _MAX_WORD_GAP)
    lines = join_neighbours(parts.boxes, words, kinds, found.vertical_rules, _MAX_NUMBER_GAP)
    likely = print_probability(parts, found.dark, words, lines)[words]
    kinds[(kinds == _HANDWRITTEN) & (likely >= _PRINT_THRESHOLD)] = _PRINTED
    groups = _absorb_parts(
        parts.boxes, join_neighbours(parts.boxes, words, kinds, found.vertical_rules, _MAX_NUMBER_GAP)
    )
    regularity = np.bincount(groups, likely) / np.bincount(groups)
    boxes = _group_boxes(parts.boxes, groups)
    written = (regularity < _PRINT_THRESHOLD) & (boxes[:, 3] >= _MIN_NUMBER_HEIGHT)
    usual = float(np.median(boxes[written, 3])) if written.any() else 0.0
    outside = np.bincount(groups, kinds == _OUTSIDE) > 0
    chosen = np.flatnonzero((boxes[:, 3] >= max(_MIN_NUMBER_HEIGHT, _MAX_SPECK_HEIGHT * usual)) & ~outside)
    return [
        _make_region(flat, found, parts, np.flatnonzero(groups == group), float(regularity[group]), line)
        for line, row in enumerate(_reading_order(boxes, chosen))
        for group in row
    ]


def _touches_border(flat: RectifiedPage, boxes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which boxes (n, 4) touch the border of the picture, or of the sheet."""
    out = np.zeros(len(boxes), bool)
    ends = boxes[:, :2] + boxes[:, 2:]
    for x in (boxes[:, 0], ends[:, 0]):
        for y in (boxes[:, 1], ends[:, 1]):
            corner = np.stack([x, y], 1)
            out |= ((corner <= 1) | (corner >= np.array(flat.grey.shape[::-1]) - 1)).any(1)
            seen = flat.to_image(corner.astype(np.float64))
            out |= ((seen <= 1) | (seen >= np.array(flat.size) - 1)).any(1)
    return out


def _absorb_parts(boxes: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Groups (n,) of boxes (n, 4), low ones in and beside a taller one made parts of it."""
    x, y, w, h = _group_boxes(boxes, groups).T
    around = _PUNCTUATION_REACH * h
    column, row = (x + w / 2)[:, None], (y + h / 2)[:, None]
    within = (
        (column >= x - around) & (column <= x + w + around) & (row >= y - around) & (row <= y + h + around)
    )
    within &= h[:, None] < _MAX_PART_HEIGHT * h
    host = np.where(within.any(1), np.where(within, h, 0).argmax(1), np.arange(len(h)))
    return np.unique(host[host][groups], return_inverse=True)[1]


def _group_boxes(boxes: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The box (groups, 4) of each group of boxes (n, 4)."""
    low = np.full((groups.max() + 1, 2), np.iinfo(np.int64).max)
    high = np.zeros_like(low)
    np.minimum.at(low, groups, boxes[:, :2])
    np.maximum.at(high, groups, boxes[:, :2] + boxes[:, 2:])
    return np.hstack([low, high - low])


def _reading_order(boxes: NDArray[np.int64], chosen: NDArray[np.int64]) -> list[list[int]]:
    """Those that were chosen of boxes (n, 4): lines, and on each from the left."""
    lines: list[list[int]] = []
    middles = boxes[:, 1] + boxes[:, 3] / 2
    for group in chosen[np.argsort(middles[chosen], kind="stable")].tolist():
        if lines:
            last = lines[-1]
            height = max(boxes[group, 3], np.median(boxes[last, 3]))
            if middles[group] - np.mean(middles[last]) < _SAME_LINE_DISTANCE * height:
                last.append(group)
                continue
        lines.append([group])
    return [sorted(line, key=lambda group: boxes[group, 0]) for line in lines]


def _make_region(
    flat: RectifiedPage,
    found: PageInk,
    parts: Components,
    members: NDArray[np.int64],
    regularity: float,
    line: int,
) -> Region:
    """The region of these pieces, with the small marks among and beside them."""
    x, y, w, h = _group_boxes(parts.boxes[members], np.zeros(len(members), np.int64))[0].tolist()
    around = round(_PUNCTUATION_REACH * h)
    left, top = max(x - around, 0), max(y - around, 0)
    window = np.s_[top : y + h + around, left : x + w + around]
    middles = parts.small_boxes[:, :2] + parts.small_boxes[:, 2:] / 2
    low, high = np.array([left, top]), np.array([x + w + around, y + h + around])
    small = parts.small[((middles >= low) & (middles < high)).all(1)]
    own = np.isin(parts.labels[window], [*parts.numbers[members], *small]).astype(np.uint8)
    dark = found.dark[window] * cv2.dilate(own, np.ones((3, 3), np.uint8))
    full = float(np.median(dark[own > 0]))
    level = min(found.paper, full - 1)
    ink = np.interp(dark, [level, level + _INK_EDGE * (full - level), full], [0, 128, 255]).astype(np.uint8)
    rows, columns = np.nonzero(own)
    outline = cv2.convexHull(np.stack([columns, rows], 1).astype(np.int32))[:, 0].astype(np.float64)
    matrix = flat.matrix @ np.array([[1.0, 0, left], [0, 1, top], [0, 0, 1]])
    box = _bounding_box(outline, matrix, flat.size)
    return Region(box, ink, regularity >= _PRINT_THRESHOLD, regularity, line, matrix, flat.size)


def _bounding_box(points: NDArray[np.float64], matrix: NDArray[np.float64], size: tuple[int, int]) -> Box:
    """The box of the picture around points (n, 2), rounded outwards and clipped."""
    seen = transform_points(points, matrix).round(6)
    low = np.clip(np.floor(seen.min(0) + 0.5), 0, size).astype(int).tolist()
    high = np.clip(np.ceil(seen.max(0) + 0.5), 0, size).astype(int).tolist()
    return low[0], low[1], high[0] - low[0], high[1] - low[1]
