"""A stand-in for the model that reads lines: what it says is written by hand."""

import numpy as np
import pytest

from inkwise.preprocessing.line_image import LineImage

MARGIN = 8  # columns left of a strip at which the first frame begins


class Scripted:
    """Says the same lattice of every strip: blank, but for one frame a digit."""

    name = "scripted"
    threshold = 0.5

    def __init__(self, *told, width=96):
        """Of a strip so wide, what is told at a column: (column, {digit: probability}); the rest is blank."""
        probabilities = np.zeros(((width + 2 * MARGIN) // 2, 11))
        for column, says in told:
            for digit, chance in says.items():
                probabilities[(column + MARGIN) // 2, int(digit) + 1] = chance
        probabilities[:, 0] = 1 - probabilities.sum(1)
        self.lattice = np.log(np.maximum(probabilities, 1e-9)).astype(np.float32)

    def run(self, strip):
        return self.lattice


@pytest.fixture
def scripted():
    """scripted((column, {digit: probability}), .., width=96) is a model that says so of every strip."""
    return Scripted


@pytest.fixture
def line():
    """line((x, y, w, h), .., width=96) is a Strip with bars, twice as large as the picture it comes from."""

    def line(*bars, width=96):
        ink = np.zeros((32, width), np.uint8)
        for x, y, w, h in bars:
            ink[y : y + h, x : x + w] = 255
        return LineImage(ink, left=100.0, top=50.0, scale=2.0)

    return line
