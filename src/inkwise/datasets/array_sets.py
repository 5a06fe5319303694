"""Arrays of images and labels, as Keras, scikit-learn and ``numpy.save`` have them."""

import re
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError, ImageError, InkwiseError
from inkwise._util.inputs import clear_read_errors, is_file, open_input
from inkwise.datasets.csv_columns import PIXELS, CsvColumns
from inkwise.datasets.dataset import GLYPH_SHAPE, MAX_BYTES, MAX_SAMPLES, Dataset, stack_glyphs
from inkwise.datasets.file_checks import damaged
from inkwise.image import load_image, scale_to_8_bits
from inkwise.preprocessing import image_to_glyph

_IMAGE_WORDS = ("images", "image", "imgs", "img", "x", "data", "features")
_LABEL_WORDS = ("labels", "label", "y", "targets", "target")
_MAX_LABEL = 1e9  # of labels that were saved as floats
_SAMPLED_ROWS = 100  # number of rows that are inspected to find the column of labels


def read_npy(path: Path) -> Dataset:
    """Read the images of a ``.npy``, as `array_dataset` does.

    The labels are a column of the array, or the file beside it that is named alike: ``y_train.npy`` for
    ``x_train.npy``, ``labels.npy`` for ``images.npy``.

    Raises:
        DataError: a file cannot be read, holds objects, is damaged or larger than 1 GB, or is not of images.
    """
    names = (f"{name}.npy" for name in label_names(path.stem))
    labels = next((path.with_name(name) for name in names if is_file(path.with_name(name))), None)
    return array_dataset(path, path.stem, _load(path), None if labels is None else _load(labels))


def label_names(name: str) -> Iterator[str]:
    """Yield the names of the labels that belong to images of this name, ``y_train`` for ``x_train``."""
    words = re.split(r"([_.-])", name)
    for index, word in enumerate(words):
        if word.lower() in _IMAGE_WORDS:
            for label in _LABEL_WORDS:
                for spelling in (label, label.upper(), label.capitalize()):
                    yield "".join([*words[:index], spelling, *words[index + 1 :]])


def image_parts(names: Sequence[str]) -> dict[str, str]:
    """Return the arrays of images among names, by their part: ``{"train": "x_train", "test": "x_test"}``."""
    parts: dict[str, str] = {}
    for name in names:
        words = [word for word in re.split(r"[_.-]", name) if word]
        others = [word for word in words if word.lower() not in _IMAGE_WORDS]
        if len(words) == len(others) + 1 and len(others) <= 1:
            parts.setdefault("".join(others).lower(), name)
    return parts


def array_dataset(path: Path, name: str, images: NDArray[Any], labels: NDArray[Any] | None) -> Dataset:
    """Build a data set of images of any real dtype and their labels.

    Images (n, 28, 28), (n, 28, 28, 1) and (n, 784) are glyphs as they are, as in MNIST; those of other sizes,
    (n, h, w) or (n, h, w, 3|4), are normalized. Of (n, 785), one column holds the labels.

    Raises:
        DataError: they have another shape or type, or do not fit together.
    """
    if images.dtype.kind not in "biuf":
        raise DataError(f"{path}: expected images of numbers, got {images.dtype}")
    if images.ndim == 2 and images.shape[1] == PIXELS + 1 and labels is None and len(images):
        sample = [[f"{value:.17g}" for value in row] for row in images[:_SAMPLED_ROWS].tolist()]
        try:
            columns = CsvColumns.find(None, sample)
        except InkwiseError as error:
            raise DataError(f"{path}: {error}") from None
        labels = None if columns.label is None else images[:, columns.label]
        images = images[:, columns.pixels]
    count = len(images) if images.ndim else 0
    if not 0 < count <= MAX_SAMPLES:
        raise DataError(f"{path}: expected 1 to {MAX_SAMPLES:,} images, got {count:,}")
    texts = np.full(count, "") if labels is None else _label_texts(path, labels, count)
    if images.shape[1:] in (GLYPH_SHAPE, (*GLYPH_SHAPE, 1), (PIXELS,)):
        glyphs = np.ascontiguousarray(scale_to_8_bits(images)).reshape(-1, *GLYPH_SHAPE)
        if images.dtype == np.bool_ or glyphs.max() == 1:
            glyphs = glyphs * np.uint8(255)
    elif images.ndim in (3, 4):
        glyphs = normalize_images(path, scale_to_8_bits(images))
    else:
        raise DataError(f"{path}: expected images (n, 28, 28), (n, 784) or (n, h, w), got {images.shape}")
    return Dataset(name, glyphs, texts)


def normalize_images(path: Path, images: NDArray[np.uint8] | list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Normalize images to glyphs (n, 28, 28) uint8.

    Raises:
        DataError: one is no image; the message gives its number.
    """

    def glyphs() -> Iterator[NDArray[np.uint8] | None]:
        for number, image in enumerate(images):
            try:
                yield image_to_glyph(load_image(image))
            except ImageError as error:
                raise DataError(f"{path}: image {number}: {error}") from error

    return stack_glyphs(glyphs(), len(images))


def _label_texts(path: Path, labels: NDArray[Any], count: int) -> NDArray[np.str_]:
    if labels.shape == (count, 1):
        labels = labels[:, 0]
    if (
        labels.dtype.kind == "f"
        and np.array_equal(labels, np.rint(labels))
        and np.abs(labels).max(initial=0) < 1e9
    ):
        labels = labels.astype(np.int64)
    if labels.shape != (count,) or labels.dtype.kind not in "iuU":
        raise DataError(
            f"{path}: expected labels ({count},), integers or text, got {labels.dtype} {labels.shape}"
        )
    return labels.astype(np.str_)


def _load(path: Path) -> NDArray[Any]:
    with open_input(path, MAX_BYTES) as file, clear_read_errors(path):
        try:
            version = np.lib.format.read_magic(file)
            read_header = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read_header(file)
            if prod(shape) * dtype.itemsize > MAX_BYTES:  # numpy allocates what the header says
                raise ValueError
            file.seek(0)
            array: NDArray[Any] = np.load(file, allow_pickle=False)
        except OSError:
            raise
        except Exception as error:  # numpy raises many types for damage and for objects
            raise damaged(path, "an .npy file of one plain array") from error
    return array
