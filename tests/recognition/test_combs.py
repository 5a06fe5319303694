"""Cells become a number: nothing is left out in silence."""

from types import SimpleNamespace

import numpy as np
import pytest

from inkwise.recognition import Digit
from inkwise.recognition.cells import read_cells
from inkwise.recognition.constraints import Constraint
from inkwise.recognition.reading import NO_INK

GLYPH = np.zeros((28, 28), np.uint8)


class Cells:
    """Reads a cell of shade n as the n-th of its answers: probabilities by digit."""

    model = SimpleNamespace(name="cells", threshold=0.9)

    def __init__(self, *answers):
        self.answers = answers

    def read_digit(self, cell):
        says = sorted(self.answers[cell[0, 0]].items(), key=lambda item: -item[1])
        if not says:
            return SimpleNamespace(digits=())
        label, chance = says[0]
        accepted = chance >= 0.9
        digit = Digit(label, chance, accepted, None if accepted else "?", tuple(says), None, None, GLYPH)
        return SimpleNamespace(digits=(digit,))


def read(*answers, known=None):
    """Read cells that answer so; None is an empty one."""
    cells = [None if says is None else np.full((8, 8), place, np.uint8) for place, says in enumerate(answers)]
    return read_cells(Cells(*answers), cells, known)


ONE, TWO, SEVEN = ({digit: 0.99} for digit in "127")
UNSURE = {"1": 0.6, "7": 0.39}
NONE = {"1": 0.1}


def test_sure_digits_are_accepted_equal_neighbours_too():
    reading = read(None, ONE, ONE, TWO, None)
    assert (reading.text, reading.accepted, reading.reason) == ("112", True, None)
    assert reading.confidence == pytest.approx(0.99**3, rel=1e-3)
    assert reading.unconstrained is None
    assert [digit.label for digit in reading.digits] == ["1", "1", "2"]


def test_a_digit_that_is_not_sure_is_marked():
    reading = read(TWO, UNSURE)
    assert (reading.text, reading.accepted) == ("2?", False)
    assert reading.reason == "not sure of the whole: 21 with 59%"


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
def test_nothing_is_left_out_in_silence(answers, text, reason):
    reading = read(*answers)
    assert (reading.text, reading.accepted, reading.reason) == (text, False, reason)
    assert reading.confidence == 0


def test_what_is_known_decides_and_the_free_reading_stands_beside_it():
    reading = read(TWO, UNSURE, known=Constraint(vocabulary=("27", "31")))
    assert (reading.text, reading.accepted, reading.unconstrained) == ("27", True, "21")


def test_a_text_is_not_forced_on_ink_that_says_another():
    reading = read(ONE, TWO, known=Constraint(vocabulary=("77",)))
    assert (reading.accepted, reading.unconstrained) == (False, "12")
    assert reading.reason == "the ink says 12, which the constraint rules out"
