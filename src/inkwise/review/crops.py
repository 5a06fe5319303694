"""What a table tells of is cut out of its scans again, a page at a time."""

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
from inkwise.preprocessing import image_to_glyph
from inkwise.preprocessing.background import limit_side
from inkwise.preprocessing.rectification import warp
from inkwise.review.reviewed_table import ReviewItem

GreyImage = NDArray[np.uint8]

_CROP_MARGIN = 0.5  # of a number's height: what is shown about it
_GLYPH_MARGIN = 0.15  # of a digit's height: what is cut out with it, to be a glyph
_FRAME_INSET = 0.1  # of a field's height, by which its printed frame is left out
_MAX_CROP_SIDE = 1600  # pixels of what is shown


class ScanCrops:
    """The pages that a table names, the last two in memory."""

    def __init__(self, table: Path, folder: Path | None = None) -> None:
        """Look for files where the table has them, beside it, and in a folder to which they were moved.

        Raises:
            DataError: there is no such folder.
        """
        if folder is not None and not is_folder(folder):
            raise DataError(f"{folder}: is no folder")
        self._table, self._folder = table, folder
        self._lock = threading.Lock()
        self._page = lru_cache(2)(self._read)

    def crop(self, item: ReviewItem) -> GreyImage:
        """A number with what stands about it, (h, w) uint8, upright; the whole page where it has no place.

        Raises:
            DataError: its file is not there.
            PictureError: it cannot be read, or has no such page any more.
        """
        page = self._grey(item)
        if item.corners is None:
            return limit_side(page, _MAX_CROP_SIDE)[0]
        matrix, size = _crop_transform(item, _CROP_MARGIN)
        cut = warp(page, matrix, size)
        # What lies beyond the page would be its edge drawn out, and look like ink.
        cut[cv2.warpPerspective(np.ones_like(page), matrix, size, flags=cv2.INTER_NEAREST) == 0] = 255
        return cut

    def glyph(self, item: ReviewItem) -> GreyImage | None:
        """The (28, 28) uint8 glyph of a single digit; None without ink.

        Raises:
            DataError, PictureError: as for `crop`.
        """
        return image_to_glyph(
            warp(self._grey(item), *_crop_transform(item, -_FRAME_INSET if item.field else _GLYPH_MARGIN))
        )

    def _grey(self, item: ReviewItem) -> GreyImage:
        with self._lock:
            return self._page(item.file, item.page)

    def _read(self, file: str, number: int) -> GreyImage:
        with Document(self._found(file)) as document:
            return document.page(number).grey

    def _found(self, file: str) -> Path:
        if file == STANDARD_INPUT:
            raise DataError("came from standard input and was not kept")
        path = Path(file)
        parts = path.parts[1:] if path.is_absolute() else path.parts
        places = [path, self._table.parent / path]
        if self._folder is not None:
            places += [self._folder.joinpath(*parts[first:]) for first in range(len(parts))]
        for place in places:
            if is_file(place):
                return place
        raise DataError(f"{file}: is not there; name the folder that it was moved to with --scans")


def _crop_transform(item: ReviewItem, around: float) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Where an item is, upright and with so many times its height about it.

    The matrix (3, 3) that takes points of the page there, and the width and height of what is cut out.
    """
    corners = np.array(item.corners, np.float32)
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    width, height = (float(max(sides[axis], sides[axis + 2], 1)) for axis in (0, 1))
    scale = min(_MAX_CROP_SIDE / max(width, height), 1)
    margin = around * height * scale
    right, bottom = margin + width * scale, margin + height * scale
    to = np.array([[margin, margin], [right, margin], [right, bottom], [margin, bottom]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, to)
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-12:
        raise ImageError(f"{item.file}, page {item.page}: the place of {item.place!r} is none")
    return matrix, (max(round(right + margin), 1), max(round(bottom + margin), 1))
