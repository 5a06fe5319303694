"""A stand-in for the line model with scripted probabilities."""

import numpy as np
import pytest

from inkwise._util.text import DIGITS
from inkwise.preprocessing.line_image import LineImage
from inkwise.recognition.model import FRAME_COLUMNS


class ScriptedLineModel:
    """Returns the same lattice for every line image: blank, except for one frame per symbol."""

    name = "scripted"
    threshold = 0.5

    def __init__(self, *marks, width=96, symbols=DIGITS):
        """Take (column, {symbol: probability}) for each symbol of a line image of this width."""
        self.symbols = symbols
        probabilities = np.zeros((width // FRAME_COLUMNS, 1 + len(symbols)))
        for column, labels in marks:
            frame = min(max(column // FRAME_COLUMNS - 1, 0), len(probabilities) - 1)
            for label, probability in labels.items():
                probabilities[frame, symbols.index(label) + 1] = probability
        probabilities[:, 0] = 1 - probabilities.sum(1)
        self.lattice = np.log(np.maximum(probabilities, 1e-9)).astype(np.float32)

    def run(self, image):
        return self.lattice


@pytest.fixture
def scripted():
    """scripted((column, {symbol: probability}), .., width=96) is a model with these probabilities."""
    return ScriptedLineModel


@pytest.fixture
def line():
    """line((x, y, w, h), .., width=96) is a line image with bars, at twice the scale of its picture."""

    def line(*bars, width=96):
        ink = np.zeros((48, width), np.uint8)
        for x, y, w, h in bars:
            ink[y : y + h, x : x + w] = 255
        return LineImage(ink, left=100.0, top=50.0, scale=2.0)

    return line
