"""numpy's ``.npz`` archives in three layouts: pen strokes, pictures of one size, pictures of many sizes.

| layout    | arrays                                                                                  |
|-----------|-----------------------------------------------------------------------------------------|
| strokes   | ``points`` (N, 2), ``stroke_offsets`` into it, ``sample_offsets`` into the strokes       |
| equal     | ``images`` (n, h, w) uint8                                                              |
| ragged    | ``pixels`` (N,) uint8, ``offsets`` (n + 1,) into it, ``shapes`` (n, 2) height and width  |

Each may have ``labels`` (n,) and ``writer`` or ``person`` (n,). Nothing is ever unpickled.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError, ImageError
from inkwise._util.inputs import open_input
from inkwise.datasets.dataset import MOST_BYTES, MOST_SAMPLES, Dataset, StrokeSet, stack_glyphs
from inkwise.image import load_image
from inkwise.preprocessing import image_to_glyph

Arrays = dict[str, NDArray[Any]]

_STROKE_ARRAYS = {"points", "stroke_offsets", "sample_offsets"}
_RAGGED_ARRAYS = {"pixels", "offsets", "shapes"}
_MOST_STROKES = 4 * MOST_SAMPLES
_MOST_POINTS = 50 * MOST_SAMPLES


def read_npz(path: Path) -> Dataset | StrokeSet:
    """The samples of an archive in one of the three layouts: pictures as glyphs, strokes as they are.

    Raises DataError if the archive is damaged, has another layout, or its arrays do not fit together.
    """
    arrays = load_arrays(path)
    if arrays.keys() >= _STROKE_ARRAYS:
        return _stroke_set(path, arrays)
    if "images" in arrays:
        return _equal_images(path, arrays)
    if arrays.keys() >= _RAGGED_ARRAYS:
        return _ragged_images(path, arrays)
    names = ", ".join(repr(name)[1:-1] for name in arrays)  # a name may have lines
    raise DataError(
        f"{path}: holds {names or 'nothing'}; expected images, or pixels with offsets and shapes,"
        " or points with stroke_offsets and sample_offsets"
    )


def load_arrays(path: Path) -> Arrays:
    """All arrays of an archive, none unpickled.

    Raises DataError if it cannot be read, is damaged, or unpacks to more than 1 GB.
    """
    with open_input(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                sizes = [member.file_size for member in archive.infolist()]  # zipfile gives no more of each
            if sum(sizes) > MOST_BYTES:
                raise DataError(f"{path}: unpacks to more than {MOST_BYTES >> 30} GB")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                members = {name: archive[name] for name in archive.files}
        except DataError:
            raise
        except Exception as error:
            # zipfile, zlib and numpy have a word each for a kind of damage, and for an array of objects.
            raise DataError(f"{path}: is no sound .npz archive of plain arrays") from error
    if not all(isinstance(member, np.ndarray) for member in members.values()):
        raise DataError(f"{path}: holds a file that is no array")  # of which numpy gives the bytes
    return members


def _stroke_set(path: Path, arrays: Arrays) -> StrokeSet:
    points = arrays["points"]
    if points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "iuf":
        raise DataError(f"{path}: points is {points.dtype} {points.shape}, not numbers (N, 2)")
    _check_count(path, "points", len(points), _MOST_POINTS)
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large is infinite then
        points = points.astype(np.float32)
    if not np.isfinite(points).all():
        raise DataError(f"{path}: points holds a value that is not finite")
    pieces = _ranges(path, arrays, "stroke_offsets", len(points), _MOST_STROKES)
    strokes = [points[start:end] for start, end in pieces]
    if not all(len(stroke) for stroke in strokes):
        raise DataError(f"{path}: stroke_offsets has a stroke without points")
    samples = [strokes[start:end] for start, end in _ranges(path, arrays, "sample_offsets", len(strokes))]
    return StrokeSet(
        path.stem, samples, _labels(path, arrays, len(samples)), _writers(path, arrays, len(samples))
    )


def _equal_images(path: Path, arrays: Arrays) -> Dataset:
    images = arrays["images"]
    if images.ndim != 3 or images.dtype != np.uint8:
        raise DataError(f"{path}: images is {images.dtype} {images.shape}, not uint8 (n, h, w)")
    return _image_dataset(path, arrays, images, len(images))


def _ragged_images(path: Path, arrays: Arrays) -> Dataset:
    pixels, shapes = arrays["pixels"], arrays["shapes"]
    if pixels.ndim != 1 or pixels.dtype != np.uint8:
        raise DataError(f"{path}: pixels is {pixels.dtype} {pixels.shape}, not uint8 (N,)")
    pieces = [pixels[start:end] for start, end in _ranges(path, arrays, "offsets", len(pixels))]
    if shapes.shape != (len(pieces), 2) or shapes.dtype.kind not in "iu":
        raise DataError(f"{path}: shapes is {shapes.dtype} {shapes.shape}, not integers ({len(pieces)}, 2)")
    pictures = []
    for number, (piece, (height, width)) in enumerate(zip(pieces, shapes.tolist(), strict=True)):
        if min(height, width) < 0 or height * width != len(piece):
            raise DataError(
                f"{path}: picture {number} has {len(piece)} pixels for a shape of {height}x{width}"
            )
        pictures.append(piece.reshape(height, width))
    return _image_dataset(path, arrays, pictures, len(pictures))


def _image_dataset(path: Path, arrays: Arrays, pictures: Iterable[NDArray[np.uint8]], count: int) -> Dataset:
    if not count:
        raise DataError(f"{path}: holds no samples")
    _check_count(path, "pictures", count, MOST_SAMPLES)

    def glyphs() -> Iterator[NDArray[np.uint8] | None]:
        for number, picture in enumerate(pictures):
            try:
                yield image_to_glyph(load_image(picture))
            except ImageError as error:
                raise DataError(f"{path}: picture {number}: {error}") from error

    labels, writers = _labels(path, arrays, count), _writers(path, arrays, count)
    return Dataset(path.stem, stack_glyphs(glyphs(), count), labels, writers)


def _check_count(path: Path, what: str, count: int, most: int) -> None:
    if count > most:
        raise DataError(f"{path}: holds {count:,} {what}; at most {most:,} are loaded")


def _ranges(
    path: Path, arrays: Arrays, name: str, end: int, most: int = MOST_SAMPLES
) -> Iterable[tuple[int, int]]:
    """(start, end) of each piece that the offsets ``name`` cut out of ``end`` items, at most so many."""
    offsets = arrays[name]
    if offsets.ndim != 1 or len(offsets) < 2 or offsets.dtype.kind not in "iu":
        raise DataError(f"{path}: {name} is {offsets.dtype} {offsets.shape}, not integers (n + 1,), n > 0")
    _check_count(path, name, len(offsets) - 1, most)
    bounds: list[int] = offsets.tolist()
    if bounds[0] != 0 or bounds[-1] != end or bounds != sorted(bounds):
        raise DataError(f"{path}: {name} does not rise from 0 to {end}")
    return pairwise(bounds)


def _labels(path: Path, arrays: Arrays, count: int) -> NDArray[np.str_]:
    labels = arrays.get("labels", np.full(count, ""))
    if labels.shape != (count,) or labels.dtype.kind not in "iuU":
        raise DataError(f"{path}: labels is {labels.dtype} {labels.shape}, not integers or text ({count},)")
    return labels.astype(np.str_)


def _writers(path: Path, arrays: Arrays, count: int) -> NDArray[np.int64] | None:
    name = "writer" if "writer" in arrays else "person"
    if name not in arrays:
        return None
    writers = arrays[name]
    if writers.shape != (count,) or writers.dtype.kind not in "iu":
        raise DataError(f"{path}: {name} is {writers.dtype} {writers.shape}, not integers ({count},)")
    return writers.astype(np.int64)
