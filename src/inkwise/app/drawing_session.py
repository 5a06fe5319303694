"""State of a drawing that is read, corrected and kept, as the desktop window shows it."""

from __future__ import annotations

import re
import uuid

from inkwise._util.errors import InkwiseError
from inkwise._util.text import NOT_A_DIGIT, digits_of
from inkwise.app.answers import answer_of
from inkwise.corrections import LabelledAnswer
from inkwise.preprocessing import Strokes
from inkwise.recognition import Digit, Reading


class DrawingSession:
    """The reading of a drawing with its corrections.

    Attributes:
        reading: The newest reading, None if nothing has been read.
        selected: Index of the digit that a label is meant for: the first doubtful one, or the user's choice.
        single: Whether all strokes are one digit.
        corrections: Corrected labels by the strokes of their digits, so that they outlive the next reading;
            by -1 - index for digits that share a stroke.
    """

    def __init__(self) -> None:
        """Begin without a drawing."""
        self.reading: Reading | None = None
        self.selected = 0
        self.single = False
        self.corrections: dict[tuple[int, ...], str] = {}
        self._chosen = False  # whether the user chose the selected digit

    @property
    def digits(self) -> tuple[Digit, ...]:
        """The digits of the reading."""
        return () if self.reading is None else self.reading.digits

    @property
    def labels(self) -> list[str]:
        """The label of each digit, corrected or as it was read: "not a digit" if it was rejected."""
        return [
            self.corrections.get(self._key(index), answer_of(digit)[0])
            for index, digit in enumerate(self.digits)
        ]

    @property
    def reason(self) -> str:
        """Why the reading is empty or not accepted; empty if the only label says so."""
        reason = "" if self.reading is None else self.reading.reason or ""
        return "" if self.digits and reason == NOT_A_DIGIT else reason

    def show(self, reading: Reading) -> None:
        """Take a newer reading of the drawing."""
        self.reading = reading
        if not self._chosen or self.selected >= len(self.digits):
            self.selected = next((i for i, digit in enumerate(self.digits) if not digit.accepted), 0)

    def choose(self, index: int) -> None:
        """Select a digit; an index beyond the digits has no effect."""
        if 0 <= index < len(self.digits):
            self.selected, self._chosen = index, True

    def correct(self, label: str) -> bool:
        """Correct the selected digit and select the next; return whether it is the only one."""
        self.corrections[self._key(self.selected)] = label
        self.choose(min(self.selected + 1, len(self.digits) - 1))
        return len(self.digits) == 1

    def is_corrected(self, index: int) -> bool:
        """Whether the digit of this index has a corrected label."""
        return self._key(index) in self.corrections

    def correct_number(self, text: str) -> bool:
        """Correct all digits by the text of their number; return False if it is none of several digits.

        Raises:
            InkwiseError: The text has another number of digits.
        """
        if len(self.digits) < 2 or not re.fullmatch(r"\d[\d\s.,:/-]*\d", text, re.ASCII):
            return False
        number = digits_of(text)
        if len(number) != len(self.digits):
            read = f"but {len(self.digits)} were read: write them farther apart"
            raise InkwiseError(f"{number} has {len(number)} digits, {read}")
        self.corrections = {self._key(index): label for index, label in enumerate(number)}
        return True

    def join(self) -> None:
        """Read all strokes as one digit from now on."""
        self.single, self.corrections = True, {}

    def truncate(self, strokes: int) -> None:
        """Drop the corrections of strokes from this index on, which were undone."""
        self.corrections = {of: label for of, label in self.corrections.items() if 0 <= max(of) < strokes}

    def answers(self, strokes: Strokes) -> list[LabelledAnswer]:
        """Return each digit as an answer; `strokes` are those of the reading."""
        assert self.reading is not None
        labels, answers = iter(self.labels), []
        for number in self.reading.numbers:
            number_id = uuid.uuid4() if len(number.digits) > 1 else None
            for digit in number.digits:
                answer, probability = answer_of(digit)
                answers.append(
                    LabelledAnswer(
                        next(labels),
                        [strokes[i] for i in digit.strokes] if digit.strokes else None,
                        None if digit.strokes else digit.glyph,
                        answer=answer,
                        probability=probability,
                        model=self.reading.model,
                        number_id=number_id,
                    )
                )
        return answers

    def _key(self, index: int) -> tuple[int, ...]:
        """The key of a digit among the corrections."""
        return self.digits[index].strokes or (-1 - index,)
