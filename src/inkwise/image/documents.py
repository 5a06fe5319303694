"""Files of one or many pages become grey pictures, one page in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags

from inkwise._util.errors import ImageError
from inkwise._util.inputs import clear_read_errors
from inkwise.image.decode import (
    SUFFIXES,
    check_pixel_count,
    open_file,
    open_image,
    pil_to_grey,
    pillow_errors,
)

DOCUMENT_SUFFIXES = (*SUFFIXES, ".pdf")

_PDF_HEADER_BYTES = 1024  # a PDF says what it is within so many bytes
_MOST_PAGES = 10_000  # of a TIFF: Pillow's time to find them grows with their square


@dataclass(frozen=True, eq=False)
class Page:
    """One page of a document.

    Attributes:
        number: from 1.
        grey: (H, W) uint8, upright.
    """

    number: int
    grey: NDArray[np.uint8]


class Document:
    """A PDF, a TIFF of many pages, or a single picture, open to be read page by page; a context manager.

    What it is, its content says, not its name. `len` is the number of pages.
    """

    def __init__(self, source: str | Path | bytes) -> None:
        """Open a file, or the bytes of one.

        Raises:
            PictureError: it cannot be opened, is damaged, encrypted, or neither a PDF nor a picture.
        """
        self._file, self._name = open_file(source)
        try:
            with clear_read_errors(self._name, ImageError):
                head = self._file.read(_PDF_HEADER_BYTES)
                self._file.seek(0)
            if b"%PDF-" in head:
                from inkwise.image.pdf import PdfPages  # it brings pdfium, which pictures need not wait for

                self._pages: PdfPages | _PillowPages = PdfPages(self._file, self._name)
            else:
                self._pages = _PillowPages(self._file, self._name)
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        """The number of pages, 1 or more."""
        return len(self._pages)

    def page(self, number: int) -> Page:
        """One page, by its number from 1.

        Raises:
            PictureError: there is no such page, or it is damaged, too large or too small; others may do.
        """
        if not 1 <= number <= len(self):
            raise ImageError(f"{self._name}: has no page {number}, but {len(self)}")
        name = self._name if len(self) == 1 else f"{self._name}, page {number}"
        return Page(number, self._pages.grey(number - 1, name))

    def close(self) -> None:
        """Close the file."""
        self._pages.close()
        self._file.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()


def iter_pages(source: str | Path | bytes) -> Iterator[Page]:
    """The pages of a file, or of the bytes of one, each read when it is asked for.

    Raises:
        PictureError: as for `Document`; the first page that cannot be read ends it.
    """
    with Document(source) as document:
        for number in range(1, len(document) + 1):
            yield document.page(number)


class _PillowPages:
    """The pictures in a file that Pillow reads: the pages of a TIFF, the first of any other."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._image = open_image(file, name)
        self._frames = list(self._pages(name)) if self._image.format == "TIFF" else [0]

    def _pages(self, name: str) -> Iterator[int]:
        """The numbers of the frames that are pages; a damaged one is the last, for what follows is lost."""
        yield 0
        for frame in count(1):
            if frame == _MOST_PAGES:
                raise ImageError(f"{name}: has more than {_MOST_PAGES:,} pages; split it first")
            try:
                with pillow_errors(name):
                    try:
                        self._image.seek(frame)
                    except EOFError:
                        return
                    smaller = self._image.getexif().get(ExifTags.Base.NewSubfileType, 0) & 1
            except ImageError:
                yield frame
                return
            if not smaller:  # of another frame, for a preview
                yield frame

    def __len__(self) -> int:
        return len(self._frames)

    def grey(self, index: int, name: str) -> NDArray[np.uint8]:
        with pillow_errors(name):
            self._image.seek(self._frames[index])
        check_pixel_count(*self._image.size, name)  # Pillow looks at the first frame only
        return pil_to_grey(self._image, name)

    def close(self) -> None:
        self._image.close()
