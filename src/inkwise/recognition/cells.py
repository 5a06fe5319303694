"""Digits in cells, one each, become one number."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inkwise._util.text import DIGITS, NOT_A_DIGIT
from inkwise.recognition.constraints import NOTHING_KNOWN, Constraint, constrained
from inkwise.recognition.ctc.alignment import Lattice, alignment, alternatives
from inkwise.recognition.line_reader import Line
from inkwise.recognition.number_reader import line_reason
from inkwise.recognition.reading import NO_INK, Digit, Reading
from inkwise.recognition.recognizer import Recognizer

_NEVER = 1e-9  # in place of a probability of 0


def read_cells(
    recognizer: Recognizer, cells: Sequence[NDArray[np.uint8] | None], constraint: Constraint | None = None
) -> Reading:
    """Read a number of which each cell holds a digit or nothing, from the left.

    Empty cells may stand before and after the number, but not in it.

    Args:
        recognizer: what reads each cell.
        cells: pictures (h, w) uint8, None where there is no ink.
        constraint: what is known about the number, as for `Recognizer.read_number`.
    """
    began = time.perf_counter()
    marks = [None if cell is None else _digit(recognizer, cell) for cell in cells]
    lattice = _lattice(marks)
    free = constrained(lattice, DIGITS, NOTHING_KNOWN)
    chosen = free if constraint is None else constrained(lattice, DIGITS, constraint)
    line = Line(chosen.text, chosen.probability, chosen.support, free.text or "", ())
    said = _said(lattice, line.text or "")
    inked = [place for place, mark in enumerate(marks) if mark is not None]
    within = range(inked[0], inked[-1] + 1) if inked else range(0)
    reason: str | None = None
    if not inked:
        reason = NO_INK
    elif hole := [place for place in within if marks[place] is None]:
        reason = f"cell {hole[0] + 1} is empty between others"
    elif line.text and (unread := [place for place in inked if place not in said]):
        reason = f"cell {unread[0] + 1}: {NOT_A_DIGIT}"
    else:
        reason = line_reason(line, recognizer.model.threshold)
    least = 0.0 if reason is None else recognizer.model.threshold
    digits = [_answer(marks[place], said.get(place), least) for place in within]
    return Reading(
        text="".join("?" if digit is None or not digit.accepted else digit.label for digit in digits),
        confidence=line.probability if all(place in said for place in within) and inked else 0.0,
        accepted=reason is None,
        digits=tuple(digit for digit in digits if digit is not None),
        reason=reason,
        model=recognizer.model.name,
        elapsed_ms=1000 * (time.perf_counter() - began),
        unconstrained=None if constraint is None else line.free,
    )


def _digit(recognizer: Recognizer, cell: NDArray[np.uint8]) -> Digit | None:
    return next(iter(recognizer.read_digit(cell).digits), None)


def _lattice(marks: Sequence[Digit | None]) -> Lattice:
    """A frame for each cell, and one of paper between cells, so that equal digits stay two: (2 k + 1, 11)."""
    frames = np.full((2 * len(marks) + 1, 1 + len(DIGITS)), _NEVER)
    frames[:, 0] = 1
    for mark, frame in zip(marks, frames[1::2], strict=True):
        if mark is not None:
            for label, probability in mark.alternatives:
                if label in DIGITS:
                    frame[1 + DIGITS.index(label)] = max(probability, _NEVER)
            frame[0] = max(1 - frame[1:].sum(), _NEVER)
    return np.asarray(np.log(frames), np.float32)


def _said(lattice: Lattice, text: str) -> dict[int, tuple[str, float]]:
    """By its cell, each digit of a text, and its probability given all others."""
    if not text:
        return {}
    columns = np.array([DIGITS.index(digit) + 1 for digit in text])
    places = [first // 2 for first, _ in alignment(lattice, columns)]
    chances = alternatives(lattice, columns)[np.arange(len(text)), columns - 1].tolist()
    return dict(zip(places, zip(text, chances, strict=True), strict=True))


def _answer(mark: Digit | None, said: tuple[str, float] | None, threshold: float) -> Digit | None:
    """The digit of a cell as the text has it; None where there is no ink."""
    if mark is None or said is None:
        return None if mark is None else replace(mark, accepted=False, doubt=NOT_A_DIGIT)
    label, probability = said
    if probability >= threshold:
        return replace(mark, label=label, probability=probability, accepted=True, doubt=None)
    doubt = mark.doubt or (f"{label} or {mark.label}" if label != mark.label else NOT_A_DIGIT)
    return replace(mark, label=label, probability=probability, accepted=False, doubt=doubt)
