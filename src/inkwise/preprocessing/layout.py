"""The numbers on a page: where each stands, in the order in which they are read."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.components import Pieces, joined, pieces
from inkwise.preprocessing.print_filter import likely_printed
from inkwise.preprocessing.rectification import Flat, flatten
from inkwise.preprocessing.ruling_lines import Marks, marks
from inkwise.preprocessing.segmentation import Box

_WORD, _NUMBER = 0.45, 1.15  # gaps within a word and within a number, of its height
_LEAST = 12  # pixels: what is lower is no number
_SPECK = 0.3  # of the usual height of what is written: what is lower is a speck
_AROUND = 0.25  # of a number's height: small marks so near belong to it
_EDGE = 0.45  # of the way from paper to full ink, the edge of ink
_PART = 0.5  # of the height of a number: what stands beside it and is lower is a part of it
_LIKELY = 0.5  # from this on it is printed
_LINE = 0.6  # of the height: numbers whose middles are nearer stand on one line

_WRITTEN, _PRINTED, _OUTSIDE = range(3)


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

    def in_picture(self, box: Box) -> Box:
        """The box in the picture around a box (x, y, w, h) of pixels of `ink`, within the picture."""
        x, y, w, h = box
        corners = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]) - 0.5
        return _around(corners, self.matrix, self.size)


def numbers(page: NDArray[np.uint8] | Flat) -> list[Region]:
    """Find what may be numbers: lines from the top, on a line from the left.

    Ink that reaches in from the border is left out.

    Args:
        page: (H, W) uint8, or one that is flat already.
    """
    flat = page if isinstance(page, Flat) else flatten(page)
    found = marks(flat.grey)
    parts = pieces(found)
    if not len(parts.boxes):
        return []
    kinds = np.where(_reaches_out(flat, parts.boxes), _OUTSIDE, _WRITTEN)
    words = joined(parts.boxes, np.arange(len(kinds)), kinds, found.down, _WORD)
    lines = joined(parts.boxes, words, kinds, found.down, _NUMBER)
    likely = likely_printed(parts, found.dark, words, lines)[words]
    kinds[(kinds == _WRITTEN) & (likely >= _LIKELY)] = _PRINTED
    groups = _absorbed(parts.boxes, joined(parts.boxes, words, kinds, found.down, _NUMBER))
    regularity = np.bincount(groups, likely) / np.bincount(groups)
    boxes = _boxes(parts.boxes, groups)
    written = (regularity < _LIKELY) & (boxes[:, 3] >= _LEAST)
    usual = float(np.median(boxes[written, 3])) if written.any() else 0.0
    outside = np.bincount(groups, kinds == _OUTSIDE) > 0
    chosen = np.flatnonzero((boxes[:, 3] >= max(_LEAST, _SPECK * usual)) & ~outside)
    return [
        _region(flat, found, parts, np.flatnonzero(groups == group), float(regularity[group]), line)
        for line, row in enumerate(_in_order(boxes, chosen))
        for group in row
    ]


def _reaches_out(flat: Flat, boxes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which boxes (n, 4) touch the border of the picture, or of the sheet."""
    out = np.zeros(len(boxes), bool)
    ends = boxes[:, :2] + boxes[:, 2:]
    for x in (boxes[:, 0], ends[:, 0]):
        for y in (boxes[:, 1], ends[:, 1]):
            corner = np.stack([x, y], 1)
            out |= ((corner <= 1) | (corner >= np.array(flat.grey.shape[::-1]) - 1)).any(1)
            seen = flat.in_picture(corner.astype(np.float64))
            out |= ((seen <= 1) | (seen >= np.array(flat.size) - 1)).any(1)
    return out


def _absorbed(boxes: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Groups (n,) of boxes (n, 4), low ones in and beside a taller one made parts of it."""
    x, y, w, h = _boxes(boxes, groups).T
    around = _AROUND * h
    column, row = (x + w / 2)[:, None], (y + h / 2)[:, None]
    within = (
        (column >= x - around) & (column <= x + w + around) & (row >= y - around) & (row <= y + h + around)
    )
    within &= h[:, None] < _PART * h
    host = np.where(within.any(1), np.where(within, h, 0).argmax(1), np.arange(len(h)))
    return np.unique(host[host][groups], return_inverse=True)[1]


def _boxes(boxes: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The box (groups, 4) of each group of boxes (n, 4)."""
    low = np.full((groups.max() + 1, 2), np.iinfo(np.int64).max)
    high = np.zeros_like(low)
    np.minimum.at(low, groups, boxes[:, :2])
    np.maximum.at(high, groups, boxes[:, :2] + boxes[:, 2:])
    return np.hstack([low, high - low])


def _in_order(boxes: NDArray[np.int64], chosen: NDArray[np.int64]) -> list[list[int]]:
    """Those that were chosen of boxes (n, 4): lines, and on each from the left."""
    lines: list[list[int]] = []
    middles = boxes[:, 1] + boxes[:, 3] / 2
    for group in chosen[np.argsort(middles[chosen], kind="stable")].tolist():
        if lines:
            last = lines[-1]
            height = max(boxes[group, 3], np.median(boxes[last, 3]))
            if middles[group] - np.mean(middles[last]) < _LINE * height:
                last.append(group)
                continue
        lines.append([group])
    return [sorted(line, key=lambda group: boxes[group, 0]) for line in lines]


def _region(
    flat: Flat, found: Marks, parts: Pieces, members: NDArray[np.int64], regularity: float, line: int
) -> Region:
    """The region of these pieces, with the small marks among and beside them."""
    x, y, w, h = _boxes(parts.boxes[members], np.zeros(len(members), np.int64))[0].tolist()
    around = round(_AROUND * h)
    left, top = max(x - around, 0), max(y - around, 0)
    window = np.s_[top : y + h + around, left : x + w + around]
    middles = parts.small_boxes[:, :2] + parts.small_boxes[:, 2:] / 2
    low, high = np.array([left, top]), np.array([x + w + around, y + h + around])
    small = parts.small[((middles >= low) & (middles < high)).all(1)]
    own = np.isin(parts.labels[window], [*parts.numbers[members], *small]).astype(np.uint8)
    dark = found.dark[window] * cv2.dilate(own, np.ones((3, 3), np.uint8))
    full = float(np.median(dark[own > 0]))
    level = min(found.paper, full - 1)
    ink = np.interp(dark, [level, level + _EDGE * (full - level), full], [0, 128, 255]).astype(np.uint8)
    rows, columns = np.nonzero(own)
    outline = cv2.convexHull(np.stack([columns, rows], 1).astype(np.int32))[:, 0].astype(np.float64)
    matrix = flat.matrix @ np.array([[1.0, 0, left], [0, 1, top], [0, 0, 1]])
    box = _around(outline, matrix, flat.size)
    return Region(box, ink, regularity >= _LIKELY, regularity, line, matrix, flat.size)


def _around(points: NDArray[np.float64], matrix: NDArray[np.float64], size: tuple[int, int]) -> Box:
    """The box of the picture around points (n, 2), rounded outwards and clipped."""
    seen = cv2.perspectiveTransform(points[None], matrix)[0].round(6)
    low = np.clip(np.floor(seen.min(0) + 0.5), 0, size).astype(int).tolist()
    high = np.clip(np.ceil(seen.max(0) + 0.5), 0, size).astype(int).tolist()
    return low[0], low[1], high[0] - low[0], high[1] - low[1]
