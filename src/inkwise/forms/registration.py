"""A filled form is brought to lie as its empty template lies, or refused."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.background import limit_side, relative_darkness
from inkwise.preprocessing.rectification import rectify, transform_points, warp

MIN_FIT = 0.5
"""Fit from which on a scan is of the template."""

_MIN_PRINT_DARKNESS = 0.15  # of the paper's lightness: what is darker by so much is print
_FEATURE_SIDE = 1200  # longer side at which features are looked for, pixels
_MAX_FEATURES = 2000
_LOWE_RATIO = 0.8  # a match is so much nearer than the next best (Lowe, IJCV 60, 2004)
_MIN_INLIERS = 20  # matches that must agree on a homography
_MAX_STRETCH = 5.0  # times at most as long as another is a side of a quarter of the page
_PATCHES_PER_SIDE = 12  # a side, that are found again one by one
_PATCH_RADIUS, _SEARCH_RADIUS = 0.012, 0.008  # of the longer side: half a patch, and how far it is looked for
_MIN_PATCH_CORRELATION = 0.6  # correlation from which on a patch is found
_TILES_PER_SIDE = 6  # a side, of which each is compared
_BLUR = 0.001  # of the longer side: what comparing blurs


@dataclass(frozen=True, eq=False)
class AlignedScan:
    """A scan as its template lies.

    Attributes:
        dark: (h, w) float32, how much darker than the paper, 0..1.
        size: width and height of the scan.
        matrix: (3, 3) float64, takes points of the template to the scan (homogeneous x, y).
        fit: how well the print is found again, 1 at best; below `MIN_FIT` it is not this template.
    """

    dark: NDArray[np.float32]
    size: tuple[int, int]
    matrix: NDArray[np.float64]
    fit: float

    def to_scan(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where points (n, 2), x and y in the template, lie in the scan."""
        return transform_points(points, self.matrix)


