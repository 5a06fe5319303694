"""Registration of a filled form: alignment of a scan to the print of its empty reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.background import limit_side, relative_darkness
from inkwise.preprocessing.rectification import rectify, transform_points, warp

MIN_FIT = 0.5
"""Minimum fit of a scan that is of the form."""

_MIN_PRINT_DARKNESS = 0.15  # relative to the paper
_MIN_PRINT_PIXELS = 50  # below which print tells nothing
_FEATURE_SIDE = 1200  # pixels of the longer side at which features are detected
_MAX_FEATURES = 2000
_LOWE_RATIO = 0.8  # distance of a match over that of the next best (Lowe, IJCV 60, 2004)
_MIN_INLIERS = 20  # matches that agree on a homography
_MAX_STRETCH = 5.0  # ratio of the side scales among the quarters of a page
_PATCHES_PER_SIDE = 12  # patches that refine a homography, per side of the page
_PATCH_RADIUS, _SEARCH_RADIUS = 0.012, 0.008  # of the longer side
_MIN_PATCH_CORRELATION = 0.6  # of a patch that is found
_MIN_CORNER_STRENGTH = 0.05  # of the strongest corner
_TILES_PER_SIDE = 6  # tiles that are compared, per side of the page
_BLUR = 0.001  # of the longer side; blur before comparison


@dataclass(frozen=True, eq=False)
class AlignedScan:
    """A scan that is aligned to its template.

    Attributes:
        dark: (h, w) float32 darkness relative to the paper, 0..1, aligned.
        size: Width and height of the scan.
        matrix: (3, 3) float64 homography from the template to the scan (x, y).
        fit: Quality, at most 1; a scan with less than `MIN_FIT` is not of this template.
    """

    dark: NDArray[np.float32]
    size: tuple[int, int]
    matrix: NDArray[np.float64]
    fit: float

    def to_scan(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map points (n, 2) of the template to the scan."""
        return transform_points(points, self.matrix)


