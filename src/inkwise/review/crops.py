"""Crops of the numbers in a table, cut from their scans."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError, ImageError
from inkwise._util.inputs import is_file, is_folder
from inkwise.batch.page_rows import STANDARD_INPUT
from inkwise.image import Document
from inkwise.preprocessing.background import limit_side
from inkwise.preprocessing.rectification import warp
from inkwise.review.reviewed_table import ReviewItem

GreyImage = NDArray[np.uint8]

_CROP_MARGIN = 0.5  # of the height of a number, shown around it
_GLYPH_MARGIN = 0.15  # of the height of a digit, cut out with it
_FRAME_INSET = 0.1  # of the height of a field, left out with its printed frame
_MAX_CROP_SIDE = 1600  # pixels


class ScanCrops:
    """Cuts crops from the pages of a table, of which the last two stay in memory."""

    def __init__(self, table: Path, folder: Path | None = None) -> None:
        """Search files at their paths in the table, beside it, and in a folder to which they were moved.

        Raises:
            DataError: The folder does not exist.
        """
        if folder is not None and not is_folder(folder):
            raise DataError(f"{folder}: is not a folder")
        self._table, self._folder = table, folder
        self._lock = threading.Lock()
        self._read_page = lru_cache(2)(self._open_page)

    def _open_page(self, file: str, number: int) -> GreyImage:
        with Document(self.find(file)) as document:
            return document.page(number)

    def crop(self, item: ReviewItem) -> GreyImage:
        """Return a number and its surroundings, (h, w) uint8, upright; the whole page if it has no corners.

        Raises:
            DataError: Its file is missing.
            ImageError: The file cannot be read, or no longer has this page.
        """
        page = self._page_image(item)
        if item.corners is None:
            return limit_side(page, _MAX_CROP_SIDE)[0]
        matrix, size = _crop_transform(item, _CROP_MARGIN)
        crop = warp(page, matrix, size)
        # White beyond the page: a continuation of its border could look like ink.
        crop[cv2.warpPerspective(np.ones_like(page), matrix, size, flags=cv2.INTER_NEAREST) == 0] = 255
        return crop

    def ink(self, item: ReviewItem) -> GreyImage:
        """Return a number without its surroundings, (h, w) uint8; arguments and errors as for `crop`."""
        if item.corners is None:
            return self._page_image(item)
        margin = -_FRAME_INSET if item.field else _GLYPH_MARGIN
        return warp(self._page_image(item), *_crop_transform(item, margin))

    def _page_image(self, item: ReviewItem) -> GreyImage:
        with self._lock:
            return self._read_page(item.file, item.page)

    def find(self, file: str) -> Path:
        """Return the path of a file of the table; DataError if it is missing."""
        if file == STANDARD_INPUT:
            raise DataError("standard input: the page was not kept")
        path = Path(file)
        parts = path.parts[1:] if path.is_absolute() else path.parts
        places = [path, self._table.parent / path]
        if self._folder is not None:
            places += [self._folder.joinpath(*parts[first:]) for first in range(len(parts))]
        for place in places:
            if is_file(place):
                return place
        raise DataError(f"{file}: is missing; name the folder that it was moved to with --scans")


def _crop_transform(item: ReviewItem, margin: float) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Return the homography (3, 3) from the page to an upright crop, and the crop's width and height.

    Args:
        item: What is cut out.
        margin: Surroundings to include, as a share of the height of the item.
    """
    corners = np.array(item.corners, np.float32)
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    width, height = (float(max(sides[axis], sides[axis + 2], 1)) for axis in (0, 1))
    scale = min(_MAX_CROP_SIDE / max(width, height), 1)
    left = margin * height * scale
    right, bottom = left + width * scale, left + height * scale
    target = np.array([[left, left], [right, left], [right, bottom], [left, bottom]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-12:
        raise ImageError(f"{item.file}, page {item.page}: the corners of {item.place!r} enclose no area")
    return matrix, (max(round(right + left), 1), max(round(bottom + left), 1))
