"""Labelled samples: glyphs, or the pen strokes that they are drawn from."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing import strokes_to_glyph

GLYPH_SHAPE = (28, 28)

MAX_SAMPLES = 1_000_000
"""Samples per data set; EMNIST, the largest of its kind, has 814,255."""

MAX_BYTES = 1 << 30
"""Size in bytes of all arrays of a data set, decompressed; EMNIST has 640 MB."""

StrokeArrays = list[NDArray[np.float32]]  # one (k, 2) array per stroke: x right, y down
SampleIndex = NDArray[np.bool_] | NDArray[np.integer] | slice


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled glyphs.

    Attributes:
        glyphs: (n, 28, 28) uint8, white ink on black.
        labels: (n,) str, "" where unlabelled.
        writers: (n,) int64, or None where unknown.
        names: (n,) str, file names or ids of the samples, or None where there are none.
    """

    name: str
    glyphs: NDArray[np.uint8]
    labels: NDArray[np.str_]
    writers: NDArray[np.int64] | None = None
    names: NDArray[np.str_] | None = None

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.glyphs)

    def select(self, index: SampleIndex) -> Self:
        """Return the samples of a boolean mask (n,), an integer index (m,) or a slice."""
        writers = None if self.writers is None else self.writers[index]
        names = None if self.names is None else self.names[index]
        return replace(
            self, glyphs=self.glyphs[index], labels=self.labels[index], writers=writers, names=names
        )

    def to_dataset(self) -> Self:
        """Return this data set itself: its samples are glyphs already."""
        return self


@dataclass(frozen=True, eq=False)
class StrokeSet:
    """Labelled pen strokes, which training can distort before they are drawn as glyphs.

    Attributes:
        samples: n lists of (k, 2) float32 arrays, one per stroke, x right, y down.
        labels: (n,) str.
        writers: (n,) int64, or None where unknown.
    """

    name: str
    samples: list[StrokeArrays]
    labels: NDArray[np.str_]
    writers: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.samples)

    def select(self, index: SampleIndex) -> Self:
        """Return the samples of a boolean mask (n,), an integer index (m,) or a slice."""
        writers = None if self.writers is None else self.writers[index]
        samples = [self.samples[number] for number in np.arange(len(self))[index]]
        return replace(self, samples=samples, labels=self.labels[index], writers=writers)

    def to_dataset(self) -> Dataset:
        """Draw every sample as a glyph."""
        glyphs = stack_glyphs(map(strokes_to_glyph, self.samples), len(self))
        return Dataset(self.name, glyphs, self.labels, self.writers)


def stack_glyphs(glyphs: Iterable[NDArray[np.uint8] | None], count: int) -> NDArray[np.uint8]:
    """Stack glyphs to (count, 28, 28) uint8; None, a sample without ink, becomes black."""
    stacked = np.zeros((count, *GLYPH_SHAPE), np.uint8)
    for number, glyph in enumerate(glyphs):
        if glyph is not None:
            stacked[number] = glyph
    return stacked
