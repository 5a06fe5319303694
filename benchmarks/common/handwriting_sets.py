"""UNIPEN's digits and letters by part: the writers of one of the splits "train", "validation" and "test"."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwise import datasets
from inkwise.datasets import StrokeSet

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
