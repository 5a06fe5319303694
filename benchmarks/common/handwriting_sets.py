"""UNIPEN's digits and letters by part: the writers of one of the splits "train", "validation" and "test"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwise import Recognizer, datasets
from inkwise.datasets import Dataset, StrokeSet
from inkwise.datasets.dataset import stack_glyphs
from inkwise.image import load_image

SEEDS = {"validation": 0, "test": 1}
"""Seeds of synthetic data, so that a choice on the validation part does not see the test data."""


def load_strokes(path: Path) -> tuple[StrokeSet, NDArray[np.int64]]:
    """Load strokes and the writer of each sample, (n,)."""
    strokes = datasets.load_strokes_or_dataset(path)
    assert isinstance(strokes, StrokeSet)
    assert strokes.writers is not None
    return strokes, strokes.writers


def load_part(path: Path, part: str) -> Dataset | StrokeSet:
    """Load the samples of the part's writers."""
    whole = datasets.load_strokes_or_dataset(path)
    assert whole.writers is not None
    return whole.select(datasets.split_by_writer(whole.writers) == part)


def load_unipen(path: Path, part: str) -> StrokeSet:
    """Load the strokes of the part's writers."""
    strokes = load_part(path, part)
    assert isinstance(strokes, StrokeSet)
    return strokes


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


def load_pictures(path: Path, count: int | None = None) -> tuple[list[NDArray[np.uint8]], NDArray[np.str_]]:
    """Load the first pictures (H, W) uint8 of an archive, or all, and their labels.

    They lie one after the other in `jpeg`, or in `pixels` with `shapes`, from `offsets` on.
    """
    with np.load(path, allow_pickle=False) as archive:
        labels, offsets = archive["labels"][:count].astype(str), archive["offsets"]
        spans = [*pairwise(offsets.tolist())][:count]
        if "jpeg" in archive:
            content = archive["jpeg"]
            return [load_image(content[start:end].tobytes()) for start, end in spans], labels
        pixels, shapes = archive["pixels"], archive["shapes"]
    return [
        pixels[start:end].reshape(shape) for (start, end), shape in zip(spans, shapes, strict=False)
    ], labels


def read_glyphs(recognizer: Recognizer, pictures: Iterable[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return the glyphs (n, 28, 28) uint8 that are read in pictures of one digit, black for none."""
    readings = [recognizer.read(picture, "digit") for picture in pictures]
    return stack_glyphs((one.digits[0].glyph if one.digits else None for one in readings), len(readings))


def load_plain_symbols(path: Path) -> Dataset:
    """Load the symbols of an archive of strokes that are not `confusable` with digits, as glyphs."""
    with np.load(path, allow_pickle=False) as archive:
        plain = ~archive["confusable"]
    return load_strokes(path)[0].select(plain).to_dataset()
