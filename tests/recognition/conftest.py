"""A stand-in for the line model with scripted probabilities."""

import numpy as np
import pytest

from inkwise.preprocessing.line_image import LineImage
from inkwise.recognition.model import LINE_MARGIN


class ScriptedLineModel:
    """Returns the same lattice for every line image: blank, except for one frame per digit."""

    name = "scripted"
    threshold = 0.5

    def __init__(self, *digits, width=96):
        """Take (column, {digit: probability}) for each digit of a line image of this width."""
        probabilities = np.zeros(((width + 2 * LINE_MARGIN) // 2, 11))
        for column, labels in digits:
            for label, probability in labels.items():
                probabilities[(column + LINE_MARGIN) // 2, int(label) + 1] = probability
        probabilities[:, 0] = 1 - probabilities.sum(1)
        self.lattice = np.log(np.maximum(probabilities, 1e-9)).astype(np.float32)

    def run(self, image):
        return self.lattice


@pytest.fixture
def scripted():
    """scripted((column, {digit: probability}), .., width=96) is a model with these probabilities."""
    return ScriptedLineModel


@pytest.fixture
def line():
    """line((x, y, w, h), .., width=96) is a line image with bars, at twice the scale of its picture."""

    def line(*bars, width=96):
        ink = np.zeros((32, width), np.uint8)
        for x, y, w, h in bars:
            ink[y : y + h, x : x + w] = 255
        return LineImage(ink, left=100.0, top=50.0, scale=2.0)

    return line
