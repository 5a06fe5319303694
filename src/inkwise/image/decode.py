"""Decoding: files of one or many pages, bytes, PIL images and arrays become grey images."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import IO, TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from inkwise._util.errors import ImageError
from inkwise._util.inputs import clear_read_errors
from inkwise.image.arrays import scale_to_8_bits, to_pixels
from inkwise.image.checks import check_min_size, check_pixel_count, too_large_error
from inkwise.image.colour import to_grey
from inkwise.image.sources import FileSource, ImageSource, is_array, open_source

if TYPE_CHECKING:
    from inkwise.image.pdf import PdfPages

# Pillow loads the plugins of the last three only where the others do not recognize a file.
FORMATS: tuple[str, ...] = ("PNG", "JPEG", "GIF", "BMP", "PPM", "WEBP", "TIFF", "AVIF")

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"),
    *(".gif", ".avif", ".heic", ".heif", ".pbm", ".pgm", ".ppm"),
)
DOCUMENT_SUFFIXES = (*SUFFIXES, ".pdf")

_HEADER_BYTES = (
    1024  # bytes at the start of a file that contain the signature of a PDF, or the brands of HEIC
)
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

_MAX_DARK_BYTE = 64  # upper byte of 16-bit colours below which they are scaled, as of 8 to 14 bits
_LOWER_BYTE = {";16B": ";16L", ";16L": ";16B", ";16N": ";16B" if sys.byteorder == "little" else ";16L"}
"""Pillow's modes of 16-bit samples, and those by which it takes the lower byte in place of the upper one."""

_DAMAGE_ERRORS = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError),
    RuntimeError,  # of the decoders of AVIF and HEIC
)


def load_image(picture: ImageSource) -> NDArray[np.uint8]:
    """Decode a picture, or a document of one page, to an upright grey image (H, W) uint8.

    Colours are projected on the axis along which they vary most; where all ink is coloured and pale, the
    darkest channel counts, so that yellow ink is as visible as black ink. Transparent pixels become white
    below dark ink and black below light ink. More than 8 bits are scaled as `scale_to_8_bits` says.

    Raises:
        ImageError: not a picture, truncated, empty, too small or too large, or of several pages; the message
            names the file. For a file that does not exist, it is a FileNotFoundError too.
    """
    if isinstance(picture, Image.Image):
        return _pil_to_grey(picture, "the picture")
    if is_array(picture):
        return check_min_size(to_grey(to_pixels(picture)), "the array")
    with Document(picture) as document:  # type: ignore[arg-type]  # other types raise an ImageError
        if len(document) > 1:
            raise ImageError(
                f"{document.name}: has {len(document)} pages; read_many reads one after the other"
            )
        return document.page(1)


class Document:
    """An open PDF, multi-page TIFF or single picture, read page by page; a context manager.

    Its content decides what it is, not its name. `len` is the number of pages, 1 or more.

    Attributes:
        name: of the file, for messages.
        format: "PDF", or Pillow's name of the format, as "PNG".
    """

    def __init__(self, source: FileSource) -> None:
        """Open a file, or the bytes of one.

        Raises:
            ImageError: it cannot be opened, is damaged or encrypted, or is neither a PDF nor a picture.
        """
        self._file, self.name = open_source(source)
        try:
            with clear_read_errors(self.name, ImageError):
                header = self._file.read(_HEADER_BYTES)
                self._file.seek(0)
            self._pages: PdfPages | _PillowPages
            if b"%PDF-" in header:
                from inkwise.image.pdf import PdfPages  # imports pdfium, which pictures do not need

                self._pages, self.format = PdfPages(self._file, self.name), "PDF"
            else:
                self._pages = _PillowPages(self._file, self.name)
                self.format = self._pages.format
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        """Return the number of pages."""
        return len(self._pages)

    def size(self, number: int) -> tuple[int, int]:
        """Return width and height of a page in pixels, by its number from 1, before it is turned upright.

        Raises:
            ImageError: there is no such page, or it is damaged or too large; others may be valid.
        """
        return self._pages.size(number - 1, self._page_name(number))

    def page(self, number: int) -> NDArray[np.uint8]:
        """Decode one page, by its number from 1, to an upright grey image (H, W) uint8.

        Raises:
            ImageError: there is no such page, or it is damaged, too large or too small; others may be valid.
        """
        return self._pages.grey(number - 1, self._page_name(number))

    def _page_name(self, number: int) -> str:
        if not 1 <= number <= len(self):
            raise ImageError(f"{self.name}: has no page {number}, but {len(self)}")
        return self.name if len(self) == 1 else f"{self.name}, page {number}"

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
        self._file, self._image = file, _open_pillow(file, name)
        self.format = str(self._image.format)
        self._frames = list(_find_pages(self._image, name)) if self.format == "TIFF" else [0]

    def __len__(self) -> int:
        return len(self._frames)

    def size(self, index: int, name: str) -> tuple[int, int]:
        with _pillow_errors(name):
            self._image.seek(self._frames[index])
        check_pixel_count(*self._image.size, name)  # Pillow checks the first frame only
        return self._image.size

    def grey(self, index: int, name: str) -> NDArray[np.uint8]:
        self.size(index, name)
        with _pillow_errors(name):
            pixels = _to_upright_array(self._image)
            if pixels.ndim == 3 and pixels[..., :3].max() < _MAX_DARK_BYTE:
                pixels = self._with_lower_bytes(pixels, self._frames[index])
        return check_min_size(to_grey(pixels), name)

    def _with_lower_bytes(self, pixels: NDArray[np.uint8], frame: int) -> NDArray[np.uint8]:
        """Scale 16-bit colours, of which Pillow keeps the upper bytes, by their largest value."""
        self._file.seek(0)
        with Image.open(self._file, formats=(*FORMATS, str(self._image.format))) as again:
            again.seek(frame)
            tiles = [
                (tile, tile.args if isinstance(tile.args, tuple) else (tile.args,)) for tile in again.tile
            ]
            if not tiles or any(str(args[0])[-4:] not in _LOWER_BYTE for _, args in tiles):
                return pixels
            again.tile = [
                tile._replace(args=(str(args[0])[:-4] + _LOWER_BYTE[str(args[0])[-4:]], *args[1:]))
                for tile, args in tiles
            ]
            deep = pixels * np.uint16(256) + _to_upright_array(again)
        return np.dstack([scale_to_8_bits(part) for part in (deep[..., :3], deep[..., 3:]) if part.size])

    def close(self) -> None:
        self._image.close()


