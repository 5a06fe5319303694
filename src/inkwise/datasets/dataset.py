"""What every reader in this room returns: glyphs with labels, or raw strokes with labels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing import strokes_to_glyph

GLYPH_SHAPE = (28, 28)
SPLITS = ("train", "validation", "test")

MOST_SAMPLES = 1_000_000
"""Samples of a data set; EMNIST, the largest of its kind, has 814,255."""

MOST_BYTES = 1 << 30
"""Bytes of a data set's arrays in a file, unpacked; EMNIST has 640 MB."""

StrokeArrays = list[NDArray[np.float32]]  # one (k, 2) array per stroke: x right, y down
SampleIndex = NDArray[np.bool_] | NDArray[np.integer] | slice


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled glyphs, sample by sample.

    ``glyphs`` is (n, 28, 28) uint8, white ink on black; ``labels`` is (n,) str, "" where unlabelled;
    ``writers`` is (n,) int64, who wrote each, or None where nobody noted it.
    """

    name: str
    glyphs: NDArray[np.uint8]
    labels: NDArray[np.str_]
    writers: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.glyphs)

    def select(self, mask_or_index: SampleIndex) -> Dataset:
        """The samples of a boolean mask (n,), an integer index (m,) or a slice, as a dataset of its own."""
        writers = None if self.writers is None else self.writers[mask_or_index]
        return replace(
            self, glyphs=self.glyphs[mask_or_index], labels=self.labels[mask_or_index], writers=writers
        )

    def to_dataset(self) -> Dataset:
        """This dataset itself, so that it can stand where strokes may stand."""
        return self


@dataclass(frozen=True, eq=False)
class StrokeSet:
    """Pen strokes before they are drawn: training bends them, which a finished glyph no longer allows.

    ``samples`` holds n lists of (k, 2) float32 arrays, x right, y down; ``labels`` is (n,) str;
    ``writers`` is (n,) int64, or None where nobody noted them.
    """

    name: str
    samples: list[StrokeArrays]
    labels: NDArray[np.str_]
    writers: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.samples)

    def select(self, mask_or_index: SampleIndex) -> StrokeSet:
        """The samples of a boolean mask (n,), an integer index (m,) or a slice, as a set of its own."""
        chosen = np.arange(len(self))[mask_or_index]
        writers = None if self.writers is None else self.writers[chosen]
        samples = [self.samples[index] for index in chosen]
        return replace(self, samples=samples, labels=self.labels[chosen], writers=writers)

    def to_dataset(self) -> Dataset:
        """Every sample drawn as a glyph."""
        glyphs = stack_glyphs((strokes_to_glyph(strokes) for strokes in self.samples), len(self))
        return Dataset(self.name, glyphs, self.labels, self.writers)


def stack_glyphs(glyphs: Iterable[NDArray[np.uint8] | None], count: int) -> NDArray[np.uint8]:
    """(count, 28, 28) uint8 from so many glyphs, black where a sample held no ink."""
    stacked = np.zeros((count, *GLYPH_SHAPE), np.uint8)
    for number, glyph in enumerate(glyphs):
        if glyph is not None:
            stacked[number] = glyph
    return stacked


def split_by_writer(writers: NDArray[np.integer]) -> NDArray[np.str_]:
    """'train', 'validation' or 'test' for each sample, (n,) str, the same for all samples of a writer.

    The part hangs on the writer's number alone, so it holds across files and releases.
    """
    numbers, positions = np.unique(writers, return_inverse=True)
    digests = [hashlib.sha256(f"inkwise-writer-{number}".encode()).digest() for number in numbers.tolist()]
    parts = [SPLITS[int.from_bytes(digest[:8], "big") % len(SPLITS)] for digest in digests]
    return np.array(parts, dtype="<U10")[positions]
