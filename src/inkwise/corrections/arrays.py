"""Samples become arrays for training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inkwise.corrections.sample import Sample
from inkwise.datasets import Dataset, StrokeSet
from inkwise.preprocessing import GLYPH_SIDE


def dataset_of(samples: Sequence[Sample], name: str) -> Dataset:
    """Return the glyphs of labelled samples."""
    glyphs = np.array([sample.glyph for sample in samples], np.uint8).reshape(-1, GLYPH_SIDE, GLYPH_SIDE)
    return Dataset(name, glyphs, *_labels_and_writers(samples))


def strokes_of(samples: Sequence[Sample], name: str) -> StrokeSet:
    """Return the strokes of those labelled samples that were drawn."""
    drawn = [sample for sample in samples if sample.strokes]
    strokes = [[np.array(stroke, np.float32) for stroke in sample.strokes or []] for sample in drawn]
    return StrokeSet(name, strokes, *_labels_and_writers(drawn))


def _labels_and_writers(samples: Sequence[Sample]) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    labels = np.array([sample.label for sample in samples], np.str_)
    return labels, np.array([_number(sample.writer) for sample in samples], np.int64)


def _number(writer: str) -> int:
    """Return the same number for a name everywhere and always, for `split_writers`."""
    return int.from_bytes(hashlib.sha256(writer.encode()).digest()[:8], "big") >> 1