def _find_pages(image: Image.Image, name: str) -> Iterator[int]:
    """Yield the frames that are pages; a damaged one is the last, as those after it cannot be found."""
    yield 0
    for frame in count(1):
        if frame == _MAX_PAGES:
            raise ImageError(f"{name}: has more than {_MAX_PAGES:,} pages; split it first")
        try:
            with _pillow_errors(name):
                try:
                    image.seek(frame)
                except EOFError:
                    return
                is_preview = image.getexif().get(ExifTags.Base.NewSubfileType, 0) & 1
        except ImageError:
            yield frame
            return
        if not is_preview:
            yield frame


def _open_pillow(file: IO[bytes], name: str) -> Image.Image:
    with _pillow_errors(name):
        header = file.read(_HEADER_BYTES)
        file.seek(0)
        formats = FORMATS
        if _is_heic(header):
            _register_heic(name)
            formats = ("HEIF",)
        image = Image.open(file, formats=formats)
    check_pixel_count(*image.size, name)  # up to twice its limit, Pillow only warns
    return image


def _is_heic(header: bytes) -> bool:
    """Return whether the brands at the start of a file are those of HEIC, and not those of AVIF."""
    if header[4:8] != b"ftyp":
        return False
    box = header[8 : int.from_bytes(header[:4], "big")]
    brands = {box[start : start + 4] for start in range(0, len(box), 4)}
    return any(brand[:3] in (b"hei", b"hev") for brand in brands) and not brands & {b"avif", b"avis"}


def _register_heic(name: str) -> None:
    try:
        import pillow_heif
    except ModuleNotFoundError:
        raise ImageError(f'{name}: is HEIC, which needs pillow-heif: pip install "inkwise[heic]"') from None
    pillow_heif.register_heif_opener(thumbnails=False)


@contextmanager
def _pillow_errors(name: str) -> Iterator[None]:
    """Turn the exceptions of Pillow into an ImageError of one line.

    Pillow's warnings go through the filters of the caller: filters belong to the whole process, so that
    changing them for a while is not thread-safe. A warning that a filter turns into an exception is damage.
    """
    try:
        yield
    except ImageError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise too_large_error(name) from None
    except UnidentifiedImageError:
        raise ImageError(f"{name}: is not a picture that can be read ({', '.join(FORMATS)})") from None
    except (*_DAMAGE_ERRORS, struct.error, Warning) as error:
        # Pillow's own text, which differs by format, is added in brackets.
        text = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"{name}: is damaged or cut off ({text})") from None


def _pil_to_grey(image: Image.Image, name: str) -> NDArray[np.uint8]:
    with _pillow_errors(name):
        pixels = _to_upright_array(image)
    return check_min_size(to_grey(pixels), name)


def _to_upright_array(image: Image.Image) -> NDArray[np.uint8]:
    """Convert a PIL image to an (H, W) or (H, W, 3|4) uint8 array and apply its EXIF orientation.

    ImageOps.exif_transpose also rewrites the other tags, and fails on invalid ones.
    """
    image.load()
    transpose = _EXIF_TRANSPOSES.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    if transpose is not None:
        image = image.transpose(transpose)
    if image.mode.startswith("I") or image.mode == "F":
        return scale_to_8_bits(np.asarray(image))
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    return np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))
