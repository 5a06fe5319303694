"""Registration of a form by four solid fiducials near its corners."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.forms.registration import is_plausible
from inkwise.preprocessing.background import limit_side, relative_darkness

_DETECTION_SIDE = 1200  # pixels of the longer side at which fiducials are detected
_MIN_DARKNESS = 0.35  # of a pixel of a fiducial, relative to the paper
_MIN_FILL = 0.75  # share of its rotated bounding box that a fiducial fills
_MIN_ASPECT_RATIO = 0.4  # shorter over longer side
_MIN_SIDE, _MAX_SIDE = 5, 0.12  # minimum in pixels, maximum as a share of the longer side of the page
_MAX_CANDIDATES = 16  # among which the four fiducials are searched
_MIN_IOU = 0.4  # of the worst fiducial: intersection over union of expected and detected outline


class PagePose(NamedTuple):
    """A possible position of the page.

    Attributes:
        matrix: (3, 3) float64 homography from the template to the scan.
        fit: Intersection over union of the worst fiducial, at most 1.
    """

    matrix: NDArray[np.float64]
    fit: float


def find_poses(grey: NDArray[np.uint8], marks: NDArray[np.float64], size: tuple[int, int]) -> list[PagePose]:
    """Find the possible positions of a page by its fiducials, the best first.

    Fiducials of one size look the same if the page is turned; several positions then fit equally well.

    Args:
        grey: (H, W) uint8 scan.
        marks: (4, 4) x, y, width, height of the fiducials on the template.
        size: Width and height of the template.
    """
    seen, scale = limit_side(grey, _DETECTION_SIDE)
    x, y, w, h = marks.T
    corners = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32).transpose(2, 0, 1)
    corners = corners[_clockwise_order(corners)]
    poses = []
    for four in combinations(_solid_quadrilaterals(seen), 4):
        found = np.stack(four)
        found = found[_clockwise_order(found)]
        for turn in range(4):
            turned = np.roll(found, turn, 0)
            matrix = cv2.getPerspectiveTransform(corners.mean(1), turned.mean(1))
            if is_plausible(matrix, size):
                fit = min(map(_quadrilateral_iou, cv2.perspectiveTransform(corners, matrix), turned))
                if fit >= _MIN_IOU:
                    poses.append(PagePose(np.diag([1 / scale, 1 / scale, 1]) @ matrix, fit))
    return sorted(poses, key=lambda pose: -pose.fit)


def _solid_quadrilaterals(grey: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """Return the corners (4, 2) of possible fiducials, the largest first."""
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
        center, (width, height), angle = cv2.minAreaRect(outline)
        width, height = width + 1, height + 1  # from pixel centers to pixel edges
        low, high = min(width, height), max(width, height)
        if low >= _MIN_ASPECT_RATIO * high and area >= _MIN_FILL * low * high:
            found.append((area, cv2.boxPoints((center, (width, height), angle))))
    found.sort(key=lambda candidate: -candidate[0])
    return [points.astype(np.float32) for _, points in found[:_MAX_CANDIDATES]]


def _clockwise_order(outlines: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the order of four outlines (4, n, 2) clockwise around their center, from the upper left."""
    away = outlines.mean(1) - outlines.mean((0, 1))
    return np.argsort(np.arctan2(away[:, 1], away[:, 0]))


def _quadrilateral_iou(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the intersection over union of two convex quadrilaterals (4, 2)."""
    both, _ = cv2.intersectConvexConvex(one, other)
    either = cv2.contourArea(one) + cv2.contourArea(other) - both
    return float(both / max(either, 1e-6))
