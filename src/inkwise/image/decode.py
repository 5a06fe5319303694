"""Files, bytes and arrays become grey pictures."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from inkwise._util.errors import ImageError
from inkwise._util.inputs import open_input

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")

MIN_SIDE = 8
"""A picture whose longer side is shorter than this holds no digit, pixels."""

_LARGEST = 1_000_000_000  # bytes of a file: pdfium looks through all of a damaged one, 5 s for so many

_EXIF_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by its EXIF orientation."""

ImageSource = str | Path | bytes | Image.Image | NDArray[np.uint8]
"""What can be read: a path, the bytes of a file, a PIL image, or an (H, W) or (H, W, 3|4) uint8 array."""


def load_image(picture: ImageSource) -> NDArray[np.uint8]:
    """Decode a picture to grey, (H, W) uint8, upright.

    Colours become grey along the axis in which they vary most, so that yellow ink on white paper is as
    visible as black. Transparency is laid on white under dark ink and on black under light ink.

    Raises:
        PictureError: not a picture, truncated, empty, too small or too large; the message names the file.
    """
    if isinstance(picture, np.ndarray):
        return check_min_size(_to_grey(_check_array(picture)), "the array")
    if isinstance(picture, Image.Image):
        return pil_to_grey(picture, "the picture")
    file, name = open_file(picture)
    with file:
        return pil_to_grey(open_image(file, name), name)


def open_file(source: str | Path | bytes) -> tuple[IO[bytes], str]:
    """A file, or the bytes of one, open to be read, and what messages call it.

    Raises:
        PictureError: it cannot be opened, or is empty.
    """
    file: IO[bytes]
    if isinstance(source, bytes):
        file, name = io.BytesIO(source), "the picture"
        size = len(source)
    else:
        file, name = open_input(source, _LARGEST, ImageError), str(source)
        size = os.fstat(file.fileno()).st_size
    if size == 0:
        file.close()
        raise ImageError(f"{name}: is empty (0 bytes)")
    return file, name


def open_image(file: IO[bytes], name: str) -> Image.Image:
    """The picture of an open file, not decoded yet.

    Raises:
        PictureError: it is none, or too large.
    """
    with pillow_errors(name):
        image = Image.open(file, formats=FORMATS)
    check_pixel_count(*image.size, name)  # Pillow itself only warns up to twice its limit
    return image


def pil_to_grey(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """As `load_image`, of a PIL image that messages call `name`."""
    with pillow_errors(name):
        pixels = _pixels(image)
    return check_min_size(_to_grey(pixels), name)


def check_pixel_count(width: float, height: float, name: str) -> None:
    """Refuse what is too large to be decoded.

    Raises:
        PictureError: it has more pixels than Pillow takes.
    """
    if Image.MAX_IMAGE_PIXELS and width * height > Image.MAX_IMAGE_PIXELS:
        raise _too_large_error(name)


def _too_large_error(name: str) -> ImageError:
    return ImageError(f"{name}: has more than {Image.MAX_IMAGE_PIXELS:,} pixels; shrink it first")


@contextmanager
def pillow_errors(name: str) -> Iterator[None]:
    """Turn what Pillow raises into a PictureError of one line.

    Pillow's warnings go through the caller's filters, because filters belong to the whole process: to change
    them for a while is not safe beside other threads. A warning that these turn into an error is damage.
    """
    try:
        yield
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise _too_large_error(name) from None
    except UnidentifiedImageError:
        raise ImageError(f"{name}: is not a picture that can be read ({', '.join(FORMATS)})") from None
    except (
        OSError,
        SyntaxError,
        ValueError,
        TypeError,
        LookupError,
        EOFError,
        OverflowError,
        struct.error,
        Warning,
    ) as error:
        # Pillow's words for a broken file differ by format; they stand in brackets.
        raise ImageError(f"{name}: the picture is damaged or cut off ({_one_line(error)})") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _check_array(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if array.dtype != np.uint8:
        raise ImageError(f"an array must be uint8, not {array.dtype}")
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise ImageError(f"an array must be (H, W) or (H, W, 3|4), not {array.shape}")
    return array


def check_min_size(grey: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """The picture (H, W) uint8 itself.

    Raises:
        PictureError: it is too small.
    """
    height, width = grey.shape
    if min(height, width) < 2 or max(height, width) < MIN_SIDE:
        raise ImageError(f"{name}: {width} x {height} pixels is too small to hold a digit")
    return grey


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    """(H, W) or (H, W, 3|4) uint8 of a PIL image, its EXIF rotation applied."""
    image = _apply_exif_rotation(image)
    if image.mode.startswith("I") or image.mode == "F":
        deep = np.nan_to_num(np.asarray(image, np.float64))
        full = 65535.0 if image.mode != "F" else 255.0 if deep.max(initial=0) > 1 else 1.0
        return np.rint(np.clip(deep / full, 0, 1) * 255).astype(np.uint8)
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    return np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))


def _apply_exif_rotation(image: Image.Image) -> Image.Image:
    """Apply the EXIF rotation; ImageOps.exif_transpose also rewrites the other tags and fails on odd ones."""
    image.load()
    turn = _EXIF_TRANSPOSES.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


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
    """Lay colours (H, W, 3) that cover by `alpha` (H, W) on white if they are dark, else on black."""
    cover = cv2.merge([alpha] * 3)
    laid = cv2.multiply(colour, cover, scale=1 / 255)
    if laid.sum() < 128 * max(cover.sum() / 255, 1):
        laid = cv2.add(laid, 255 - cover)
    return np.asarray(laid, np.uint8)


def _project_to_principal_axis(colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Project (H, W, 3) colours on their first principal axis, kept within 0..255, light staying light."""
    step = max(1, round((colour.shape[0] * colour.shape[1] / 65536) ** 0.5))
    sample = colour[::step, ::step].reshape(-1, 3)
    # A touch of the plain mean decides where nothing varies: a uniform page, or one that is grey already.
    axis = np.linalg.eigh(np.cov(sample.T, bias=True) + 1e-3 * np.ones((3, 3)))[1][:, -1]
    axis = axis / np.abs(axis).sum() * (1 if axis.sum() >= 0 else -1)
    # OpenCV needs no copy of the picture in floating point, which would be four times as large.
    grey = cv2.transform(colour, np.array([[*axis, -255 * np.minimum(axis, 0).sum()]]))
    return np.asarray(grey, np.uint8)
