"""A trial: digits are asked for until one knows well enough how often they are read right."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime

from inkwise._util.errors import InkwiseError
from inkwise.corrections.accuracy import Accuracy
from inkwise.corrections.store import Store

SOURCE = "trial"
"""The source of the samples that are drawn in a trial."""


@dataclass(frozen=True)
class AccuracyTest:
    """How far a trial has come.

    Attributes:
        accuracy: of the answers so far.
        done: the 95 % interval of the accuracy is as narrow as was asked for.
        ask: the digit to draw next.
    """

    accuracy: Accuracy
    done: bool
    ask: str


def accuracy_test(
    store: Store, writer: str, since: datetime, width: float, digits: tuple[str, ...]
) -> AccuracyTest:
    """Where the trial stands that this writer began at `since`.

    Each digit is asked for once in every len(digits), in a random order that is the same whenever one asks.

    Args:
        store: with the samples of the trial, their source `SOURCE`.
        writer: who draws.
        since: when it began, with a time zone.
        width: of the 95 % interval at which it is done, above 0 and below 1.
        digits: what to ask for.

    Raises:
        InkwiseError: no such width, or a time without a zone.
        StoreError: the database cannot be read.
    """
    if not 0 < width < 1:
        raise InkwiseError(f"the width of the interval must be between 0 and 1, not {width}")
    if since.tzinfo is None:
        raise InkwiseError("the beginning of a trial needs a time zone")
    accuracy = store.accuracy(writer, source=SOURCE, since=since)
    low, high = accuracy.interval or (0.0, 1.0)
    series, place = divmod(accuracy.n, len(digits))
    order = random.Random(f"{writer} {since.timestamp()} {series}").sample(digits, len(digits))
    return AccuracyTest(accuracy, done=high - low <= width, ask=order[place])
