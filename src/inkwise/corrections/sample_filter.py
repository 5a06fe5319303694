"""Conditions on samples, as queries of the store take them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy import ColumnElement, and_, func

from inkwise.corrections.accuracy import TABLE_SOURCE
from inkwise.corrections.sample import Sample
from inkwise.recognition.model import LETTERS_MODEL


class SampleFilter(TypedDict, total=False):
    """Conditions on samples, all of which must hold; None and False are no condition.

    Attributes:
        writer, label, source: The sample has this value.
        since: The sample was added at this time or later; with a time zone.
        wrong: The answer differs from the label.
        unsure: The probability of the answer is below this.
        labelled: The sample has a label.
        scored: The sample has a label and an answer, and is not from the review of a table.
        of_digits: The answer was not given by the bundled model `letters`.
    """

    writer: str | None
    label: str | None
    source: str | None
    since: datetime | None
    wrong: bool
    unsure: float | None
    labelled: bool
    scored: bool
    of_digits: bool


_CONDITIONS: dict[str, Callable[[Any], ColumnElement[bool]]] = {
    "writer": lambda writer: Sample.writer == writer,
    "label": lambda label: Sample.label == label,
    "source": lambda source: Sample.source == source,
    "since": lambda since: Sample.time >= since.astimezone(UTC),
    "wrong": lambda _: Sample.label != Sample.answer,
    "unsure": lambda probability: Sample.probability < probability,
    "labelled": lambda _: Sample.label.is_not(None),
    "scored": lambda _: and_(
        Sample.label.is_not(None), Sample.answer.is_not(None), Sample.source != TABLE_SOURCE
    ),
    "of_digits": lambda _: func.coalesce(Sample.model, "").not_like(f"{LETTERS_MODEL} (%"),
}


def where(**conditions: Unpack[SampleFilter]) -> ColumnElement[bool]:
    """Build the condition that a sample is visible and meets all conditions; a damaged flag hides nothing."""
    given = {name: value for name, value in conditions.items() if value is not None and value is not False}
    return and_(Sample.deleted.is_not(True), *(_CONDITIONS[name](value) for name, value in given.items()))
