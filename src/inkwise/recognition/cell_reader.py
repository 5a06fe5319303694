"""Cells: a number of which each cell holds one digit or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inkwise._util.text import DIGITS, NOT_A_DIGIT
from inkwise.recognition.constraints import Constraint
from inkwise.recognition.ctc.decoding import (
    Lattice,
    decode,
    symbol_posteriors,
    text_columns,
    viterbi_alignment,
)
from inkwise.recognition.digit_reader import DigitReader
from inkwise.recognition.number_reader import text_rejection_reason
from inkwise.recognition.reading import NO_INK, Digit, Number, Reading, digits_text

_MIN_PROBABILITY = 1e-9  # in place of a probability of 0


@dataclass(frozen=True, eq=False)
class CellReader:
    """Reads the cells of a number with the reader of single digits."""

    digits: DigitReader

    def read(
        self, cells: Sequence[NDArray[np.uint8] | None], constraint: Constraint | None = None
    ) -> Reading:
        """Read cells from the left: pictures (h, w) uint8, None for one without ink.

        Cells before and after the number may be empty, those within it may not.
        """
        found = [None if cell is None else self.digits.main_digit(cell) for cell in cells]
        lattice = _cells_to_lattice(found)
        free = chosen = decode(lattice, DIGITS)
        if constraint is not None:
            chosen = constraint.decode(lattice, DIGITS)
        unconstrained, posteriors = free.text or "", _digit_posteriors(lattice, chosen.text or "")
        inked = [index for index, digit in enumerate(found) if digit is not None]
        number = range(inked[0], inked[-1] + 1) if inked else range(0)
        threshold = self.digits.model.threshold
        reason: str | None
        if not inked:
            reason = NO_INK
        elif empty := [index for index in number if found[index] is None]:
            reason = f"cell {empty[0] + 1} is empty between others"
        elif chosen.text and (unread := [index for index in inked if index not in posteriors]):
            reason = f"cell {unread[0] + 1}: {NOT_A_DIGIT}"
        else:
            reason = text_rejection_reason(chosen, unconstrained, threshold)
        min_probability = 0.0 if reason is None else threshold
        digits = [_update_digit(found[index], posteriors.get(index), min_probability) for index in number]
        confidence = chosen.probability if inked and all(index in posteriors for index in number) else 0.0
        # boxes within the cells would be none of one picture
        present = tuple(replace(digit, box=None) for digit in digits if digit is not None)
        return Reading.from_numbers(
            [Number(digits_text(digits), confidence, reason, present)] if present else [],
            model=self.digits.model.name,
            reason=reason,
            unconstrained=None if constraint is None else unconstrained,
        )


def _cells_to_lattice(digits: Sequence[Digit | None]) -> Lattice:
    """Make a frame for each of k cells, with blank frames around them: (2 k + 1, 11)."""
    frames = np.full((2 * len(digits) + 1, 1 + len(DIGITS)), _MIN_PROBABILITY)
    frames[:, 0] = 1
    for digit, frame in zip(digits, frames[1::2], strict=True):
        if digit is not None:
            for label, probability in digit.alternatives:
                if label in DIGITS:
                    frame[1 + DIGITS.index(label)] = max(probability, _MIN_PROBABILITY)
            frame[0] = max(1 - frame[1:].sum(), _MIN_PROBABILITY)
    return np.asarray(np.log(frames), np.float32)


def _digit_posteriors(lattice: Lattice, text: str) -> dict[int, tuple[str, float]]:
    """Return the digits of a text by their cells, with their probabilities given all others."""
    if not text:
        return {}
    columns = text_columns(text, DIGITS)
    cells = [first // 2 for first, _ in viterbi_alignment(lattice, columns)]
    posteriors = symbol_posteriors(lattice, columns)[np.arange(len(text)), columns - 1].tolist()
    return dict(zip(cells, zip(text, posteriors, strict=True), strict=True))


def _update_digit(
    digit: Digit | None, posterior: tuple[str, float] | None, min_probability: float
) -> Digit | None:
    """Return the digit of a cell with its label and probability in the text."""
    if digit is None or posterior is None:
        return None if digit is None else replace(digit, accepted=False, doubt=NOT_A_DIGIT)
    label, probability = posterior
    accepted = probability >= min_probability
    doubt = digit.doubt or (f"{label} or {digit.label}" if label != digit.label else NOT_A_DIGIT)
    return replace(
        digit, label=label, probability=probability, accepted=accepted, doubt=None if accepted else doubt
    )
