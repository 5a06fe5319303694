"""IDX, the format MNIST came in: a magic number, the sizes (big-endian), then the bytes."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwise.datasets.base import GLYPH_SHAPE, Dataset
from inkwise.errors import DataError

_IMAGES_NAME = re.compile(r"(?P<part>.*?)-?images[-.]idx3-ubyte(\.gz)?")
_GZIP_MAGIC = b"\x1f\x8b"


def unzipped(data: bytes) -> bytes:
    """``data`` without its gzip wrapping, if any; a broken one raises OSError, EOFError or zlib.error."""
    return gzip.decompress(data) if data.startswith(_GZIP_MAGIC) else data


def find_idx(folder: Path, name: str) -> Path | None:
    """The file ``name`` (such as ``train-images-idx3-ubyte``) in ``folder``, be it dotted or gzipped."""
    for spelling in (name, name.replace("-idx", ".idx")):
        for path in (folder / spelling, folder / f"{spelling}.gz"):
            if path.is_file():
                return path
    return None


def idx_parts(folder: Path) -> list[str]:
    """What the image files in ``folder`` begin with: ``["t10k", "train"]`` for MNIST, [] without any."""
    names = (_IMAGES_NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted({match["part"] for match in names if match})


def read_idx_folder(folder: Path, part: str | None = None) -> Dataset:
    """The images and labels in ``folder``; ``part`` says which pair (``train``) where there are several.

    Raises DataError if the choice is open, a file is missing or its bytes are not what its header promises.
    """
    parts = idx_parts(folder)
    if part is None and len(parts) > 1:
        choices = " or ".join(str(folder / part) for part in parts)
        raise DataError(f"{folder} holds {' and '.join(parts)}: say {choices}")
    chosen = parts[0] if part is None else part
    stem = f"{chosen}-" if chosen else ""
    images = find_idx(folder, f"{stem}images-idx3-ubyte")
    labels = find_idx(folder, f"{stem}labels-idx1-ubyte")
    if images is None or labels is None:
        raise DataError(
            f"{folder}: {stem}{'images-idx3' if images is None else 'labels-idx1'}-ubyte is missing"
        )
    return read_idx_pair(images, labels, name=folder.name if part is None else f"{folder.name}/{part}")


def read_idx_pair(images: Path, labels: Path, name: str) -> Dataset:
    """One file of images and its file of labels as the dataset ``name``; the images are glyphs as they are.

    Raises DataError if a file is broken, the images are not 28x28, or the counts differ.
    """
    glyphs, digits = read_idx(images, dimensions=3), read_idx(labels, dimensions=1)
    if glyphs.shape[1:] != GLYPH_SHAPE:
        height, width = glyphs.shape[1:]
        raise DataError(f"{images}: the images are {height}x{width}, not 28x28")
    if len(glyphs) != len(digits):
        raise DataError(f"{labels}: {len(digits)} labels for the {len(glyphs)} images of {images.name}")
    return Dataset(name, glyphs, digits.astype(np.str_))


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The uint8 array of ``dimensions`` axes in an IDX file, raw or gzipped.

    Raises DataError if the file cannot be read, is another kind of file, or is too short or too long.
    """
    try:
        data = unzipped(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise DataError(f"{path}: the gzip data breaks off or is damaged") from error
    magic = _magic(dimensions)
    if data[:4] != magic:
        raise DataError(f"{path}: begins with {data[:4].hex() or 'nothing'}, not with IDX's {magic.hex()}")
    start = 4 + 4 * dimensions
    if len(data) < start:
        raise DataError(f"{path}: breaks off inside its header")
    shape = struct.unpack(f">{dimensions}I", data[4:start])
    promised = start + int(
        np.prod(shape, dtype=object)
    )  # Python's integers: a broken header can promise 2^96
    if len(data) != promised:
        raise DataError(f"{path}: {len(data)} bytes where its header promises {promised}")
    try:
        array = np.frombuffer(data, np.uint8, offset=start).reshape(shape)
    except ValueError:  # nothing is in it, and yet numpy cannot count that far
        sizes = " x ".join(map(str, shape))
        raise DataError(f"{path}: its header promises {sizes}, more than an array can be") from None
    return array.copy()  # a copy can be written to


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """The IDX file that holds ``array``."""
    return _magic(array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def _magic(dimensions: int) -> bytes:
    return bytes([0, 0, 8, dimensions])  # 8: unsigned bytes
