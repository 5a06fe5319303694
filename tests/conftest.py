import cv2
import numpy as np
import pytest


@pytest.fixture
def pen():
    """Draw with a dark pen on light paper: pen([[(x, y), ..], ..]) gives an (H, W) uint8 picture."""

    def draw(strokes, size=(120, 120), width=7, ink=30, paper=230):
        picture = np.full(size, paper, np.uint8)
        for stroke in strokes:
            cv2.polylines(picture, [np.array(stroke, np.int32)[:, None]], False, ink, width, cv2.LINE_AA)
        return picture

    return draw


SEVEN = [[(30, 25), (85, 25), (55, 100)]]
ONE = [[(60, 20), (60, 100)]]
FOUR = [[(45, 20), (30, 65), (85, 65)], [(70, 40), (70, 100)]]


@pytest.fixture
def seven(pen):
    return pen(SEVEN)


@pytest.fixture
def number(pen):
    """A 7, a 1 and a 4 side by side."""
    return np.hstack([pen(strokes)[:, 20:95] for strokes in (SEVEN, ONE, FOUR)])
