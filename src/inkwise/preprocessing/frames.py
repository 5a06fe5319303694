"""Frames: rectangles around digits, such as boxes and the cells of a comb."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.pairs import pairs_within
from inkwise.preprocessing.segmentation import Box

_MIN_SIDE = 14  # minimum inner side of a frame, pixels
_MAX_SIDE = 0.98  # maximum inner side, as a share of the picture's
_MAX_FRAMES = 3000  # maximum number of frames; squared paper of A4 has 2,500 squares, textures have more
_MIN_FILL = 0.2  # minimum area of the hole in the ink, as a share of its box; a frame is upright
_MIN_RECTANGULARITY = 0.9  # minimum area of the convex hull of the interior, as a share of its rectangle
_MIN_CONTENT_HEIGHT = 0.25  # minimum height of the ink in a frame, as a share of the frame's
_MARGIN = 0.08  # width along the walls where ink is no content, as a share of the shorter side
_MIN_LIKE = 3  # number of frames of one size that need no content
_SIZE_TOLERANCE = 0.12  # maximum difference of their sides, as a share
_REACH = 2.6  # distance in which walls of the neighbours are looked for, in widths of the frame
_MIN_UPRIGHT = 0.9  # minimum share of a column of the frame's height that is ink: a wall
_MIN_RAIL = 0.6  # minimum length of a rail above and below neighbours, in widths of the frame
_MAX_WALL = 0.22  # maximum thickness of a wall, as a share of the shorter inner side
_MIN_WALL_INK = 0.6  # minimum share of a wall that is ink

Mask = NDArray[np.uint8]
"""(H, W) uint8 of 0 and 1."""


def find_frames(ink: Mask) -> tuple[Mask, NDArray[np.int32]]:
    """Find frames: their walls, (H, W) uint8, 1 on a wall; and the boxes (n, 4) of their interiors.

    The interior of a frame is a hole in the ink, and its convex hull a rectangle. A frame has content, or
    others are of its size: a 0 that is drawn with corners has neither.
    """
    closed = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - closed, connectivity=4)
    height, width = ink.shape
    x, y, w, h, area = stats.T
    inner = (x > 0) & (y > 0) & (x + w < width) & (y + h < height) & (np.minimum(w, h) >= _MIN_SIDE)
    inner &= (w <= _MAX_SIDE * width) & (area >= _MIN_FILL * w * h)
    holes = np.flatnonzero(inner)
    if len(holes) > _MAX_FRAMES:
        holes = np.sort(holes[np.argsort(-area[holes], kind="stable")[:_MAX_FRAMES]])
    walls = np.zeros_like(ink)
    cells, sizes, filled = [], [], []
    for label in holes.tolist():
        left, top, wide, high = stats[label, :4].tolist()
        hole = (labels[top : top + high, left : left + wide] == label).astype(np.uint8)
        hull = cv2.convexHull(cv2.findNonZero(hole))
        _, size, _ = cv2.minAreaRect(hull)
        if cv2.contourArea(hull) < _MIN_RECTANGULARITY * size[0] * size[1]:
            continue
        inside = cv2.fillConvexPoly(np.zeros_like(hole), hull, 1)
        margin = 2 * max(2, round(_MARGIN * min(wide, high))) + 1  # corners are rounded
        core = cv2.erode(inside, np.ones((margin, margin), np.uint8), borderValue=0)
        content = cv2.boundingRect(core & ink[top : top + high, left : left + wide])
        cells.append((left, top, inside))
        sizes.append((wide, high))
        filled.append(content[3] >= _MIN_CONTENT_HEIGHT * high)
    if not cells:
        return walls, np.zeros((0, 4), np.int32)
    is_frame = _are_frames(np.log(np.array(sizes, np.float64)), np.array(filled))
    boxes = []
    for left, top, inside in (cell for cell, framed in zip(cells, is_frame, strict=True) if framed):
        thickness = _mark_walls(walls, ink, left, top, inside)
        if thickness:
            boxes.append((left, top, *inside.shape[::-1]))
            _mark_neighbours(walls, ink, boxes[-1], thickness)
    return walls, np.array(boxes, np.int32).reshape(-1, 4)


def _are_frames(sides: NDArray[np.float64], filled: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each rectangle has content, one of its size has, or there are several of its size.

    Args:
        sides: (n, 2) logarithms of width and height.
        filled: (n,) whether the rectangle has content.
    """
    wide, high = sides.T
    alike, alike_filled = np.zeros((2, len(wide)), np.int64)
    for one, other in pairs_within(wide - _SIZE_TOLERANCE, wide + _SIZE_TOLERANCE, wide):
        near = np.abs(high[one] - high[other]) <= _SIZE_TOLERANCE
        alike += np.bincount(one[near], minlength=len(wide))
        alike_filled += np.bincount(one[near & filled[other]], minlength=len(wide))
    return (alike_filled > 0) | (alike >= _MIN_LIKE)


def _mark_neighbours(walls: Mask, ink: Mask, cell: Box, thickness: int) -> None:
    """Mark the walls of the cells beside a cell (x, y, w, h), which strokes may have opened."""
    x, y, w, h = cell
    left, right = max(0, x - round(_REACH * w)), min(ink.shape[1], x + round((1 + _REACH) * w))
    upright = ink[y : y + h, left:right].mean(0) >= _MIN_UPRIGHT
    upright = cv2.dilate(upright.astype(np.uint8)[None], np.ones((1, 3), np.uint8))[0]
    starts = np.flatnonzero(np.diff(np.concatenate([[0], upright, [0]])) == 1)
    ends = np.flatnonzero(np.diff(np.concatenate([[0], upright, [0]])) == -1)
    top, bottom = max(0, y - thickness - 2), min(ink.shape[0], y + h + thickness + 2)
    for start, end in zip(starts, ends, strict=True):
        if end - start <= 2 * thickness + 4:
            walls[top:bottom, left + start : left + end] |= ink[top:bottom, left + start : left + end]
    rail = np.ones((1, max(3, round(_MIN_RAIL * w))), np.uint8)
    for rows in (slice(top, y), slice(y + h, bottom)):
        if rows.stop > rows.start:
            runs = cv2.morphologyEx(np.ascontiguousarray(ink[rows, left:right]), cv2.MORPH_OPEN, rail)
            walls[rows, left:right] |= runs


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
