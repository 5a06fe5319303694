"""Glyphs that encode the answer, and a model that decodes it."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from inkwise.datasets import Dataset

CLASSES = tuple("0123456789")


class PixelModel:
    """Decodes pixel [0, 0], 1 + the answer, and [0, 1], its probability in percent."""

    labels = CLASSES
    threshold = 0.5

    def run(self, glyphs: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        probability = glyphs[:, 0, 1] / 100
        probabilities = np.repeat((1 - probability[:, None]) / 9, 10, axis=1)
        probabilities[np.arange(len(glyphs)), np.maximum(glyphs[:, 0, 0], 1) - 1] = probability
        return probabilities.astype(np.float32), np.zeros((len(glyphs), 4), np.float32)


def make(name: str, *samples: tuple[str, str, int]) -> Dataset:
    """Make a set of (true label, answer or "" for a glyph without ink, percent)."""
    glyphs = np.zeros((len(samples), 28, 28), np.uint8)
    for glyph, (_, answer, percent) in zip(glyphs, samples, strict=True):
        if answer:
            glyph[0, :2] = 1 + int(answer), percent
            glyph[8:20, 10:18] = 255
    return Dataset(name, glyphs, np.array([true for true, _, _ in samples]))


@pytest.fixture(name="make", scope="session")
def make_fixture() -> Callable[..., Dataset]:
    return make


@pytest.fixture(scope="session")
def model() -> PixelModel:
    return PixelModel()


@pytest.fixture(scope="session")
def mixed() -> Dataset:
    """Two right, two wrong, one without ink, one letter, one unlabelled."""
    return make(
        "mixed",
        ("1", "1", 99),
        ("2", "7", 60),
        ("", "3", 90),
        ("7", "1", 95),
        ("4", "", 0),
        ("x", "8", 50),
        ("8", "8", 80),
    )


@pytest.fixture(scope="session")
def perfect() -> Dataset:
    return make("perfect", *((digit, digit, 98) for digit in CLASSES))
