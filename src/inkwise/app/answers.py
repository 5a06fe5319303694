"""Answers to digits, as page and window show them: a label, or "not a digit" for a rejected drawing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inkwise._util.text import NOT_A_DIGIT
from inkwise.corrections import Sample
from inkwise.corrections.store import Store
from inkwise.recognition import Digit


def ranked_answers(digit: Digit) -> list[tuple[str, float]]:
    """Return all labels and "not a digit" with their probabilities, the most likely first."""
    known = dict(digit.alternatives)
    known.setdefault(NOT_A_DIGIT, max(0.0, 1 - sum(known.values())))
    return sorted(known.items(), key=lambda answer: -answer[1])


def answer_of(digit: Digit) -> tuple[str, float]:
    """Return the answer with its probability: the label, or "not a digit" if the drawing is rejected.

    A digit that may be either of two labels keeps the likelier one.
    """
    if digit.doubt != NOT_A_DIGIT:
        return digit.label, digit.probability
    return NOT_A_DIGIT, dict(ranked_answers(digit))[NOT_A_DIGIT]


def labels_text(labels: Sequence[str]) -> str:
    """Join labels to the text of a number, with "?" for a non-digit; a single label stays as it is."""
    return labels[0] if len(labels) == 1 else "".join("?" if each == NOT_A_DIGIT else each for each in labels)


def undo_message(samples: Sequence[Sample]) -> str:
    """Describe in one line what an undo did to these samples."""
    if not samples:
        return "nothing left to undo"
    label = labels_text([sample.label or "?" for sample in samples])
    if all(sample.deleted for sample in samples):
        return f"removed the answer {label}"
    return f"undone: the label is {label} again"


def score(store: Store, writer: str) -> dict[str, Any]:
    """Return the accuracy of a writer's digits, and that of the numbers as `numbers`, as JSON values."""
    numbers = store.number_accuracy(writer)
    return {**store.accuracy(writer).to_dict(), "numbers": numbers.to_dict()}
