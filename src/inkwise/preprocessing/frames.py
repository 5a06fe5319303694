"""Frames: rectangles around digits, such as boxes and the cells of a comb."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.pairs import pairs_within
from inkwise.preprocessing.segmentation import Box

_MIN_SIDE = 14  # minimum inner side of a frame, pixels
_MAX_SIDE = 0.98  # maximum inner side, as a share of the picture's
_MAX_FRAMES = 3000  # maximum number of frames; squared paper of A4 has 2,500 squares, textures have more
_MAX_OVERLAP = 30  # maximum sum of the boxes of outlines, in areas of the picture; diagonals overlap
_MIN_FILL = 0.2  # minimum area of the hole in the ink, as a share of its box; a frame is upright
_MIN_RECTANGULARITY = 0.9  # minimum area of the convex hull of the interior, as a share of its rectangle
_MIN_SIDE_SHARE = 0.5  # minimum share of each side of its box that the interior reaches
_MIN_OUTLINE = 0.95  # the same of the outline of a frame
_MAX_OUTLINE_FILL = 0.6  # maximum share of the box of a frame that is ink
_MIN_CELL_ASPECT = 0.6  # minimum ratio of width to height of a cell in a row of cells
_MIN_CONTENT_HEIGHT = 0.25  # minimum height of the ink in a frame, as a share of the frame's
_MARGIN = 0.08  # width along the walls where ink is no content, as a share of the shorter side
_MIN_LIKE = 3  # number of frames of one size that need no content
_MIN_WHOLE = 2  # minimum number of cells beside a part of one
_SIZE_TOLERANCE = 0.12  # maximum difference of their sides, as a share
_REACH = 2.6  # distance in which walls of the neighbours are looked for, in widths of the frame
_MIN_UPRIGHT = 0.9  # minimum share of a column of the frame's height that is ink: a wall
_MIN_RAIL = 0.6  # minimum length of a rail above and below neighbours, in widths of the frame
_MAX_WALL = 0.22  # maximum thickness of a wall, as a share of the shorter inner side
_MIN_WALL_INK = 0.6  # minimum share of a wall that is ink

Mask = NDArray[np.uint8]
"""(H, W) uint8 of 0 and 1."""

_Cell = tuple[int, int, Mask]
"""x and y of the interior of a frame, and its mask (h, w) uint8."""


def find_frames(ink: Mask, *, several: bool = False) -> tuple[Mask, NDArray[np.int32]]:
    """Find frames: their walls, (H, W) uint8, 1 on a wall; and the boxes (n, 4) of their interiors.

    The interior of a frame is a hole in the ink, and its convex hull a rectangle. A frame has content, or
    others are of its size: a 0 that is drawn with corners has neither.

    Args:
        ink: (H, W) uint8 of 0 and 1.
        several: only frames of which there are several of one size.
    """
    closed = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    cells = _complete_parts(_hole_cells(closed))
    cells += _outlined_cells(closed, [_cell_box(cell) for cell in cells])
    walls, interior, boxes = np.zeros_like(ink), np.zeros_like(ink), []
    for cell, is_frame in zip(cells, _are_frames(cells, ink, several=several), strict=True):
        left, top, inside = cell
        if is_frame and (thickness := _mark_walls(walls, ink, left, top, inside)):
            boxes.append((*_cell_box(cell), thickness))
            interior[top : top + inside.shape[0], left : left + inside.shape[1]] |= _core(inside)
    outside = ink & ~interior
    for *box, thickness in boxes:
        _mark_neighbours(walls, outside, box, thickness)
    return walls, np.array(boxes, np.int32).reshape(-1, 5)[:, :4]


def _hole_cells(closed: Mask) -> list[_Cell]:
    """Holes in the ink that are rectangles, apart from the digit inside."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - closed, connectivity=4)
    height, width = closed.shape
    x, y, w, h, area = stats.T
    inner = (x > 0) & (y > 0) & (x + w < width) & (y + h < height) & (np.minimum(w, h) >= _MIN_SIDE)
    inner &= (w <= _MAX_SIDE * width) & (area >= _MIN_FILL * w * h)
    inner[0] = False  # the ink
    cells = []
    for label in _largest(inner, area):
        left, top, wide, high = stats[label, :4].tolist()
        hole = (labels[top : top + high, left : left + wide] == label).astype(np.uint8)
        if _min_side_share(hole) < _MIN_SIDE_SHARE:  # a part of a frame, which a digit divides
            continue
        hull = cv2.convexHull(cv2.findNonZero(hole))
        _, size, _ = cv2.minAreaRect(hull)
        if cv2.contourArea(hull) >= _MIN_RECTANGULARITY * size[0] * size[1]:
            cells.append((left, top, cv2.fillConvexPoly(np.zeros_like(hole), hull, 1)))
    return cells


