"""Pages of a PDF become grey pictures, by pdfium."""

from __future__ import annotations

import threading
from math import sqrt
from typing import IO

import numpy as np
import pypdfium2 as pdfium
from numpy.typing import NDArray
from pypdfium2 import raw as pdfium_c

from inkwise._util.errors import ImageError
from inkwise.image.decode import check_min_size, check_pixel_count

DPI = 200
"""Resolution at which a page is rendered; a scan in it that is coarser keeps its own."""

_POINTS_PER_INCH = 72  # points, a PDF's unit
_REOPEN_AFTER_PAGES = 16  # pages after which a PDF is opened anew: pdfium keeps what it has parsed
_MIN_SCAN_COVERAGE = 0.9  # of a page: a picture that covers more is all that the page is

_ENCRYPTION_ERRORS = (
    pdfium_c.FPDF_ERR_PASSWORD,
    pdfium_c.FPDF_ERR_SECURITY,
)  # the other: by what pdfium has not

_PDFIUM_LOCK = threading.RLock()  # pdfium must not be called by two threads at once


class PdfPages:
    """The pages of a PDF; `len` is how many there are."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        """Open a file, which stays the caller's to close, and which messages call `name`.

        Raises:
            PictureError: it is encrypted or damaged.
        """
        self._file = file
        self._rendered = 0
        with _PDFIUM_LOCK:
            try:
                self._pdf = pdfium.PdfDocument(file)
            except pdfium.PdfiumError as error:
                if error.err_code in _ENCRYPTION_ERRORS:
                    raise ImageError(f"{name}: is encrypted; save it without a password first") from None
                raise ImageError(f"{name}: the PDF is damaged, cut off or empty") from None
            self._length = len(self._pdf)

    def __len__(self) -> int:
        """The number of pages, 1 or more."""
        return self._length

    def grey(self, index: int, name: str) -> NDArray[np.uint8]:
        """A page by its number from 0, (H, W) uint8.

        Raises:
            PictureError: the page is damaged, too large or too small.
        """
        with _PDFIUM_LOCK:
            try:
                if self._rendered and self._rendered % _REOPEN_AFTER_PAGES == 0:
                    self._pdf.close()
                    self._pdf = pdfium.PdfDocument(self._file)
                self._rendered += 1
                page = self._pdf[index]
                try:
                    return _render(page, name)
                finally:
                    page.close()
            except pdfium.PdfiumError:
                raise ImageError(f"{name}: the page is damaged") from None

    def close(self) -> None:
        """Forget what was parsed."""
        with _PDFIUM_LOCK:
            self._pdf.close()


def _render(page: pdfium.PdfPage, name: str) -> NDArray[np.uint8]:
    """A page of a PDF as grey pixels, (H, W) uint8."""
    width, height = page.get_size()
    scale = min(DPI / _POINTS_PER_INCH, _scan_resolution(page, width * height, name))
    check_pixel_count(width * scale, height * scale, f"{name}, at {DPI} dpi")
    # Less by a hair: sizes are rounded up, and a pixel more would blur a scan.
    bitmap = page.render(scale=scale * (1 - 1e-6), grayscale=True)
    try:
        grey = np.array(bitmap.to_numpy(), np.uint8)
    finally:
        bitmap.close()
    return check_min_size(grey.reshape(grey.shape[:2]), name)


def _scan_resolution(page: pdfium.PdfPage, area: float, name: str) -> float:
    """Pixels a point of the picture that is all of a page; infinite where there is none such.

    Raises:
        PictureError: a picture on the page is too large.
    """
    finest = float("inf")
    for picture in page.get_objects([pdfium_c.FPDF_PAGEOBJ_IMAGE]):
        width, height = picture.get_px_size()
        check_pixel_count(width, height, f"{name}, a picture on it")
        left, bottom, right, top = picture.get_bounds()
        covered = (right - left) * (top - bottom)
        if covered > _MIN_SCAN_COVERAGE * area > 0 and width * height > 0:  # damaged ones may claim no pixels
            finest = sqrt(width * height / covered)
    return finest
