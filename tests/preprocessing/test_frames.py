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


def comb(picture, digit, cells=4, wall=2, dark=1):
    """A row of cells of 60 x 60 pixels with the same strokes in each, relative to its centre."""
    for x in range(20, 20 + 60 * cells, 60):
        cv2.polylines(picture, [digit + np.array([x + 30, 50])], False, 1 if dark == 1 else 30, 4)
        cv2.rectangle(picture, (x, 20), (x + 60, 80), dark, wall)


def test_digits_that_divide_their_cells_stay():
    ink, alone = np.zeros((2, 100, 300), np.uint8)
    stem = np.array([(-6, -30), (4, 30)])
    comb(ink, stem)
    for x in range(20, 260, 60):
        cv2.polylines(alone, [stem + np.array([x + 30, 50])], False, 1, 4)
    walls, cells = find_frames(ink)
    assert len(cells) == 4
    assert (walls & alone).sum() < 0.25 * alone.sum()
    assert walls[50, 80]
    assert walls[20, 35]


def test_cell_that_a_bar_cuts_off_is_completed():
    ink = np.zeros((100, 300), np.uint8)
    comb(ink, np.array([(0, -10), (0, 10)]))
    bar = np.zeros_like(ink)
    cv2.line(bar, (20, 36), (80, 36), 1, 4)
    walls, cells = find_frames(ink | bar)
    assert sorted(cells[:, 3])[0] > 50
    assert not walls[36, 30:70].any()


def test_pale_boxes_around_dark_digits_are_found():
    picture = paper(400, 400)
    comb(picture, SEVEN, dark=185)
    found = remove_ruling_lines(picture)
    assert len(found.cells) == 4
    assert not found.ink[40:60, 78:83].any()


@pytest.mark.parametrize("ink", [70, 130])
def test_ink_over_the_crossings_of_squared_paper_stays(ink):
    picture = paper(300, 300)
    for at in range(10, 300, 20):
        picture[at : at + 2] = np.minimum(picture[at : at + 2], 200)
        picture[:, at : at + 2] = np.minimum(picture[:, at : at + 2], 200)
    stroke = np.zeros_like(picture)
    cv2.line(stroke, (90, 80), (211, 211), 1, 9)
    picture[stroke > 0] = ink
    found = remove_ruling_lines(picture).ink
    assert (found & stroke).sum() > 0.97 * stroke.sum()
    assert (found & ~cv2.dilate(stroke, np.ones((5, 5), np.uint8))).sum() == 0


def test_shorter_rules_of_squared_paper_are_removed():
    picture = paper(400, 300)
    for number, at in enumerate(range(10, 400, 20)):
        cv2.line(picture, (0, at), (299 if number % 4 else 190, at), 190, 2)
        cv2.line(picture, (at, 0), (at, 399), 190, 2)
    digit = np.zeros_like(picture)
    seven(digit, 150, 200, 1, 5)
    picture[digit > 0] = 30
    ink = remove_ruling_lines(picture).ink
    assert (ink & digit).sum() > 0.9 * digit.sum()
    assert (ink & ~cv2.dilate(digit, np.ones((7, 7), np.uint8))).sum() == 0


def test_frames_on_a_sheet_with_dark_edges_are_found():
    picture = paper(800, 600)
    for y in range(60, 700, 90):
        for x in (60, 330):
            cv2.rectangle(picture, (x, y), (x + 200, y + 50), 60, 2)
            seven(picture, x + 30, y + 25, 40)
    cv2.rectangle(picture, (3, 3), (596, 796), 60, 2)  # the edges of the sheet
    found = remove_ruling_lines(picture)
    assert len(found.cells) >= 16
    assert found.ink[62:110, 258:266].sum() == 0