def _largest(chosen: NDArray[np.bool_], size: NDArray[np.integer], total: float = np.inf) -> list[int]:
    """The indices of the largest of the chosen, at most `_MAX_FRAMES` and of at most this total size."""
    indices = np.flatnonzero(chosen)
    indices = indices[np.argsort(-size[indices], kind="stable")[:_MAX_FRAMES]]
    return np.sort(indices[np.cumsum(size[indices]) <= total]).tolist()


def _complete_parts(cells: list[_Cell]) -> list[_Cell]:
    """Extend the parts of cells that the bar of a digit cuts off to whole cells.

    Several cells beside such a part are as wide and higher, and have the same upper or lower edge.
    """
    left, top, wide, high = np.array([_cell_box(cell) for cell in cells], np.float64).reshape(-1, 4).T
    bottom, reach = top + high, (1 + _REACH) * wide
    count, whole = np.zeros(len(cells), np.int64), np.zeros(len(cells), np.int64)
    for part, other in pairs_within(left - reach, left + reach, left):
        slack = _SIZE_TOLERANCE * high[other]
        alike = np.abs(np.log(wide[part] / wide[other])) <= _SIZE_TOLERANCE
        alike &= high[other] > high[part] + slack
        alike &= (np.abs(top[part] - top[other]) <= slack) | (np.abs(bottom[part] - bottom[other]) <= slack)
        count += np.bincount(part[alike], minlength=len(cells))
        whole[part[alike]] = other[alike]
    complete = cells.copy()
    for index in np.flatnonzero(count >= _MIN_WHOLE).tolist():
        x, _, inside = cells[index]
        _, y, beside = cells[int(whole[index])]
        complete[index] = x, y, np.ones((beside.shape[0], inside.shape[1]), np.uint8)
    return complete


