"""Decoding: files of one or many pages, bytes, PIL images and arrays become grey images."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from inkwise._util.errors import ImageError
from inkwise._util.inputs import clear_read_errors, open_input

if TYPE_CHECKING:
    from inkwise.image.pdf import PdfPages

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
DOCUMENT_SUFFIXES = (*SUFFIXES, ".pdf")

MIN_SIDE = 8
"""Minimum of the longer side of a picture, pixels; smaller ones cannot hold a digit."""

_MAX_FILE_BYTES = 1_000_000_000  # pdfium searches the whole of a damaged file, which takes 5 s for this size
_PDF_HEADER_BYTES = 1024  # bytes at the start of a PDF that contain its signature
_MAX_PAGES = 10_000  # of a TIFF; the time that Pillow needs to find them is quadratic

_EXIF_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The operation that makes a picture upright, by its EXIF orientation."""

_DAMAGE_ERRORS = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, OverflowError)

ImageSource = str | Path | bytes | Image.Image | NDArray[np.uint8]
"""A path, the bytes of a file, a PIL image, or an (H, W) or (H, W, 3|4) uint8 array."""


def load_image(picture: ImageSource) -> NDArray[np.uint8]:
    """Decode a picture to an upright grey image (H, W) uint8.

    Colours are projected on the axis along which they vary most, so that yellow ink on white paper is as
    visible as black ink. Transparent pixels become white below dark ink and black below light ink.

    Raises:
        ImageError: not a picture, truncated, empty, too small or too large; the message names the file.
    """
    if isinstance(picture, np.ndarray):
        return check_min_size(_to_grey(_check_array(picture)), "the array")
    if isinstance(picture, Image.Image):
        return _pil_to_grey(picture, "the picture")
    file, name = _open_file(picture)
    with file:
        return _pil_to_grey(_open_pillow(file, name), name)


def open_image(content: bytes) -> Image.Image:
    """Open the bytes of a picture without decoding its pixels.

    Raises:
        ImageError: not a picture, empty, or too large.
    """
    return _open_pillow(*_open_file(content))


class Document:
    """An open PDF, multi-page TIFF or single picture, read page by page; a context manager.

    Its content decides what it is, not its name. `len` is the number of pages, 1 or more.
    """

    def __init__(self, source: str | Path | bytes) -> None:
        """Open a file, or the bytes of one.

        Raises:
            ImageError: it cannot be opened, is damaged or encrypted, or is neither a PDF nor a picture.
        """
        self._file, self._name = _open_file(source)
        try:
            with clear_read_errors(self._name, ImageError):
                header = self._file.read(_PDF_HEADER_BYTES)
                self._file.seek(0)
            self._pages: PdfPages | _PillowPages
            if b"%PDF-" in header:
                from inkwise.image.pdf import PdfPages  # imports pdfium, which pictures do not need

                self._pages = PdfPages(self._file, self._name)
            else:
                self._pages = _PillowPages(self._file, self._name)
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        """Return the number of pages."""
        return len(self._pages)

    def page(self, number: int) -> NDArray[np.uint8]:
        """Decode one page, by its number from 1, to an upright grey image (H, W) uint8.

        Raises:
            ImageError: there is no such page, or it is damaged, too large or too small; others may be valid.
        """
        if not 1 <= number <= len(self):
            raise ImageError(f"{self._name}: has no page {number}, but {len(self)}")
        name = self._name if len(self) == 1 else f"{self._name}, page {number}"
        return self._pages.grey(number - 1, name)

    def close(self) -> None:
        """Close the file."""
        self._pages.close()
        self._file.close()

    def __enter__(self) -> Self:
        """Return the document."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()


class _PillowPages:
    """The pictures of a file that Pillow reads: the pages of a TIFF, the first picture of other formats."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._image = _open_pillow(file, name)
        self._frames = list(self._find_pages(name)) if self._image.format == "TIFF" else [0]

    def _find_pages(self, name: str) -> Iterator[int]:
        """Yield the frames that are pages; a damaged one is the last, as those after it cannot be found."""
        yield 0
        for frame in count(1):
            if frame == _MAX_PAGES:
                raise ImageError(f"{name}: has more than {_MAX_PAGES:,} pages; split it first")
            try:
                with _pillow_errors(name):
                    try:
                        self._image.seek(frame)
                    except EOFError:
                        return
                    is_preview = self._image.getexif().get(ExifTags.Base.NewSubfileType, 0) & 1
            except ImageError:
                yield frame
                return
            if not is_preview:
                yield frame

    def __len__(self) -> int:
        return len(self._frames)

    def grey(self, index: int, name: str) -> NDArray[np.uint8]:
        with _pillow_errors(name):
            self._image.seek(self._frames[index])
        check_pixel_count(*self._image.size, name)  # Pillow checks the first frame only
        return _pil_to_grey(self._image, name)

    def close(self) -> None:
        self._image.close()


