"""numpy's ``.npz`` archives of pen strokes or images.

| layout  | arrays                                                                                   |
|---------|------------------------------------------------------------------------------------------|
| strokes | ``points`` (N, 2), ``stroke_offsets`` into it, ``sample_offsets`` into the strokes        |
| equal   | ``images`` (n, h, w) uint8                                                               |
| ragged  | ``pixels`` (N,) uint8, ``offsets`` (n + 1,) into it, ``shapes`` (n, 2) height and width   |
| parts   | ``x_train``, ``y_train``, ``x_test``, ``y_test``, as Keras has them, or ``x`` and ``y``   |

The first three may have ``labels`` (n,) and ``writer`` or ``person`` (n,). In files whose name begins with
"unipen", people with two numbers get one. Nothing is unpickled.
"""

import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError
from inkwise._util.inputs import open_input
from inkwise.datasets.array_sets import array_dataset, image_parts, label_names, normalize_images
from inkwise.datasets.dataset import MAX_BYTES, MAX_SAMPLES, Dataset, StrokeSet
from inkwise.datasets.file_checks import damaged
from inkwise.datasets.splits import unipen_people

Arrays = dict[str, NDArray[Any]]

_STROKE_ARRAYS = {"points", "stroke_offsets", "sample_offsets"}
_RAGGED_ARRAYS = {"pixels", "offsets", "shapes"}
_MAX_STROKES = 4 * MAX_SAMPLES
_MAX_POINTS = 50 * MAX_SAMPLES

_TYPES = {  # numpy's dtype kinds and names by the words in messages
    "uint8": {"uint8"},
    "integers": {"i", "u"},
    "integers or text": {"i", "u", "U"},
    "numbers": {"i", "u", "f"},
}


def read_npz(path: Path, part: str | None = None) -> Dataset | StrokeSet:
    """Read an archive in one of the layouts: images as glyphs, strokes as they are.

    Args:
        part: "train" of ``x_train`` and ``y_train``; needed if the archive has several.

    Raises:
        DataError: the archive is damaged or has another layout, or its arrays do not fit together.
    """
    arrays = load_arrays(path)
    if part is not None:
        return _part(path, arrays, part)
    if arrays.keys() >= _STROKE_ARRAYS:
        return _stroke_set(path, arrays)
    if "images" in arrays:
        return _image_dataset(path, arrays, _array(path, arrays, "images", "uint8", "n", "h", "w"))
    if arrays.keys() >= _RAGGED_ARRAYS:
        return _image_dataset(path, arrays, _ragged_images(path, arrays))
    if parts := [*image_parts([*arrays])]:
        if len(parts) > 1:
            choices = " or ".join(str(path / part) for part in parts)
            raise DataError(f"{path}: contains {' and '.join(parts)}; use {choices}")
        return _part(path, arrays, parts[0])
    names = ", ".join(repr(name)[1:-1] for name in arrays) or "nothing"  # names may contain line breaks
    raise DataError(
        f"{path}: expected images, x_train and y_train, pixels with offsets and shapes, or points with"
        f" stroke_offsets and sample_offsets, got {names}"
    )


def _part(path: Path, arrays: Arrays, part: str) -> Dataset:
    """Read the images and labels of a part, such as ``x_train`` and ``y_train``."""
    images = image_parts([*arrays]).get(part.lower())
    if images is None:
        raise DataError(f"{path}: contains no images of {part!r}")
    labels = next((name for name in label_names(images) if name in arrays), None)
    name = f"{path.stem}/{part}" if part else path.stem
    return array_dataset(path, name, arrays[images], None if labels is None else arrays[labels])


def load_arrays(path: Path) -> Arrays:
    """Load all arrays of an archive, none unpickled.

    Raises:
        DataError: the archive cannot be read, is damaged, or is larger than 1 GB when decompressed.
    """
    with open_input(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                size = sum(member.file_size for member in archive.infolist())  # zipfile reads no more of each
            if size > MAX_BYTES:
                raise DataError(f"{path}: is larger than {MAX_BYTES >> 30} GB when decompressed")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except DataError:
            raise
        except Exception as error:  # zipfile, zlib and numpy raise many types for damage and for objects
            raise damaged(path, "an .npz archive of plain arrays") from error
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):  # numpy returns its bytes
        raise DataError(f"{path}: contains a file that is not an array")
    return arrays