def _outlined_cells(closed: Mask, known: list[Box]) -> list[_Cell]:
    """Cells of components with the outline of a rectangle, which digits that touch the outline divide.

    Those around the middle of a known cell are left out.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    _, _, w, h, area = stats.T
    chosen = (np.minimum(w, h) > _MIN_SIDE) & (area <= _MAX_OUTLINE_FILL * w * h)
    chosen[0] = False
    boxes = w.astype(np.int64) * h
    low, size = np.array(known, np.float64).reshape(-1, 2, 2).transpose(1, 0, 2)
    cells = []
    for label in _largest(chosen, boxes, _MAX_OVERLAP * closed.size):
        left, top, wide, high = stats[label, :4].tolist()
        own = (labels[top : top + high, left : left + wide] == label).astype(np.uint8)
        if _min_side_share(own) < _MIN_OUTLINE:
            continue
        rows, columns = own.mean(1) >= _MIN_WALL_INK, own.mean(0) >= _MIN_WALL_INK
        edges = [runs(line)[0] for line in (rows, rows[::-1], columns, columns[::-1]) if line.any()]
        if len(edges) < 4:
            continue
        above, below, before, after = (end for _, end in edges)
        inner, thickness = own[above : high - below, before : wide - after], max(e - s for s, e in edges)
        if not inner.size or max(above, below, before, after) > _MAX_WALL * min(inner.shape):
            continue
        for start, end in _split_at_walls(inner, thickness):
            cell = (left + before + start, top + above, np.ones((inner.shape[0], end - start), np.uint8))
            middle = np.array(cell[:2]) + np.array(cell[2].shape[::-1]) / 2
            if not ((low < middle) & (middle < low + size)).all(1).any():
                cells.append(cell)
    return cells


def _split_at_walls(inner: Mask, thickness: int) -> list[tuple[int, int]]:
    """First and last column of each cell of a row of cells: as many of one width as walls allow."""
    height, width = inner.shape
    upright = np.flatnonzero(inner.mean(0) >= _MIN_UPRIGHT)
    for count in range(round((width + thickness) / (_MIN_CELL_ASPECT * height + thickness)), 1, -1):
        pitch = (width + thickness) / count
        walls = pitch * np.arange(1, count) - thickness / 2
        reach = thickness / 2 + 2
        if (np.searchsorted(upright, walls - reach) < np.searchsorted(upright, walls + reach, "right")).all():
            edges = np.rint(pitch * np.arange(count + 1)).astype(int).tolist()
            return [(start, end - thickness) for start, end in pairwise(edges)]
    return [(0, width)]


def _min_side_share(mask: Mask) -> float:
    """The least share of a side of its box that a mask reaches, apart from a margin."""
    margin = max(2, round(_MARGIN * min(mask.shape)))
    sides = (mask[:margin], 0), (mask[-margin:], 0), (mask[:, :margin], 1), (mask[:, -margin:], 1)
    return float(min(part.any(axis).mean() for part, axis in sides))


def runs(line: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and end of each run of True in a line (n,)."""
    steps = np.diff(np.concatenate([[0], line.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def _cell_box(cell: _Cell) -> Box:
    left, top, inside = cell
    return left, top, inside.shape[1], inside.shape[0]


def _are_frames(cells: list[_Cell], ink: Mask, *, several: bool) -> NDArray[np.bool_]:
    """Whether each cell has content, one of its size has, or there are several of its size."""
    sizes = np.array([cell[2].shape for cell in cells], np.float64).reshape(-1, 2)
    filled = np.zeros(len(cells), bool)
    for index, (left, top, inside) in enumerate(cells):
        h, w = inside.shape
        content = cv2.boundingRect(_core(inside) & ink[top : top + h, left : left + w])
        filled[index] = content[3] >= _MIN_CONTENT_HEIGHT * h
    high, wide = np.log(sizes).T
    alike, alike_filled = np.zeros((2, len(cells)), np.int64)
    for one, other in pairs_within(wide - _SIZE_TOLERANCE, wide + _SIZE_TOLERANCE, wide):
        near = np.abs(high[one] - high[other]) <= _SIZE_TOLERANCE
        alike += np.bincount(one[near], minlength=len(cells))
        alike_filled += np.bincount(one[near & filled[other]], minlength=len(cells))
    like = alike >= _MIN_LIKE
    return like if several else like | (alike_filled > 0)


def _core(inside: Mask) -> Mask:
    """The interior (h, w) of a frame without a margin along its walls, whose corners are rounded."""
    margin = 2 * max(2, round(_MARGIN * min(inside.shape))) + 1
    return cv2.erode(inside, np.ones((margin, margin), np.uint8), borderValue=0)


def _mark_neighbours(walls: Mask, ink: Mask, cell: Sequence[int], thickness: int) -> None:
    """Mark the walls of the cells beside a cell (x, y, w, h), which strokes may have opened."""
    x, y, w, h = cell
    left, right = max(0, x - round(_REACH * w)), min(ink.shape[1], x + round((1 + _REACH) * w))
    upright = ink[y : y + h, left:right].mean(0) >= _MIN_UPRIGHT
    upright = cv2.dilate(upright.astype(np.uint8)[None], np.ones((1, 3), np.uint8))[0]
    top, bottom = max(0, y - thickness - 2), min(ink.shape[0], y + h + thickness + 2)
    for start, end in runs(upright > 0):
        if end - start <= 2 * thickness + 4:
            walls[top:bottom, left + start : left + end] |= ink[top:bottom, left + start : left + end]
    rail = np.ones((1, max(3, round(_MIN_RAIL * w))), np.uint8)
    for rows in (slice(top, y), slice(y + h, bottom)):
        if rows.stop > rows.start:
            rails = cv2.morphologyEx(np.ascontiguousarray(ink[rows, left:right]), cv2.MORPH_OPEN, rail)
            walls[rows, left:right] |= rails


def _mark_walls(walls: Mask, ink: Mask, left: int, top: int, inside: Mask) -> int:
    """Mark the ink around the interior of a frame, whose upper left corner is given, if it is thin.

    Returns:
        Its thickness in pixels; 0 if it is not thin.
    """
    most = max(3, round(_MAX_WALL * min(inside.shape)))
    reach = most + 2
    above, before = min(reach, top), min(reach, left)
    window = np.s_[
        top - above : top + inside.shape[0] + reach, left - before : left + inside.shape[1] + reach
    ]
    around = ink[window]
    outside = np.ones(around.shape, np.uint8)
    outside[above : above + inside.shape[0], before : before + inside.shape[1]] = 1 - inside
    distance = np.minimum(np.ceil(cv2.distanceTransform(outside, cv2.DIST_C, 3)), reach).astype(np.int64)
    share = np.bincount(distance.ravel(), around.ravel(), reach + 1) / np.maximum(
        np.bincount(distance.ravel(), minlength=reach + 1), 1
    )
    solid = share[1:] >= _MIN_WALL_INK
    first = int(solid.argmax())
    thickness = first + int((~solid[first:]).argmax()) if solid.any() and not solid.all() else reach
    if first > 2 or thickness > most:
        return 0
    walls[window] |= around & (distance > 0) & (distance <= thickness + 3)
    return thickness
