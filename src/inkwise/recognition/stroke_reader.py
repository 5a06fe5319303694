"""Pen strokes: every number of a drawing, by the readers of lines and of single digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inkwise._util.text import DIGITS, digits_of
from inkwise.preprocessing import Strokes, strokes_to_glyphs
from inkwise.preprocessing.line_image import LineImage, strokes_to_line_image
from inkwise.preprocessing.stroke_layout import find_stroke_numbers, split_letters
from inkwise.recognition.constraints import Constraint
from inkwise.recognition.digit_location import with_box_glyphs
from inkwise.recognition.digit_reader import DigitReader
from inkwise.recognition.number_reader import NOT_A_NUMBER, NumberReader
from inkwise.recognition.reading import NO_INK, Digit, Number, Reading

SURE_PROBABILITY = 0.98
"""Probability of one digit from which its strokes are not read as a line."""

_MIN_OWN_SHARE = 0.5  # share of its points in the only digit of a character, from which it belongs to it
_MIN_SHARED = 0.2  # share of the points of a character from which it is part of a digit
_BOX_MARGIN = 1  # columns of the line image around a digit that belong to it


@dataclass(frozen=True, eq=False)
class StrokeReader:
    """Reads the numbers of a drawing: a number of one digit as a digit, a longer one as a line."""

    digits: DigitReader
    numbers: NumberReader

    def read(self, strokes: Strokes) -> Reading:
        """Read strokes: lines from the top, numbers from the left.

        If the reading is not accepted, strokes that stand right above one another are also read as lines of
        their own, and two numbers, such as the parts of a 5, as one digit.
        """
        layout = find_stroke_numbers(strokes, stacked=True)
        reading = self._read_layout(strokes, layout)
        if reading.accepted:
            return reading
        if len(reading) == 2 and (digit := self.digits.read_strokes(strokes, single=True)).accepted:
            return digit
        if (other := find_stroke_numbers(strokes, stacked=False)) == layout:
            return reading
        return max(reading, self._read_layout(strokes, other), key=lambda found: found.confidence)

    def read_number(self, strokes: Strokes, constraint: Constraint | None = None) -> Reading:
        """Read strokes as one number.

        If the characters that stand apart, read one by one, are accepted and give the same text, its digits
        are theirs.
        """
        image = strokes_to_line_image(strokes)
        if image is None:
            return self.numbers.to_reading(None, (), constraint)
        spelled = self.digits.read_strokes(strokes, single=False)
        line = self.numbers.read_line(image.ink, constraint, _digit_probabilities(spelled.digits))
        if (
            constraint is None
            and line.text
            and line.reason is None
            and spelled.accepted
            and (spelled.text == digits_of(line.text))
        ):
            number = replace(spelled.numbers[0], text=line.text, confidence=line.probability)
            return Reading.from_numbers([number], model=self.numbers.model.name, reason=None)
        digits = _assign_strokes(line.locate(), image, strokes, spelled.digits)
        return self.numbers.to_reading(line, digits, constraint)

    def _read_layout(self, strokes: Strokes, layout: list[list[list[int]]]) -> Reading:
        numbers = [
            replace(self._read_number(strokes, indices), line=line)
            for line, found in enumerate(layout)
            for indices in found
        ]
        return Reading.from_numbers(numbers, model=self.digits.model.name, reason=_rejection_reason(numbers))

    def _read_number(self, strokes: Strokes, indices: list[int]) -> Number:
        """Read some strokes: as one digit, or as a line of several if that is more probable.

        A model that reads letters reads the strokes between wide gaps so, one after the other.
        """
        own = [strokes[index] for index in indices]
        if self.digits.model.reads_letters and len(parts := split_letters(own)) > 1:
            read = [self._read_number(strokes, [indices[index] for index in part]) for part in parts]
            return Number.from_digits(tuple(digit for number in read for digit in number.digits))
        (number,) = self.digits.read_strokes(own, single=True).numbers
        line = None if number.confidence >= SURE_PROBABILITY else self._read_line(own)
        if line is not None and (not number.accepted or line.confidence > number.confidence):
            number = line
        digits = tuple(
            replace(digit, strokes=tuple(sorted(indices[index] for index in digit.strokes or ())))
            for digit in number.digits
        )
        return replace(number, digits=digits)

    def _read_line(self, strokes: Strokes) -> Number | None:
        """Read strokes of several characters; None if they seem to be one digit.

        The reader of lines knows the ten digits and separators. Labels that were added are read one by one,
        and so are the characters of a line with a letter among them, which it would leave out of the text.
        """
        digits = self.digits
        spelled = digits.read_strokes(strokes, single=False)
        added = any(digit.accepted and digit.label not in DIGITS for digit in spelled.digits)
        if added or digits.model.reads_letters or not {*digits.labels} >= {*DIGITS}:
            return spelled.numbers[0]
        reading = self.read_number(strokes)
        if not reading.accepted and _has_more(spelled, reading):
            return spelled.numbers[0]
        several = len(reading.text) > 1 and (reading.accepted or len(spelled.digits) > 1)
        return reading.numbers[0] if several else None


def _has_more(spelled: Reading, line: Reading) -> bool:
    """Whether the characters are the digits of a line without separators, and others beside them."""
    if len(spelled.digits) <= len(line.digits) or not {*line.text} <= {*DIGITS, "?"}:
        return False
    known = "".join(digit.label for digit in spelled.digits if digit.accepted)
    return line.reason == NOT_A_NUMBER or known == "".join(digit.label for digit in line.digits)


def _rejection_reason(numbers: Sequence[Number]) -> str | None:
    if not numbers:
        return NO_INK
    if len(numbers) == 1:
        return numbers[0].reason
    doubtful = sum(not number.accepted for number in numbers)
    return f"{doubtful} of {len(numbers)} numbers not sure enough to be accepted" if doubtful else None


def _digit_probabilities(digits: Sequence[Digit]) -> NDArray[np.float32]:
    """Return the probabilities (n, 10) of the ten digits; 0 for a digit that is not among the labels."""
    rows = [dict(digit.alternatives) for digit in digits]
    ten = [row.get(label, 0.0) for row in rows for label in DIGITS]
    return np.array(ten, np.float32).reshape(-1, len(DIGITS))


def _assign_strokes(
    digits: tuple[Digit, ...], image: LineImage, strokes: Strokes, characters: Sequence[Digit]
) -> tuple[Digit, ...]:
    """Assign the strokes of each character to the digit in whose box its points lie, and draw its glyph.

    Digits that share a character have no strokes and keep the glyph of their boxes. A character between the
    digits, such as a dash, belongs to none.
    """
    arrays = [np.asarray(stroke, np.float64) for stroke in strokes]
    boxes = np.array([digit.box for digit in digits]).reshape(-1, 4)
    lefts, rights = boxes[:, 0] - _BOX_MARGIN, boxes[:, 0] + boxes[:, 2] + _BOX_MARGIN
    owned: list[list[int]] = [[] for _ in digits]
    shared: set[int] = set()
    glyphs = {}
    for character in characters:
        group = character.strokes or ()
        glyphs[tuple(sorted(group))] = character.glyph
        x = np.concatenate([arrays[index][:, 0] for index in group])
        columns = (x[:, None] - image.left) * image.scale
        shares = ((columns >= lefts) & (columns <= rights)).mean(0)
        parts = np.flatnonzero(shares >= _MIN_SHARED).tolist()
        if len(parts) > 1:
            shared.update(parts)
        elif parts and shares[parts[0]] >= _MIN_OWN_SHARE:
            owned[parts[0]] += group
    assigned = []
    for index, (digit, own) in enumerate(zip(digits, owned, strict=True)):
        alone = () if index in shared else tuple(sorted(own))
        if not alone:
            glyph = with_box_glyphs([digit], image.ink)[0].glyph
        elif (known := glyphs.get(alone)) is not None:
            glyph = known
        else:
            (glyph,) = strokes_to_glyphs([[arrays[stroke] for stroke in alone]])
        assigned.append(replace(digit, box=None, strokes=alone, glyph=glyph))
    return tuple(assigned)