def _array(path: Path, arrays: Arrays, name: str, types: str, *shape: int | str) -> NDArray[Any]:
    """Return an array after a check of its dtype and shape, in which axes given by a letter have any size."""
    array = arrays[name]
    fits = array.ndim == len(shape) and all(
        isinstance(wanted, str) or wanted == size for wanted, size in zip(shape, array.shape, strict=True)
    )
    if not fits or not _TYPES[types] & {array.dtype.kind, array.dtype.name}:
        sizes = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise DataError(f"{path}: {name}: expected {types} ({sizes}), got {array.dtype} {array.shape}")
    return array


def _stroke_set(path: Path, arrays: Arrays) -> StrokeSet:
    points = _array(path, arrays, "points", "numbers", "N", 2)
    _check_count(path, "points", len(points), _MAX_POINTS)
    with np.errstate(over="ignore", invalid="ignore"):  # values out of range become infinite
        points = points.astype(np.float32)
    if not np.isfinite(points).all():
        raise DataError(f"{path}: points: contains a value that is not finite")
    strokes = _pieces(path, arrays, "stroke_offsets", points, _MAX_STROKES)
    if not all(map(len, strokes)):
        raise DataError(f"{path}: stroke_offsets: contains a stroke without points")
    samples = _pieces(path, arrays, "sample_offsets", strokes)
    labels, writers = _labels_and_writers(path, arrays, len(samples))
    if writers is not None and path.name.startswith("unipen"):
        writers = unipen_people(writers)
    return StrokeSet(path.stem, samples, labels, writers)


def _ragged_images(path: Path, arrays: Arrays) -> list[NDArray[np.uint8]]:
    pieces = _pieces(path, arrays, "offsets", _array(path, arrays, "pixels", "uint8", "N"))
    shapes = _array(path, arrays, "shapes", "integers", len(pieces), 2).tolist()
    for number, (piece, (height, width)) in enumerate(zip(pieces, shapes, strict=True)):
        if min(height, width) < 0 or height * width != len(piece):
            raise DataError(f"{path}: image {number}: expected {height}x{width} pixels, got {len(piece)}")
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]


def _image_dataset(path: Path, arrays: Arrays, images: NDArray[Any] | list[NDArray[Any]]) -> Dataset:
    if not len(images):
        raise DataError(f"{path}: contains no samples")
    _check_count(path, "images", len(images), MAX_SAMPLES)
    labels, writers = _labels_and_writers(path, arrays, len(images))
    return Dataset(path.stem, normalize_images(path, images), labels, writers)


def _check_count(path: Path, name: str, count: int, limit: int) -> None:
    if count > limit:
        raise DataError(f"{path}: expected at most {limit:,} {name}, got {count:,}")


def _pieces(path: Path, arrays: Arrays, name: str, items: Any, limit: int = MAX_SAMPLES) -> list[Any]:
    """Cut a list or array into at most `limit` pieces at the offsets called `name`."""
    offsets = _array(path, arrays, name, "integers", "n + 1")
    _check_count(path, name, len(offsets) - 1, limit)
    bounds: list[int] = offsets.tolist()
    if len(bounds) < 2 or bounds[0] != 0 or bounds[-1] != len(items) or bounds != sorted(bounds):
        raise DataError(f"{path}: {name}: expected at least 2 offsets that rise from 0 to {len(items)}")
    return [items[start:end] for start, end in pairwise(bounds)]


def _labels_and_writers(
    path: Path, arrays: Arrays, count: int
) -> tuple[NDArray[np.str_], NDArray[np.int64] | None]:
    arrays = {"labels": np.full(count, ""), **arrays}
    labels = _array(path, arrays, "labels", "integers or text", count)
    name = "writer" if "writer" in arrays else "person"
    writers = _array(path, arrays, name, "integers", count) if name in arrays else None
    return labels.astype(np.str_), None if writers is None else writers.astype(np.int64)
