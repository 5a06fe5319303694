"""IDX, the format MNIST came in: a magic number, the sizes (big-endian), then the bytes."""

from __future__ import annotations

import re
import struct
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError
from inkwise._util.inputs import is_file
from inkwise.datasets.dataset import GLYPH_SHAPE, MOST_BYTES, MOST_SAMPLES, Dataset
from inkwise.datasets.unpacking import open_unpacked

_IMAGES_NAME = re.compile(r"(?P<part>.*?)-?images[-.]idx3-ubyte(\.gz)?")
_PIECE = 1 << 20  # bytes unpacked at once


def find_idx(folder: Path, name: str) -> Path | None:
    """The file ``name`` (such as ``train-images-idx3-ubyte``) in ``folder``, be it dotted or gzipped."""
    for spelling in (name, name.replace("-idx", ".idx")):
        for path in (folder / spelling, folder / f"{spelling}.gz"):
            if is_file(path):
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

    Memory is taken for what the file holds, whatever its header promises. Raises DataError if the file cannot
    be read, is another kind of file, is too short or too long, or has more than a million samples or 1 GB.
    """
    with open_unpacked(path) as file:
        return _array(file, path, dimensions)


def _array(file: IO[bytes], path: Path, dimensions: int) -> NDArray[np.uint8]:
    magic = _magic(dimensions)
    head = file.read(4 + 4 * dimensions)
    if head[:4] != magic:
        raise DataError(f"{path}: begins with {head[:4].hex() or 'nothing'}, not with IDX's {magic.hex()}")
    if len(head) < 4 + 4 * dimensions:
        raise DataError(f"{path}: breaks off inside its header")
    shape = struct.unpack(f">{dimensions}I", head[4:])
    size = prod(shape)
    if max(shape) > MOST_SAMPLES or size > MOST_BYTES:
        sizes = " x ".join(map(str, shape))
        raise DataError(
            f"{path}: its header promises {sizes} bytes; at most {MOST_SAMPLES:,} samples and"
            f" {MOST_BYTES >> 30} GB are loaded"
        )
    array, filled = np.empty(size, np.uint8), 0
    while piece := file.read(min(_PIECE, size - filled + 1)):
        if filled + len(piece) > size:
            raise DataError(f"{path}: more bytes than the {len(head) + size} that its header promises")
        array[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
        filled += len(piece)
    if filled < size:
        raise DataError(f"{path}: {len(head) + filled} bytes where its header promises {len(head) + size}")
    return array.reshape(shape)


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """The IDX file that holds ``array``."""
    return _magic(array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def _magic(dimensions: int) -> bytes:
    return bytes([0, 0, 8, dimensions])  # 8: unsigned bytes
