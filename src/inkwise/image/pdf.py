"""PDF pages, rendered to grey images by pdfium."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import sqrt
from typing import IO

import numpy as np
import pypdfium2 as pdfium
from numpy.typing import NDArray
from pypdfium2 import raw as pdfium_c

from inkwise._util.errors import ImageError
from inkwise.image.checks import check_min_size, check_pixel_count

DPI = 200
"""Resolution of rendered pages; a page that is one coarser scan keeps the resolution of the scan."""

_POINTS_PER_INCH = 72
_REOPEN_AFTER_PAGES = 16  # pages; pdfium keeps all that it has parsed until the PDF is closed
_MIN_SCAN_COVERAGE = 0.9  # of the page's area, from which a picture is the whole page
_ENCRYPTION_ERRORS = (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY)

_PDFIUM_LOCK = threading.RLock()  # pdfium is not thread-safe


class PdfPages:
    """The pages of a PDF; `len` is their number."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        """Open a file, which the caller closes; `name` is used in messages.

        Raises:
            ImageError: it is encrypted or damaged.
        """
        self._file = file
        self._opened = 0  # pages so far
        with _PDFIUM_LOCK:
            try:
                self._pdf = pdfium.PdfDocument(file)
            except pdfium.PdfiumError as error:
                if error.err_code in _ENCRYPTION_ERRORS:
                    raise ImageError(f"{name}: is encrypted; save it without a password first") from None
                raise ImageError(f"{name}: the PDF is damaged, cut off or empty") from None
            self._length = len(self._pdf)

    def __len__(self) -> int:
        """Return the number of pages, 1 or more."""
        return self._length

    def size(self, index: int, name: str) -> tuple[int, int]:
        """Width and height in pixels of a page, by its index from 0, when it is rendered.

        Raises:
            ImageError: the page is damaged or too large.
        """
        with self._open(index, name) as page:
            scale = _scale(page, name)
            return round(page.get_width() * scale), round(page.get_height() * scale)

    def grey(self, index: int, name: str) -> NDArray[np.uint8]:
        """Render a page, by its index from 0, to (H, W) uint8.

        Raises:
            ImageError: the page is damaged, too large or too small.
        """
        with self._open(index, name) as page:
            return _render(page, name)

    @contextmanager
    def _open(self, index: int, name: str) -> Iterator[pdfium.PdfPage]:
        with _PDFIUM_LOCK:
            try:
                if self._opened and self._opened % _REOPEN_AFTER_PAGES == 0:
                    self._pdf.close()
                    self._pdf = pdfium.PdfDocument(self._file)
                self._opened += 1
                page = self._pdf[index]
                try:
                    yield page
                finally:
                    page.close()
            except pdfium.PdfiumError:
                raise ImageError(f"{name}: the page is damaged") from None

    def close(self) -> None:
        """Close the PDF."""
        with _PDFIUM_LOCK:
            self._pdf.close()


def _scale(page: pdfium.PdfPage, name: str) -> float:
    """Return the pixels per point at which a page is rendered."""
    width, height = page.get_size()
    scale = min(DPI / _POINTS_PER_INCH, _scan_resolution(page, width * height, name))
    check_pixel_count(width * scale, height * scale, f"{name}, at {DPI} dpi")
    return scale


def _render(page: pdfium.PdfPage, name: str) -> NDArray[np.uint8]:
    # Slightly less: pdfium rounds sizes up, and an additional pixel would blur a scan.
    bitmap = page.render(scale=_scale(page, name) * (1 - 1e-6), grayscale=True)
    try:
        grey = np.array(bitmap.to_numpy(), np.uint8)
    finally:
        bitmap.close()
    return check_min_size(grey.reshape(grey.shape[:2]), name)


def _scan_resolution(page: pdfium.PdfPage, area: float, name: str) -> float:
    """Return the pixels per point of the picture that is the whole page; infinity if there is none.

    Raises:
        ImageError: a picture on the page is too large.
    """
    resolution = float("inf")
    for picture in page.get_objects([pdfium_c.FPDF_PAGEOBJ_IMAGE]):
        width, height = picture.get_px_size()
        check_pixel_count(width, height, f"{name}, a picture on it")
        left, bottom, right, top = picture.get_bounds()
        covered = (right - left) * (top - bottom)
        if covered > _MIN_SCAN_COVERAGE * area > 0 and width * height > 0:  # damaged ones may have no pixels
            resolution = sqrt(width * height / covered)
    return resolution
