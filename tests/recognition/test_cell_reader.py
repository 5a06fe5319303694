"""Numbers in cells: each cell is read, or the reason says why it is not."""

from types import SimpleNamespace

import numpy as np
import pytest

from inkwise.recognition import Digit
from inkwise.recognition.cell_reader import CellReader
from inkwise.recognition.constraints import Constraint
from inkwise.recognition.reading import NO_INK

GLYPH = np.zeros((28, 28), np.uint8)


class ScriptedDigits:
    """Reads a cell of shade n as the n-th of its answers: probabilities by digit."""

    model = SimpleNamespace(name="cells", threshold=0.9)

    def __init__(self, *answers):
        self.answers = answers

    def main_digit(self, cell):
        alternatives = sorted(self.answers[cell[0, 0]].items(), key=lambda item: -item[1])
        if not alternatives:
            return None
        label, probability = alternatives[0]
        accepted = probability >= 0.9
        doubt = None if accepted else "?"
        return Digit(label, probability, accepted, doubt, tuple(alternatives), None, None, GLYPH)


def read(*answers, constraint=None):
    """Read cells with these answers; None is an empty cell."""
    cells = [
        None if answer is None else np.full((8, 8), index, np.uint8) for index, answer in enumerate(answers)
    ]
    return CellReader(ScriptedDigits(*answers)).read(cells, constraint)


ONE, TWO, SEVEN = ({digit: 0.99} for digit in "127")
UNSURE = {"1": 0.6, "7": 0.39}
NONE = {"1": 0.1}


def test_confident_digits_are_accepted_including_equal_neighbours():
    reading = read(None, ONE, ONE, TWO, None)
    assert (reading.text, reading.accepted, reading.reason) == ("112", True, None)
    assert reading.confidence == pytest.approx(0.99**3, rel=1e-3)
    assert reading.unconstrained is None
    assert [digit.label for digit in reading.digits] == ["1", "1", "2"]


def test_doubtful_digit_is_marked():
    reading = read(TWO, UNSURE)
    assert (reading.text, reading.accepted) == ("2?", False)
    assert reading.reason == "not sure of the whole: 21 with 59.4%, below 90.0%"


@pytest.mark.parametrize(
    ("answers", "text", "reason"),
    [
        ([None, None], "", NO_INK),
        ([ONE, None, TWO], "1?2", "cell 2 is empty between others"),
        ([ONE, {}, TWO], "1?2", "cell 2 is empty between others"),
        ([ONE, NONE, TWO], "1?2", "cell 2: not a digit"),
        ([ONE, TWO, NONE], "12?", "cell 3: not a digit"),
        ([NONE], "?", "not a digit"),
    ],
)
def test_empty_and_unread_cells_are_reported(answers, text, reason):
    reading = read(*answers)
    assert (reading.text, reading.accepted, reading.reason) == (text, False, reason)
    assert reading.confidence == 0


def test_constraint_decides_and_unconstrained_text_is_kept():
    reading = read(TWO, UNSURE, constraint=Constraint(vocabulary=("27", "31")))
    assert (reading.text, reading.accepted, reading.unconstrained) == ("27", True, "21")


def test_text_forced_by_constraint_is_rejected():
    reading = read(ONE, TWO, constraint=Constraint(vocabulary=("77",)))
    assert (reading.accepted, reading.unconstrained) == (False, "12")
    assert reading.reason == "the ink says 12, which the constraint rules out"
