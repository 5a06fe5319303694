"""Rectification of pages: perspective and skew are removed, with the mapping back to the image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.background import downscale, polarity, quantile

MAX_PAGE_SIDE = 2600
"""Maximum longer side of a rectified page, pixels: A4 at 220 dpi."""

MIN_SIDE = 112
"""Minimum shorter side of a rectified page, pixels; smaller pictures are enlarged."""

MAX_SKEW_DEGREES = 15.0
"""Maximum skew that is corrected, degrees."""

_MIN_PAGE_SIDE = 120  # shorter side of pictures in which a sheet and lines are looked for, pixels
_SHEET_SEARCH_SIDE = 320  # longer side at which the sheet is detected, pixels
_SKEW_SIDE = 1000  # longer side at which skew is measured, pixels
_EDGE_RATIOS = 1.15, 1.3, 1.5, 1.8  # ratios of brightness tried for the edge of a sheet
_SHEET_AREA = 0.2, 0.95  # minimum and maximum area of a sheet, as shares of the image
_MIN_QUADRILATERAL_FILL = 0.95  # minimum share of its quadrilateral that a sheet fills
_MAX_SKEW_POINTS = 30_000  # maximum number of ink pixels from which skew is estimated
_MIN_SKEW_MARKS = 6  # minimum number of marks from which skew is estimated
_MIN_MARK_SIZE = 8  # minimum width or height of such a mark, pixels
_MIN_SKEW_GAIN = 1.3  # minimum profile sharpness at the skew angle, relative to that at 0 degrees


@dataclass(frozen=True, eq=False)
class RectifiedPage:
    """A page without perspective and skew.

    Attributes:
        grey: (h, w) uint8, dark on light.
        size: width and height of the image.
        matrix: (3, 3) float64, maps points of `grey` to the image (homogeneous x, y).
        skew: corrected skew in degrees, in addition to the perspective.
        sheet: whether the edges of the paper were found and the perspective was removed.
    """

    grey: NDArray[np.uint8]
    size: tuple[int, int]
    matrix: NDArray[np.float64]
    skew: float
    sheet: bool

    def to_image(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map points (n, 2) float64, x and y in `grey`, to the image."""
        return transform_points(points, self.matrix)


def rectify(grey: NDArray[np.uint8]) -> RectifiedPage:
    """Remove a page's perspective, where its edges are visible, and its skew; make it dark on light.

    Skew up to 15 degrees is estimated from lines of text or rules by the sharpness of their projection
    profile.

    References:
        Postl, Detection of linear oblique structures and skew scan in digitized documents, ICPR 1986.
    """
    height, width = grey.shape
    is_page = min(height, width) >= _MIN_PAGE_SIDE
    corners = _find_sheet(grey) if is_page else None
    if corners is None:
        level, size = np.eye(3), (width, height)
    else:
        level, size = _rectangle_homography(corners)
    shrink = min(1.0, _SKEW_SIDE / max(size))
    coarse = tuple(max(2, round(side * shrink)) for side in size)
    same = corners is None and coarse == size
    seen = grey if same else warp(grey, np.diag([shrink, shrink, 1]) @ level, coarse)
    if polarity(seen) == "light-on-dark":
        grey, seen = np.bitwise_not(grey), np.bitwise_not(seen)
    skew = _estimate_skew(seen) if is_page else 0.0
    turn, size = _rotation_matrix(size, skew)
    scale = min(max(1.0, MIN_SIDE / min(size)), MAX_PAGE_SIDE / max(size))
    size = round(size[0] * scale), round(size[1] * scale)
    matrix = np.diag([scale, scale, 1]) @ turn @ level
    flat = grey if np.array_equal(matrix, np.eye(3)) else warp(grey, matrix, size)
    return RectifiedPage(
        flat, (width, height), np.linalg.inv(matrix).astype(np.float64), skew, corners is not None
    )


