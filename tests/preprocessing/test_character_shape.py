"""Strokes of uneven width."""

import cv2
import numpy as np
import pytest

from inkwise.preprocessing import Character
from inkwise.preprocessing.character_shape import has_uneven_strokes


def stroke(x, height, slope, width=4):
    """Draw one straight stroke whose box begins at x."""
    ink = np.zeros((height + 12, round(slope * height) + 12), np.uint8)
    cv2.line(ink, (6 + round(slope * height), 6), (6, 6 + height), 255, width)
    return Character(ink, (x, 0, round(slope * height) + width, height + width))


@pytest.mark.parametrize(("width", "uneven"), [(4, False), (10, True)])
def test_one_thick_character_is_uneven(width, uneven):
    characters = [stroke(0, 40, 0.0), stroke(30, 40, 0.2), stroke(60, 40, 0.1, width)]
    assert has_uneven_strokes(characters) == uneven


def test_character_alone_is_even():
    assert not has_uneven_strokes([stroke(0, 40, 0.0, 9)])
    assert not has_uneven_strokes([])
