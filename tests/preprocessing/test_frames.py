"""Frames and boxes around digits are removed; digits with corners and loops are not."""

import cv2
import numpy as np
import pytest

from inkwise.preprocessing.frames import find_frames
from inkwise.preprocessing.ruling_lines import remove_ruling_lines

SEVEN = np.array([(-12, -20), (12, -20), (-4, 22)])


def seven(picture, x, y, ink=1, width=4):
    cv2.polylines(picture, [SEVEN + np.array([x, y])], False, ink, width)


@pytest.mark.parametrize("thickness", [1, 3, 7])
def test_frame_around_a_digit_is_found(thickness):
    ink = np.zeros((160, 160), np.uint8)
    seven(ink, 80, 80)
    digit = ink.copy()
    cv2.rectangle(ink, (30, 30), (130, 130), 1, thickness)
    walls, cells = find_frames(ink)
    assert len(cells) == 1
    assert not (walls & digit).any()
    assert not (ink & ~walls & ~digit).any()


def test_empty_cells_of_a_comb_are_found_beside_filled_ones():
    ink = np.zeros((100, 340), np.uint8)
    for x in range(20, 320, 60):
        cv2.rectangle(ink, (x, 20), (x + 60, 80), 1, 2)
    walls = ink.copy()
    seven(ink, 50, 50)
    found, cells = find_frames(ink)
    assert len(cells) == 5
    assert (found & walls).sum() > 0.95 * walls.sum()


@pytest.mark.parametrize("size", [(30, 50), (60, 60)])
def test_rectangle_without_content_is_a_zero(size):
    ink = np.zeros((120, 120), np.uint8)
    cv2.rectangle(ink, (20, 20), (20 + size[0], 20 + size[1]), 1, 5)
    walls, cells = find_frames(ink)
    assert not walls.any()
    assert not len(cells)


def paper(height, width):
    return np.full((height, width), 235, np.uint8)


@pytest.mark.parametrize("thickness", [1, 3])
@pytest.mark.parametrize("dark", [40, 150])
def test_ruling_lines_of_a_small_picture_are_removed(thickness, dark):
    picture = paper(160, 260)
    seven(picture, 130, 80, 30, 5)
    alone = remove_ruling_lines(picture).ink
    for y in range(20, 160, 30):
        cv2.line(picture, (0, y), (259, y), dark, thickness)
    ink = remove_ruling_lines(picture).ink
    assert (ink & alone).sum() > 0.85 * alone.sum()
    assert (ink & ~alone).sum() < 0.2 * alone.sum()


def test_rule_along_the_border_of_a_cell_is_removed():
    picture = paper(120, 120)
    seven(picture, 60, 60, 30, 5)
    alone = remove_ruling_lines(picture).ink
    picture[112:115] = 60
    picture[:, 3:6] = 60
    ink = remove_ruling_lines(picture).ink
    assert (ink & ~alone).sum() < 0.05 * alone.sum()


@pytest.mark.parametrize("points", [[(60, 10), (58, 110)], [(20, 15), (100, 15), (60, 110)]], ids=["1", "7"])
def test_long_straight_strokes_of_a_digit_stay(points):
    picture = paper(120, 120)
    cv2.polylines(picture, [np.array(points)], False, 30, 3)
    assert (remove_ruling_lines(picture).ink & (picture < 100)).sum() > 0.9 * (picture < 100).sum()
