"""Digits in cells, one each, become one number."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inkwise._util.text import DIGITS, NOT_A_DIGIT
from inkwise.recognition.constraints import UNCONSTRAINED, Constraint, decode_constrained
from inkwise.recognition.ctc.alignment import Lattice, symbol_posteriors, viterbi_alignment
from inkwise.recognition.line_reader import LineReading
from inkwise.recognition.number_reader import line_rejection_reason
from inkwise.recognition.reading import NO_INK, Digit, Reading
from inkwise.recognition.recognizer import Recognizer

_MIN_PROBABILITY = 1e-9  # in place of a probability of 0


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
    marks = [None if cell is None else _read_cell(recognizer, cell) for cell in cells]
    lattice = _cells_to_lattice(marks)
    free = decode_constrained(lattice, DIGITS, UNCONSTRAINED)
    chosen = free if constraint is None else decode_constrained(lattice, DIGITS, constraint)
    line = LineReading(chosen.text, chosen.probability, chosen.support, free.text or "", ())
    said = _digit_posteriors(lattice, line.text or "")
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
        reason = line_rejection_reason(line, recognizer.model.threshold)
    least = 0.0 if reason is None else recognizer.model.threshold
    digits = [_make_digit(marks[place], said.get(place), least) for place in within]
    return Reading(
        text="".join("?" if digit is None or not digit.accepted else digit.label for digit in digits),
        confidence=line.probability if all(place in said for place in within) and inked else 0.0,
        accepted=reason is None,
        digits=tuple(digit for digit in digits if digit is not None),
        reason=reason,
        model=recognizer.model.name,
        elapsed_ms=1000 * (time.perf_counter() - began),
        unconstrained=None if constraint is None else line.unconstrained,
    )


def _read_cell(recognizer: Recognizer, cell: NDArray[np.uint8]) -> Digit | None:
    return next(iter(recognizer.read_digit(cell).digits), None)


def _cells_to_lattice(digits: Sequence[Digit | None]) -> Lattice:
    """A frame for each cell, and one of paper between cells, so that equal digits stay two: (2 k + 1, 11)."""
    frames = np.full((2 * len(digits) + 1, 1 + len(DIGITS)), _MIN_PROBABILITY)
    frames[:, 0] = 1
    for mark, frame in zip(digits, frames[1::2], strict=True):
        if mark is not None:
            for label, probability in mark.alternatives:
                if label in DIGITS:
                    frame[1 + DIGITS.index(label)] = max(probability, _MIN_PROBABILITY)
            frame[0] = max(1 - frame[1:].sum(), _MIN_PROBABILITY)
    return np.asarray(np.log(frames), np.float32)


def _digit_posteriors(lattice: Lattice, text: str) -> dict[int, tuple[str, float]]:
    """By its cell, each digit of a text, and its probability given all others."""
    if not text:
        return {}
    columns = np.array([DIGITS.index(digit) + 1 for digit in text])
    places = [first // 2 for first, _ in viterbi_alignment(lattice, columns)]
    chances = symbol_posteriors(lattice, columns)[np.arange(len(text)), columns - 1].tolist()
    return dict(zip(places, zip(text, chances, strict=True), strict=True))


def _make_digit(digit: Digit | None, posterior: tuple[str, float] | None, threshold: float) -> Digit | None:
    """The digit of a cell as the text has it; None where there is no ink."""
    if digit is None or posterior is None:
        return None if digit is None else replace(digit, accepted=False, doubt=NOT_A_DIGIT)
    label, probability = posterior
    if probability >= threshold:
        return replace(digit, label=label, probability=probability, accepted=True, doubt=None)
    doubt = digit.doubt or (f"{label} or {digit.label}" if label != digit.label else NOT_A_DIGIT)
    return replace(digit, label=label, probability=probability, accepted=False, doubt=doubt)