def transform_points(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map points (n, 2), x and y, by a homography (3, 3)."""
    return cv2.perspectiveTransform(points[None], matrix).reshape(-1, 2)


def warp(grey: NDArray[np.uint8], matrix: NDArray[np.floating], size: tuple[int, ...]) -> NDArray[np.uint8]:
    """Warp an image by a homography (3, 3) to a size (width, height), averaging first where it shrinks."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    if scale < 0.75:
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        fx, fy = small.shape[1] / grey.shape[1], small.shape[0] / grey.shape[0]
        grey, matrix = small, matrix @ np.diag([1 / fx, 1 / fy, 1])
    return cv2.warpPerspective(grey, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _find_sheet(grey: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """The four corners (4, 2) of a sheet on a darker ground, clockwise from the upper left.

    A shadow may be as dark as the ground, and the ground in places as bright as the paper: several
    thresholds and edge maps are tried, and the candidate whose weakest edge has the highest contrast wins.
    """
    height, width = grey.shape
    coarse = downscale(grey, _SHEET_SEARCH_SIDE / max(height, width))
    clear = cv2.morphologyEx(coarse, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    best, clearest = None, np.log(_EDGE_RATIOS[0])
    low, high = quantile(clear, 0.01), quantile(clear, 0.9)
    levels = np.linspace(low, high, 14)[1:-1]
    masks = [(clear > level).astype(np.uint8) for level in levels]
    for mask in masks + [_enclosed_region(clear, step) for step in _EDGE_RATIOS]:
        found = _quadrilateral(mask)
        if found is not None and (step := _edge_contrast(clear, found)) > clearest:
            best, clearest = found, step
    if best is None:
        return None
    best = (best.astype(np.float64) + 0.5) * (width / coarse.shape[1], height / coarse.shape[0]) - 0.5
    total, difference = best.sum(1), best[:, 0] - best[:, 1]
    order = [total.argmin(), difference.argmax(), total.argmax(), difference.argmin()]
    return best[order] if len(set(order)) == 4 else None


def _enclosed_region(grey: NDArray[np.uint8], step: float) -> NDArray[np.uint8]:
    """The region that edges of at least this brightness ratio separate from the border, (H, W) uint8."""
    bright = np.log(cv2.medianBlur(grey, 5).astype(np.float32) + 8)
    edges = cv2.morphologyEx(bright, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > np.log(step)
    framed = cv2.copyMakeBorder(edges.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(framed, None, (0, 0), 2)
    inside = (framed[1:-1, 1:-1] != 2).astype(np.uint8)
    return cv2.erode(inside, np.ones((3, 3), np.uint8))


def _quadrilateral(mask: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """The four corners (4, 2) of the largest component, if it has four and three sides within the image."""
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    contour = max(contours, key=cv2.contourArea)
    area, hull = cv2.contourArea(contour), cv2.convexHull(contour)
    if not _SHEET_AREA[0] * mask.size <= area <= _SHEET_AREA[1] * mask.size:
        return None
    corners = cv2.approxPolyDP(hull, 0.02 * cv2.arcLength(hull, True), True)[:, 0].astype(np.float32)
    if (
        len(corners) != 4
        or area < _MIN_QUADRILATERAL_FILL * cv2.contourArea(hull)
        or cv2.contourArea(corners) < 0.97 * area
    ):
        return None
    limits = np.array([mask.shape[1], mask.shape[0]]) - 3
    middles = (corners + np.roll(corners, 1, 0)) / 2
    within = ((middles > 2) & (middles < limits)).all(1)
    return corners if within.sum() >= 3 else None


def _edge_contrast(grey: NDArray[np.uint8], corners: NDArray[np.float32]) -> float:
    """Log of the brightness ratio between a sheet and its ground along the weakest side."""
    steps = []
    middle = corners.mean(0)
    for start, end in zip(corners, np.roll(corners, -1, 0), strict=True):
        normal = np.array([end[1] - start[1], start[0] - end[0]]) / max(
            float(np.linalg.norm(end - start)), 1e-6
        )
        normal *= np.sign(normal @ (start - middle)) * 4
        along = start + np.linspace(0.1, 0.9, 40)[:, None] * (end - start)
        out, within = (np.rint(along + way * normal).astype(int) for way in (1, -1))
        seen = ((np.minimum(out, within) >= 0) & (np.maximum(out, within) < grey.shape[::-1])).all(1)
        if seen.mean() >= 0.5:
            bright, dark = (grey[*points[seen].T[::-1]] + 8.0 for points in (within, out))
            steps.append(float(np.median(np.log(bright / dark))))
    return min(steps) if len(steps) >= 3 else 0.0


def _rectangle_homography(corners: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """The homography that maps four corners to a rectangle, and its width and height."""
    sides = np.linalg.norm(corners - np.roll(corners, -1, 0), axis=1)
    width, height = round(float(sides[[0, 2]].mean())), round(float(sides[[1, 3]].mean()))
    goal = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), goal)
    return matrix, (width, height)


def _rotation_matrix(size: tuple[int, int], degrees: float) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """The matrix (3, 3) that rotates an image by this, and the size of its bounding box."""
    width, height = size
    matrix = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1), [0, 0, 1]])
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    wide, high = round(width * cosine + height * sine), round(width * sine + height * cosine)
    matrix[:2, 2] += (wide - width) / 2, (high - height) / 2
    return matrix, (wide, high)


def _estimate_skew(grey: NDArray[np.uint8]) -> float:
    """The skew of the lines on a page in degrees, clockwise positive; 0 where there are no lines."""
    dark = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, np.ones((13, 13), np.uint8))
    dark[dark < max(16, 0.3 * quantile(dark, 0.995))] = 0
    y, x = np.nonzero(dark)
    if len(y) < 50 or _count_marks(dark) < _MIN_SKEW_MARKS:
        return 0.0
    chosen = np.random.default_rng(0).permutation(len(y))[:_MAX_SKEW_POINTS]
    points = np.stack([x[chosen], y[chosen]]).astype(np.float32)
    weights = dark[y[chosen], x[chosen]].astype(np.float32)
    steps = np.arange(-MAX_SKEW_DEGREES, MAX_SKEW_DEGREES + 0.1, 0.5)
    marked = np.array([_profile_sharpness(points / np.float32(2), weights, angle) for angle in steps])
    best = float(steps[marked.argmax()])
    if marked.max() < _MIN_SKEW_GAIN * marked[len(steps) // 2]:
        return 0.0
    fine = best + np.arange(-0.5, 0.51, 0.05)
    best = float(fine[np.argmax([_profile_sharpness(points, weights, angle) for angle in fine])])
    return best if abs(best) >= 0.05 else 0.0


def _count_marks(dark: NDArray[np.uint8]) -> int:
    """Count the components, and the squares between rules, that are no specks; a digit alone has no skew."""
    squares = (dark == 0).astype(np.uint8)
    sizes = [
        cv2.connectedComponentsWithStats(mask, connectivity=ways)[2][1:, cv2.CC_STAT_WIDTH :][:, :2].max(1)
        for mask, ways in ((dark, 8), (squares, 4))
    ]
    return int((np.concatenate(sizes) >= _MIN_MARK_SIZE).sum()) - 1  # one is the paper around


def _profile_sharpness(points: NDArray[np.float32], weights: NDArray[np.float32], degrees: float) -> float:
    """Sum of squared differences of the projection profile at this angle."""
    angle = np.deg2rad(degrees)
    along = points[1] * np.float32(np.cos(angle)) - points[0] * np.float32(np.sin(angle))
    profile = np.bincount((along - along.min()).astype(np.int32), weights)
    return float((np.diff(profile) ** 2).sum())
