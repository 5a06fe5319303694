"""Layout analysis: regions of a page that may be numbers, in reading order."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.background import EDGE_CONTRAST
from inkwise.preprocessing.components import Components, find_components, join_neighbours
from inkwise.preprocessing.print_filter import print_probability
from inkwise.preprocessing.rectification import RectifiedPage, rectify, transform_points
from inkwise.preprocessing.ruling_lines import PageInk, remove_ruling_lines
from inkwise.preprocessing.segmentation import Box, group_into_lines

_MAX_WORD_GAP, _MAX_NUMBER_GAP = 0.45, 1.15  # maximum gaps within a word and a number, in its heights
_MIN_NUMBER_HEIGHT = 12  # minimum height of a number, pixels
_MAX_SPECK_HEIGHT = 0.3  # maximum height of a speck, in median heights of handwriting
_PUNCTUATION_REACH = 0.25  # maximum distance of punctuation from a number, in its heights
_MAX_PART_HEIGHT = 0.5  # maximum height of a detached part beside a number, in its heights
_PRINT_THRESHOLD = 0.5  # minimum probability of print

_HANDWRITTEN, _PRINTED, _OUTSIDE = range(3)


@dataclass(frozen=True, eq=False)
class Region:
    """Adjacent ink on a text line that may be one number.

    Attributes:
        box: box in the image.
        ink: (h, w) uint8, rectified, 0 paper, 255 ink, 128 the edge; without rules and other ink.
        printed: whether it is classified as print rather than handwriting.
        regularity: probability of print, 0..1.
        line: index of its text line on the page, from 0.
        matrix: (3, 3) float64, maps points of `ink` to the image (homogeneous x, y).
        size: width and height of the image.
    """

    box: Box
    ink: NDArray[np.uint8]
    printed: bool
    regularity: float
    line: int
    matrix: NDArray[np.float64]
    size: tuple[int, int]

    def to_image(self, box: Box) -> Box:
        """The bounding box in the image of a box (x, y, w, h) in `ink`, clipped to the image."""
        x, y, w, h = box
        corners = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]) - 0.5
        return _bounding_box(corners, self.matrix, self.size)


def find_number_regions(page: NDArray[np.uint8] | RectifiedPage) -> list[Region]:
    """Find regions that may be numbers: text lines from the top, each from the left.

    Ink that touches the border of the page is excluded.

    Args:
        page: (H, W) uint8, or a rectified page.
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
        for line, indices in enumerate(group_into_lines(boxes[chosen]))
        for group in chosen[indices].tolist()
    ]


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


def _absorb_parts(boxes: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Merge low groups of boxes (n, 4) inside and beside a higher one into it."""
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
    """The bounding box (groups, 4) of each group of boxes (n, 4)."""
    low = np.full((groups.max() + 1, 2), np.iinfo(np.int64).max)
    high = np.zeros_like(low)
    np.minimum.at(low, groups, boxes[:, :2])
    np.maximum.at(high, groups, boxes[:, :2] + boxes[:, 2:])
    return np.hstack([low, high - low])


def _make_region(
    flat: RectifiedPage,
    found: PageInk,
    parts: Components,
    members: NDArray[np.int64],
    regularity: float,
    line: int,
) -> Region:
    """Make the region of these components, with the punctuation inside and beside them."""
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
    edge = level + EDGE_CONTRAST * (full - level)
    ink = np.interp(dark, [level, edge, full], [0, 128, 255]).astype(np.uint8)
    rows, columns = np.nonzero(own)
    outline = cv2.convexHull(np.stack([columns, rows], 1).astype(np.int32))[:, 0].astype(np.float64)
    matrix = flat.matrix @ np.array([[1.0, 0, left], [0, 1, top], [0, 0, 1]])
    box = _bounding_box(outline, matrix, flat.size)
    return Region(box, ink, regularity >= _PRINT_THRESHOLD, regularity, line, matrix, flat.size)


def _bounding_box(points: NDArray[np.float64], matrix: NDArray[np.float64], size: tuple[int, int]) -> Box:
    """The bounding box in the image of points (n, 2), rounded outwards and clipped."""
    seen = transform_points(points, matrix).round(6)
    low = np.clip(np.floor(seen.min(0) + 0.5), 0, size).astype(int).tolist()
    high = np.clip(np.ceil(seen.max(0) + 0.5), 0, size).astype(int).tolist()
    return low[0], low[1], high[0] - low[0], high[1] - low[1]
