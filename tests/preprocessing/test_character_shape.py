"""Strokes of uneven width, and strokes that cross out a number."""

import cv2
import numpy as np
import pytest

from inkwise.preprocessing.character_shape import has_uneven_strokes, is_crossed_out


def stroke(height, slope, width=4):
    """Draw one straight stroke."""
    ink = np.zeros((height + 12, round(slope * height) + 12), np.uint8)
    cv2.line(ink, (6 + round(slope * height), 6), (6, 6 + height), 255, width)
    return ink


@pytest.mark.parametrize(("width", "uneven"), [(4, False), (10, True)])
def test_one_thick_character_is_uneven(width, uneven):
    assert has_uneven_strokes([stroke(40, 0.0), stroke(40, 0.2), stroke(40, 0.1, width)]) == uneven


def test_character_alone_is_even():
    assert not has_uneven_strokes([stroke(40, 0.0, 9)])
    assert not has_uneven_strokes([])


def number(digits=4):
    """Draw zeros of 24 x 32 pixels side by side."""
    ink = np.zeros((48, 20 + 30 * digits), np.uint8)
    for x in range(22, 22 + 30 * digits, 30):
        cv2.ellipse(ink, (x, 24), (10, 15), 0, 0, 360, 255, 3)
    return ink


@pytest.mark.parametrize(("start", "end"), [(24, 24), (8, 40), (40, 8), (30, 22)])
def test_straight_stroke_through_a_number_crosses_it_out(start, end):
    ink = number()
    assert not is_crossed_out(ink)
    cv2.line(ink, (10, start), (134, end), 255, 2)
    assert is_crossed_out(ink)


def test_stroke_through_one_digit_crosses_nothing_out():
    ink = number(1)
    cv2.line(ink, (5, 24), (45, 24), 255, 2)
    assert not is_crossed_out(ink)
    bar = number()
    cv2.line(bar, (10, 8), (60, 8), 255, 3)
    assert not is_crossed_out(bar)