def check_pixel_count(width: float, height: float, name: str) -> None:
    """Check the size of a picture before it is decoded.

    Raises:
        ImageError: it has more pixels than Pillow's limit.
    """
    if Image.MAX_IMAGE_PIXELS and width * height > Image.MAX_IMAGE_PIXELS:
        raise _too_large_error(name)


def check_min_size(grey: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """Return a picture (H, W) unchanged.

    Raises:
        ImageError: it is too small.
    """
    height, width = grey.shape
    if min(height, width) < 2 or max(height, width) < MIN_SIDE:
        raise ImageError(f"{name}: {width} x {height} pixels is too small to hold a digit")
    return grey


def _too_large_error(name: str) -> ImageError:
    return ImageError(f"{name}: has more than {Image.MAX_IMAGE_PIXELS:,} pixels; shrink it first")


def _open_file(source: str | Path | bytes) -> tuple[IO[bytes], str]:
    """Open a file, or the bytes of one; return it with its name for messages."""
    file: IO[bytes]
    if isinstance(source, bytes):
        file, name, size = io.BytesIO(source), "the picture", len(source)
    else:
        file, name = open_input(source, _MAX_FILE_BYTES, ImageError), str(source)
        size = os.fstat(file.fileno()).st_size
    if size == 0:
        file.close()
        raise ImageError(f"{name}: is empty (0 bytes)")
    return file, name


def _open_pillow(file: IO[bytes], name: str) -> Image.Image:
    with _pillow_errors(name):
        image = Image.open(file, formats=FORMATS)
    check_pixel_count(*image.size, name)  # up to twice its limit, Pillow only warns
    return image


@contextmanager
def _pillow_errors(name: str) -> Iterator[None]:
    """Turn the exceptions of Pillow into an ImageError of one line.

    Pillow's warnings go through the filters of the caller: filters belong to the whole process, so that
    changing them for a while is not thread-safe. A warning that a filter turns into an exception is damage.
    """
    try:
        yield
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise _too_large_error(name) from None
    except UnidentifiedImageError:
        raise ImageError(f"{name}: is not a picture that can be read ({', '.join(FORMATS)})") from None
    except (*_DAMAGE_ERRORS, struct.error, Warning) as error:
        # Pillow's own text, which differs by format, is added in brackets.
        text = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"{name}: the picture is damaged or cut off ({text})") from None


def _check_array(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if array.dtype != np.uint8:
        raise ImageError(f"an array must be uint8, not {array.dtype}")
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise ImageError(f"an array must be (H, W) or (H, W, 3|4), not {array.shape}")
    return array


def _pil_to_grey(image: Image.Image, name: str) -> NDArray[np.uint8]:
    with _pillow_errors(name):
        pixels = _to_upright_array(image)
    return check_min_size(_to_grey(pixels), name)


def _to_upright_array(image: Image.Image) -> NDArray[np.uint8]:
    """Convert a PIL image to an (H, W) or (H, W, 3|4) uint8 array and apply its EXIF orientation.

    ImageOps.exif_transpose also rewrites the other tags, and fails on invalid ones.
    """
    image.load()
    transpose = _EXIF_TRANSPOSES.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    if transpose is not None:
        image = image.transpose(transpose)
    if image.mode.startswith("I") or image.mode == "F":
        deep = np.nan_to_num(np.asarray(image, np.float64))
        white = 65535.0 if image.mode != "F" else 255.0 if deep.max(initial=0) > 1 else 1.0
        return np.rint(np.clip(deep / white, 0, 1) * 255).astype(np.uint8)
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    return np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))


def _to_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.size == 0:
        raise ImageError("the picture has no pixels")
    if pixels.ndim == 2:
        return pixels
    colour = np.ascontiguousarray(pixels[..., :3])
    if pixels.shape[2] == 4 and pixels[..., 3].min() < 255:
        colour = _composite_on_paper(colour, pixels[..., 3])
    return _project_to_principal_axis(colour)


def _composite_on_paper(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Composite colours (H, W, 3) with an alpha channel on white if they are dark, else on black."""
    cover = cv2.merge([alpha] * 3)
    composite = cv2.multiply(colour, cover, scale=1 / 255)
    if composite.sum() < 128 * max(cover.sum() / 255, 1):
        composite = cv2.add(composite, 255 - cover)
    return np.asarray(composite, np.uint8)


def _project_to_principal_axis(colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Project colours (H, W, 3) on their first principal axis, scaled to 0..255 with light staying light."""
    step = max(1, round((colour.shape[0] * colour.shape[1] / 65536) ** 0.5))
    sample = colour[::step, ::step].reshape(-1, 3)
    # A small weight of the mean decides where nothing varies: a uniform page, or one that is already grey.
    axis = np.linalg.eigh(np.cov(sample.T, bias=True) + 1e-3 * np.ones((3, 3)))[1][:, -1]
    axis = axis / np.abs(axis).sum() * (1 if axis.sum() >= 0 else -1)
    # cv2.transform needs no floating-point copy of the picture, which would be four times as large.
    grey = cv2.transform(colour, np.array([[*axis, -255 * np.minimum(axis, 0).sum()]]))
    return np.asarray(grey, np.uint8)
