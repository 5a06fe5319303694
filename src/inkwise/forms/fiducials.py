"""Four solid marks near the corners of a form tell how it lies."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.forms.registration import is_plausible
from inkwise.preprocessing.background import limit_side, relative_darkness

FiducialBoxes = NDArray[np.float64]
"""(4, 4), x, y, width, height of the marks on the template."""

_DETECTION_SIDE = 1200  # longer side at which marks are looked for, pixels
_MIN_DARKNESS = 0.35  # darkness from which on a pixel may be of a mark
_MIN_FILL = 0.75  # share of its upright or turned box that a mark fills
_MIN_ASPECT_RATIO = 0.4  # its shorter side is at least this share of the longer one
_MIN_SIDE, _MAX_SIDE = 5, 0.12  # its sides: pixels at least, share of the longer side of the page at most
_MAX_CANDIDATES = 16  # of which four are the marks
_MIN_IOU = 0.4  # intersection over union of what is expected and what is found, at the worst mark


class PagePose(NamedTuple):
    """One way in which the page may lie.

    Attributes:
        matrix: (3, 3) float64, takes points of the template to the scan.
        fit: how well the worst mark is where it should be, its shape and size told, 1 at best.
    """

    matrix: NDArray[np.float64]
    fit: float


def find_poses(grey: NDArray[np.uint8], marks: FiducialBoxes, size: tuple[int, int]) -> list[PagePose]:
    """The ways in which a page may lie by its marks, the best first.

    Marks of one size look the same on a page that lies upside down: then there are several as good.

    Args:
        grey: (H, W) uint8.
        marks: where they are on the template.
        size: width and height of the template.
    """
    seen, scale = limit_side(grey, _DETECTION_SIDE)
    found = _solid_quadrilaterals(seen)
    corners = _box_corners(marks)
    order = _clockwise_order(corners.mean(1))
    ways = []
    for four in combinations(found, 4):
        quads = np.stack(four)
        quads = quads[_clockwise_order(quads.mean(1))]
        for turn in range(4):
            turned = np.roll(quads, turn, 0)
            ours, theirs = (side.mean(1).astype(np.float32) for side in (corners[order], turned))
            matrix = cv2.getPerspectiveTransform(ours, theirs)
            if not is_plausible(matrix, size):
                continue
            fit = min(map(_quadrilateral_iou, cv2.perspectiveTransform(corners[order], matrix), turned))
            if fit >= _MIN_IOU:
                ways.append(PagePose(np.diag([1 / scale, 1 / scale, 1]) @ matrix, fit))
    return sorted(ways, key=lambda way: -way.fit)


def _solid_quadrilaterals(grey: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """The corners (4, 2) of what may be a mark, the largest first."""
    mask = (relative_darkness(grey, 1.5 * _MAX_SIDE) > _MIN_DARKNESS).astype(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for outline in outlines:
        x, y, w, h = cv2.boundingRect(outline)
        border = x == 0 or y == 0 or x + w == grey.shape[1] or y + h == grey.shape[0]
        if border or not _MIN_SIDE <= max(w, h) <= _MAX_SIDE * max(grey.shape):
            continue
        drawn = np.zeros((h, w), np.uint8)
        cv2.drawContours(drawn, [outline], -1, 1, -1, offset=(-x, -y))
        area = int((drawn & mask[y : y + h, x : x + w]).sum())
        _, sides, _ = turned = cv2.minAreaRect(outline)
        low, high = min(sides) + 1, max(sides) + 1  # a pixel's middle is not its edge
        if low >= _MIN_ASPECT_RATIO * high and area >= _MIN_FILL * low * high:
            found.append((area, cv2.boxPoints((turned[0], (sides[0] + 1, sides[1] + 1), turned[2]))))
    found.sort(key=lambda one: -one[0])
    return [points.astype(np.float32) for _, points in found[:_MAX_CANDIDATES]]


def _box_corners(boxes: FiducialBoxes) -> NDArray[np.float32]:
    """Of boxes (n, 4), the corners (n, 4, 2) clockwise from the upper left."""
    x, y, w, h = boxes.T
    corners = [np.stack(corner, 1) for corner in ((x, y), (x + w, y), (x + w, y + h), (x, y + h))]
    return np.stack(corners, 1).astype(np.float32)


def _clockwise_order(middles: NDArray[np.float32]) -> NDArray[np.intp]:
    """The order of four points clockwise about their middle, from the upper left."""
    away = middles - middles.mean(0)
    return np.argsort(np.arctan2(away[:, 1], away[:, 0]))


def _quadrilateral_iou(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Intersection over union of two convex quadrilaterals."""
    both, _ = cv2.intersectConvexConvex(one, other)
    either = cv2.contourArea(one) + cv2.contourArea(other) - both
    return float(both / max(either, 1e-6))