class Reference:
    """An empty template, to which scans are aligned by what is printed on it.

    Attributes:
        dark: (h, w) float32, how much darker than the paper its print is, 0..1.
    """

    def __init__(self, grey: NDArray[np.uint8]) -> None:
        """Take a scan (H, W) uint8 of the empty form for the template."""
        self._grey = grey
        self.dark = relative_darkness(grey)

    @property
    def is_distinctive(self) -> bool:
        """Whether so much is printed on it that a scan of it can be found by that."""
        return len(self._features[0]) >= _MIN_INLIERS

    def align(self, grey: NDArray[np.uint8]) -> AlignedScan | None:
        """A scan (H, W) uint8 in any position, or None where it has too little in common with the template.

        Where strong perspective hides what they have in common, the sheet is flattened first.
        """
        near = self._coarse_homography(grey)
        if (
            near is None
            and (flat := rectify(grey)).sheet
            and (level := self._coarse_homography(flat.grey)) is not None
        ):
            near = flat.matrix @ level
        return None if near is None else self.refine(grey, near)

    def _coarse_homography(self, grey: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """The homography (3, 3) of the template to a scan, or None where too little tells of one.

        ORB features (Rublee et al., ICCV 2011), and MAGSAC (Barath et al., CVPR 2019) on their matches.
        """
        points, descriptors = _detect_features(grey)
        own, known = self._features
        if len(points) < _MIN_INLIERS or len(own) < _MIN_INLIERS:
            return None
        pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(known, descriptors, k=2)
        matches = [best for best, next_best in pairs if best.distance < _LOWE_RATIO * next_best.distance]
        if len(matches) < _MIN_INLIERS:
            return None
        ours = own[[match.queryIdx for match in matches]]
        theirs = points[[match.trainIdx for match in matches]]
        tolerance = 3 * max(1.0, max(grey.shape) / _FEATURE_SIDE)
        matrix, agree = cv2.findHomography(ours, theirs, cv2.USAC_MAGSAC, tolerance, None, 5000, 0.999)
        if matrix is None or agree.sum() < _MIN_INLIERS:
            return None
        return matrix if is_plausible(matrix, self._size) else None

    def refine(self, grey: NDArray[np.uint8], matrix: NDArray[np.float64]) -> AlignedScan:
        """The same, begun from a homography (3, 3) that takes points of the template nearly to the scan.

        Patches of print are each found again near where they should be; those that agree mend it.
        """
        near = self._warped(grey, matrix)
        places, found = self._match_patches(near)
        if len(places) >= _MIN_INLIERS // 2:
            mend, _ = cv2.findHomography(places, found, cv2.USAC_MAGSAC, 1.5, None, 2000, 0.999)
            if mend is not None and is_plausible(matrix @ mend, self._size):
                matrix = matrix @ mend
                near = self._warped(grey, matrix)
        dark = relative_darkness(near)
        return AlignedScan(dark, (grey.shape[1], grey.shape[0]), matrix, self._fit(dark))

    @property
    def _size(self) -> tuple[int, int]:
        return self._grey.shape[1], self._grey.shape[0]

    @cached_property
    def _features(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        return _detect_features(self._grey)

    @cached_property
    def _corners(self) -> NDArray[np.intp]:
        """The clearest corner (x, y) of the print in each part of the page, (n, 2)."""
        soft = cv2.GaussianBlur(self._grey, (0, 0), 1 + _BLUR * max(self._size))
        strength = cv2.cornerMinEigenVal(soft, 5)
        border = round((_PATCH_RADIUS + _SEARCH_RADIUS) * max(self._size)) + 2
        parts = [
            np.linspace(border, side - border, _PATCHES_PER_SIDE + 1).astype(int)
            for side in reversed(self._size)
        ]
        corners = []
        for top, bottom in zip(parts[0], parts[0][1:], strict=False):
            for left, right in zip(parts[1], parts[1][1:], strict=False):
                if bottom > top and right > left:
                    part = strength[top:bottom, left:right]
                    y, x = np.unravel_index(part.argmax(), part.shape)
                    corners.append((left + x, top + y, part[y, x]))
        clear = 0.05 * max((corner[2] for corner in corners), default=0.0)
        return np.array([corner[:2] for corner in corners if corner[2] > clear], np.intp).reshape(-1, 2)

    def _match_patches(self, near: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Corners of the template (n, 2), and where they are in what should lie as it does."""
        half = max(8, round(_PATCH_RADIUS * max(self._size)))
        search = max(4, round(_SEARCH_RADIUS * max(self._size)))
        places, found = [], []
        for x, y in self._corners.tolist():
            reach = half + search
            if not (reach <= x < self._size[0] - reach and reach <= y < self._size[1] - reach):
                continue
            patch = self._grey[y - half : y + half + 1, x - half : x + half + 1]
            window = near[y - reach : y + reach + 1, x - reach : x + reach + 1]
            _, best, _, (dx, dy) = cv2.minMaxLoc(cv2.matchTemplate(window, patch, cv2.TM_CCOEFF_NORMED))
            if best >= _MIN_PATCH_CORRELATION:
                places.append((x, y))
                found.append((x + dx - search, y + dy - search))
        return np.array(places, np.float64), np.array(found, np.float64)

    def _warped(self, grey: NDArray[np.uint8], matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
        return warp(grey, np.asarray(np.linalg.inv(matrix), np.float64), self._size)

    def _fit(self, dark: NDArray[np.float32]) -> float:
        """Mean correlation about the print, of all parts of the page that have print; 0 at least."""
        found = []
        for rows in np.array_split(np.arange(dark.shape[0]), _TILES_PER_SIDE):
            for columns in np.array_split(np.arange(dark.shape[1]), _TILES_PER_SIDE):
                window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
                same = print_correlation(self.dark[window], dark[window], 1 + _BLUR * max(self._size))
                if same is not None:
                    found.append(max(same, 0.0))
        return float(np.mean(found)) if found else 0.0


def print_correlation(
    printed: NDArray[np.float32], dark: NDArray[np.float32], soft: float = 1.5
) -> float | None:
    """Correlation of a template and a scan near what is printed, or None where hardly anything is.

    Ink that was added elsewhere does not count.

    Args:
        printed: (h, w) float32, darkness of the template.
        dark: (h, w) float32, darkness of the scan.
        soft: by what both are blurred, pixels.
    """
    print_ = (printed > _MIN_PRINT_DARKNESS).astype(np.uint8)
    if print_.sum() < 50:
        return None
    reach = 2 * round(3 * soft) + 1
    near = cv2.dilate(print_, np.ones((reach, reach), np.uint8)) > 0
    one, other = (cv2.GaussianBlur(side, (0, 0), soft)[near] for side in (printed, dark))
    one, other = one - one.mean(), other - other.mean()
    return float(one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-6))


def is_plausible(matrix: NDArray[np.float64], size: tuple[int, int]) -> bool:
    """Whether a camera can see a page of such width and height so: neither mirrored nor folded."""
    width, height = size
    grid = np.array([[x, y] for y in (0, 0.5, 1) for x in (0, 0.5, 1)]) * (width, height)
    depths = np.hstack([grid, np.ones((9, 1))]) @ matrix[2]
    if not np.isfinite(matrix).all() or depths.min() * depths.max() <= 0:
        return False
    seen = transform_points(grid, matrix).reshape(3, 3, 2)
    across, down = np.diff(seen, axis=1)[:2], np.diff(seen, axis=0)[:, :2]
    areas = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    sides = np.concatenate(
        [np.linalg.norm(across, axis=2).ravel() / width, np.linalg.norm(down, axis=2).ravel() / height]
    )
    return bool(areas.min() > 0 and sides.max() / sides.min() < _MAX_STRETCH)


def _detect_features(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Points (n, 2) in the picture and their descriptors (n, 32)."""
    small, scale = limit_side(grey, _FEATURE_SIDE)
    points, descriptors = cv2.ORB.create(_MAX_FEATURES, fastThreshold=10).detectAndCompute(small, None)
    if descriptors is None:
        return np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8)
    places = (np.array([point.pt for point in points]) + 0.5) / scale - 0.5
    return places.astype(np.float32), np.asarray(descriptors, np.uint8)
