"""UNIPEN's digits and letters by part: the writers of one of the splits "train", "validation" and "test"."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwise import datasets
from inkwise.datasets import Dataset, StrokeSet
from inkwise.datasets.array_sets import normalize_images
from inkwise.image import load_image

SEEDS = {"validation": 0, "test": 1}
"""Seeds of synthetic data, so that a choice on the validation part does not see the test data."""


def load_strokes(path: Path) -> tuple[StrokeSet, NDArray[np.int64]]:
    """Load strokes and the writer of each sample, (n,)."""
    strokes = datasets.load_strokes_or_dataset(path)
    assert isinstance(strokes, StrokeSet)
    assert strokes.writers is not None
    return strokes, strokes.writers


def load_unipen(path: Path, part: str) -> StrokeSet:
    """Load the strokes of the part's writers."""
    strokes, writers = load_strokes(path)
    return strokes.select(datasets.split_by_writer(writers) == part)


def suspect_labels(path: Path, part: str, others: Sequence[int] = ()) -> NDArray[np.bool_]:
    """Return a mask (n,) of the samples of `load_unipen` whose label may be wrong.

    Args:
        path: file of UNIPEN's digits.
        part: as for `load_unipen`.
        others: indices within the file of more such samples.
    """
    with np.load(path, allow_pickle=False) as archive:
        suspect = archive["suspect"] | archive["knn_disagree"]
        suspect[[*others]] = True
        return np.asarray(suspect[datasets.split_by_writer(archive["writer"]) == part])


def load_jpeg_glyphs(path: Path, count: int) -> Dataset:
    """Load the first `count` images of an archive of `jpeg`, `offsets` and `labels` as glyphs."""
    with np.load(path, allow_pickle=False) as archive:
        content, offsets, labels = archive["jpeg"], archive["offsets"], archive["labels"][:count]
    images = [load_image(content[start:end].tobytes()) for start, end in pairwise(offsets[: count + 1])]
    return Dataset(path.stem, normalize_images(path, images), labels.astype(str))


def load_plain_symbols(path: Path) -> Dataset:
    """Load the symbols of an archive of strokes that are not `confusable` with digits, as glyphs."""
    with np.load(path, allow_pickle=False) as archive:
        plain = ~archive["confusable"]
    return load_strokes(path)[0].select(plain).to_dataset()
