"""How often something was right, and what was read as what."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from inkwise._util.intervals import wilson_interval


@dataclass(frozen=True)
class Accuracy:
    """Of n samples with an answer and a label, `right` were answered right."""

    right: int
    n: int

    @property
    def share(self) -> float:
        """In 0 to 1, nan where there is no sample."""
        return self.right / self.n if self.n else math.nan

    @property
    def misses(self) -> int:
        """How many were answered wrong."""
        return self.n - self.right

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the share, None where there is no sample."""
        return wilson_interval(self.right, self.n) if self.n else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        low, high = self.interval or (None, None)
        return {"right": self.right, "n": self.n, "low": low, "high": high}


@dataclass(frozen=True, eq=False)
class Confusion:
    """What was read as what: counts (k, k) int64, rows true, columns read, both in the order of `labels`."""

    labels: tuple[str, ...]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, cells: Sequence[tuple[str, str, int]]) -> Self:
        """Build the matrix from (label, answer, count) of its cells that are not 0."""
        labels = sorted({text for label, answer, _ in cells for text in (label, answer)})
        counts = np.zeros((len(labels), len(labels)), np.int64)
        for label, answer, count in cells:
            counts[labels.index(label), labels.index(answer)] = count
        return cls(tuple(labels), counts)