class Reference:
    """A scan of an empty form, to which filled ones are aligned by its print.

    Attributes:
        dark: (h, w) float32 darkness relative to the paper, 0..1.
    """

    def __init__(self, grey: NDArray[np.uint8]) -> None:
        """Prepare a scan (h, w) uint8 of the empty form."""
        self._grey = grey
        self._size = grey.shape[1], grey.shape[0]
        self.dark = relative_darkness(grey)

    @property
    def is_distinctive(self) -> bool:
        """Whether it has enough print to align scans by."""
        return len(self._features[0]) >= _MIN_INLIERS

    def align(self, grey: NDArray[np.uint8]) -> AlignedScan | None:
        """Align a scan (H, W) uint8 in any position; return None if too few features match.

        If that is due to strong perspective, the sheet is rectified first.
        """
        matrix = self._coarse_homography(grey)
        if (
            matrix is None
            and (flat := rectify(grey)).sheet
            and (level := self._coarse_homography(flat.grey)) is not None
        ):
            matrix = flat.matrix @ level
        return None if matrix is None else self.refine(grey, matrix)

    def _coarse_homography(self, grey: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """Estimate the homography (3, 3) from the template to a scan; None if too few features match.

        References:
            ORB features: Rublee et al., ICCV 2011. MAGSAC: Barath et al., CVPR 2019.
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
        matrix, inliers = cv2.findHomography(ours, theirs, cv2.USAC_MAGSAC, tolerance, None, 5000, 0.999)
        if matrix is None or inliers.sum() < _MIN_INLIERS:
            return None
        return matrix if is_plausible(matrix, self._size) else None

    def refine(self, grey: NDArray[np.uint8], matrix: NDArray[np.float64]) -> AlignedScan:
        """Align a scan whose homography (3, 3) from the template is nearly known, by patches of print."""
        near = self._warp(grey, matrix)
        places, found = self._match_patches(near)
        if len(places) >= _MIN_INLIERS // 2:
            correction, _ = cv2.findHomography(places, found, cv2.USAC_MAGSAC, 1.5, None, 2000, 0.999)
            if correction is not None and is_plausible(matrix @ correction, self._size):
                matrix = matrix @ correction
                near = self._warp(grey, matrix)
        dark = relative_darkness(near)
        return AlignedScan(dark, (grey.shape[1], grey.shape[0]), matrix, self._fit(dark))

    @cached_property
    def _features(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        return _detect_features(self._grey)

    @cached_property
    def _corners(self) -> NDArray[np.intp]:
        """The strongest corner (x, y) of the print in each part of the page, (n, 2)."""
        blurred = cv2.GaussianBlur(self._grey, (0, 0), 1 + _BLUR * max(self._size))
        strength = cv2.cornerMinEigenVal(blurred, 5)
        border = round((_PATCH_RADIUS + _SEARCH_RADIUS) * max(self._size)) + 2
        columns, rows = (
            np.linspace(border, side - border, _PATCHES_PER_SIDE + 1).astype(int) for side in self._size
        )
        corners = []
        for (top, bottom), (left, right) in product(pairwise(rows), pairwise(columns)):
            if bottom > top and right > left:
                part = strength[top:bottom, left:right]
                y, x = np.unravel_index(part.argmax(), part.shape)
                corners.append((left + x, top + y, part[y, x]))
        least = _MIN_CORNER_STRENGTH * max((corner[2] for corner in corners), default=0.0)
        return np.array([corner[:2] for corner in corners if corner[2] > least], np.intp).reshape(-1, 2)

    def _match_patches(self, near: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return corners (n, 2) of the template, and their places in an image that is nearly aligned."""
        half = max(8, round(_PATCH_RADIUS * max(self._size)))
        search = max(4, round(_SEARCH_RADIUS * max(self._size)))
        reach = half + search
        places, found = [], []
        for x, y in self._corners.tolist():
            if not (reach <= x < self._size[0] - reach and reach <= y < self._size[1] - reach):
                continue
            patch = self._grey[y - half : y + half + 1, x - half : x + half + 1]
            window = near[y - reach : y + reach + 1, x - reach : x + reach + 1]
            _, best, _, (dx, dy) = cv2.minMaxLoc(cv2.matchTemplate(window, patch, cv2.TM_CCOEFF_NORMED))
            if best >= _MIN_PATCH_CORRELATION:
                places.append((x, y))
                found.append((x + dx - search, y + dy - search))
        return np.array(places, np.float64), np.array(found, np.float64)

    def _warp(self, grey: NDArray[np.uint8], matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
        return warp(grey, np.linalg.inv(matrix), self._size)

    def _fit(self, dark: NDArray[np.float32]) -> float:
        """Return the mean print correlation of the tiles with print; negative ones count as 0."""
        blur = 1 + _BLUR * max(self._size)
        parts = (np.array_split(np.arange(side), _TILES_PER_SIDE) for side in dark.shape)
        tiles = [
            np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] for rows, columns in product(*parts)
        ]
        found = [print_correlation(self.dark[tile], dark[tile], blur) for tile in tiles]
        correlations = [max(each, 0.0) for each in found if each is not None]
        return float(np.mean(correlations)) if correlations else 0.0


def print_correlation(
    printed: NDArray[np.float32], dark: NDArray[np.float32], blur: float = 1.5
) -> float | None:
    """Return the correlation of a template and a scan near print, where added ink hardly counts.

    Args:
        printed: (h, w) float32 darkness of the template.
        dark: (h, w) float32 darkness of the scan.
        blur: Standard deviation of the blur of both, in pixels.

    Returns:
        The correlation, or None if there is hardly any print.
    """
    mask = (printed > _MIN_PRINT_DARKNESS).astype(np.uint8)
    if mask.sum() < _MIN_PRINT_PIXELS:
        return None
    reach = 2 * round(3 * blur) + 1
    near = cv2.dilate(mask, np.ones((reach, reach), np.uint8)) > 0
    one, other = (cv2.GaussianBlur(side, (0, 0), blur)[near] for side in (printed, dark))
    one, other = one - one.mean(), other - other.mean()
    return float(one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-6))


def is_plausible(matrix: NDArray[np.float64], size: tuple[int, int]) -> bool:
    """Whether a camera can see a page of this width and height so: not mirrored, folded or edge-on."""
    grid = np.array([[x, y] for y in (0, 0.5, 1) for x in (0, 0.5, 1)]) * size
    depths = np.hstack([grid, np.ones((9, 1))]) @ matrix[2]
    if not np.isfinite(matrix).all() or depths.min() * depths.max() <= 0:
        return False
    seen = transform_points(grid, matrix).reshape(3, 3, 2)
    across, down = np.diff(seen, axis=1)[:2], np.diff(seen, axis=0)[:, :2]
    areas = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    scales = np.stack([np.linalg.norm(across, axis=2) / size[0], np.linalg.norm(down, axis=2) / size[1]])
    return bool(areas.min() > 0 and scales.max() / scales.min() < _MAX_STRETCH)


def _detect_features(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return points (n, 2) of an image and their ORB descriptors (n, 32)."""
    small, scale = limit_side(grey, _FEATURE_SIDE)
    points, descriptors = cv2.ORB.create(_MAX_FEATURES, fastThreshold=10).detectAndCompute(small, None)
    if descriptors is None:
        return np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8)
    places = (np.array([point.pt for point in points]) + 0.5) / scale - 0.5
    return places.astype(np.float32), descriptors
