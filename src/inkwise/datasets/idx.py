"""IDX, MNIST's file format: a magic number, the sizes as big-endian integers, then the bytes."""

import re
import struct
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError
from inkwise._util.inputs import is_file
from inkwise.datasets.dataset import GLYPH_SHAPE, MAX_BYTES, MAX_SAMPLES, Dataset
from inkwise.datasets.file_checks import open_decompressed

_IMAGES_NAME = re.compile(r"(?P<part>.*?)-?images[-.]idx3-ubyte(\.gz)?")
_CHUNK = 1 << 20  # bytes decompressed at once


def find_idx(folder: Path, name: str) -> Path | None:
    """Find a file such as ``train-images-idx3-ubyte`` in a folder, also ``.idx3-ubyte`` and gzipped."""
    spellings = [f"{stem}{suffix}" for stem in (name, name.replace("-idx", ".idx")) for suffix in ("", ".gz")]
    return next((folder / spelling for spelling in spellings if is_file(folder / spelling)), None)


def idx_parts(folder: Path) -> list[str]:
    """List the prefixes of the image files in a folder: ``["t10k", "train"]`` for MNIST."""
    names = (_IMAGES_NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted({match["part"] for match in names if match})


def read_idx_folder(folder: Path, part: str | None = None) -> Dataset:
    """Read the images and labels of a folder; the images are glyphs as they are.

    Args:
        part: prefix of the pair to read, such as ``train``; needed if the folder has several.

    Raises:
        DataError: there are several pairs and no `part`, a file is missing or damaged, the images are not
            28x28, or the counts differ.
    """
    parts = idx_parts(folder) if part is None else [part]
    if len(parts) > 1:
        choices = " or ".join(str(folder / choice) for choice in parts)
        raise DataError(f"{folder}: contains {' and '.join(parts)}; use {choices}")
    paths = []
    for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"):
        name = f"{parts[0]}-{kind}" if parts[0] else kind
        path = find_idx(folder, name)
        if path is None:
            raise DataError(f"{folder}: {name} is missing")
        paths.append(path)
    images, labels = paths
    glyphs, digits = read_idx(images, dimensions=3), read_idx(labels, dimensions=1)
    if glyphs.shape[1:] != GLYPH_SHAPE:
        height, width = glyphs.shape[1:]
        raise DataError(f"{images}: expected images of 28x28, got {height}x{width}")
    if len(glyphs) != len(digits):
        raise DataError(f"{labels}: expected {len(glyphs)} labels as in {images.name}, got {len(digits)}")
    name = folder.name if part is None else f"{folder.name}/{part}"
    return Dataset(name, glyphs, digits.astype(np.str_))


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read the uint8 array of an IDX file, raw or gzipped.

    Memory use follows the content, whatever sizes the header states.

    Raises:
        DataError: the file cannot be read, is not IDX of the expected dimensions, its size differs from its
            header, or it has more than 1,000,000 samples or 1 GB.
    """
    with open_decompressed(path) as file:
        magic, length = _magic(dimensions), 4 + 4 * dimensions
        header = file.read(length)
        if header[:4] != magic:
            start = header[:4].hex() or "nothing"
            raise DataError(f"{path}: expected IDX's {magic.hex()} at the start, got {start}")
        if len(header) < length:
            raise DataError(f"{path}: expected a header of {length} bytes, got {len(header)}")
        shape = struct.unpack(f">{dimensions}I", header[4:])
        size = prod(shape)
        if max(shape) > MAX_SAMPLES or size > MAX_BYTES:
            raise DataError(
                f"{path}: expected at most {MAX_SAMPLES:,} samples and {MAX_BYTES >> 30} GB,"
                f" got {' x '.join(map(str, shape))} bytes by the header"
            )
        array, filled = np.empty(size, np.uint8), 0
        while chunk := file.read(min(_CHUNK, size - filled + 1)):
            if filled + len(chunk) > size:
                raise DataError(f"{path}: expected {length + size} bytes by the header, got more")
            array[filled : filled + len(chunk)] = np.frombuffer(chunk, np.uint8)
            filled += len(chunk)
    if filled < size:
        raise DataError(f"{path}: expected {length + size} bytes by the header, got {length + filled}")
    return array.reshape(shape)


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """Encode an array as an IDX file."""
    return _magic(array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def _magic(dimensions: int) -> bytes:
    return bytes([0, 0, 8, dimensions])  # 8: unsigned bytes
