"""Accuracy of the answers, the confusion matrix, and accuracy tests of random digits."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import InkwiseError
from inkwise._util.intervals import wilson_interval

if TYPE_CHECKING:
    from inkwise.corrections.store import Store

TEST_SOURCE = "trial"
"""Source of the samples that are drawn in an accuracy test."""

TABLE_SOURCE = "review"
"""Source of the samples from the review of a table, whose digits several people may have written."""


@dataclass(frozen=True)
class Accuracy:
    """`right` of n samples with an answer and a label were answered right."""

    right: int
    n: int

    @property
    def share(self) -> float:
        """Accuracy, 0 to 1; nan without samples."""
        return self.right / self.n if self.n else math.nan

    @property
    def misses(self) -> int:
        """Number of wrong answers."""
        return self.n - self.right

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the accuracy; None without samples."""
        return wilson_interval(self.right, self.n) if self.n else None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        low, high = self.interval or (None, None)
        return {"right": self.right, "n": self.n, "low": low, "high": high}


@dataclass(frozen=True, eq=False)
class Confusion:
    """Confusion matrix: counts (k, k) int64, a row for each true label, a column for each answer."""

    labels: tuple[str, ...]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, cells: Sequence[tuple[str, str, int]]) -> Self:
        """Build the matrix from its (label, answer, count) that are not 0."""
        labels = sorted({text for label, answer, _ in cells for text in (label, answer)})
        counts = np.zeros((len(labels), len(labels)), np.int64)
        for label, answer, count in cells:
            counts[labels.index(label), labels.index(answer)] = count
        return cls(tuple(labels), counts)


@dataclass(frozen=True)
class AccuracyTest:
    """State of an accuracy test.

    Attributes:
        accuracy: Accuracy of the answers so far.
        done: The 95 % interval of the accuracy is as narrow as requested.
        ask: The next digit to draw.
    """

    accuracy: Accuracy
    done: bool
    ask: str


def accuracy_test(
    store: Store, writer: str, since: datetime, width: float, digits: tuple[str, ...]
) -> AccuracyTest:
    """Return the state of the accuracy test that a writer started at `since`.

    Each series of len(digits) requests has every digit once, in a random order that repeated calls reproduce.

    Args:
        store: Holds the samples of the test, with the source `TEST_SOURCE`.
        writer: Name of the writer.
        since: Start of the test, with a time zone.
        width: Width of the 95 % interval that ends the test, between 0 and 1.
        digits: The digits to request.

    Raises:
        InkwiseError: The width is invalid, or the time has no zone.
        StoreError: The database cannot be read.
    """
    if not 0 < width < 1:
        raise InkwiseError(f"the width of the interval must be between 0 and 1, not {width}")
    if since.tzinfo is None:
        raise InkwiseError("the beginning of a trial needs a time zone")
    accuracy = store.accuracy(writer, source=TEST_SOURCE, since=since)
    low, high = accuracy.interval or (0.0, 1.0)
    series, place = divmod(accuracy.n, len(digits))
    order = random.Random(f"{writer} {since.timestamp()} {series}").sample(digits, len(digits))
    return AccuracyTest(accuracy, done=high - low <= width, ask=order[place])
