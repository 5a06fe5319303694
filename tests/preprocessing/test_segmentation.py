"""Segmentation: components that form a digit, excluded components, and reading order."""

from itertools import chain

import cv2
import numpy as np
import pytest

from inkwise.preprocessing import (
    characters_to_glyphs,
    lone_character,
    main_character,
    segment_characters,
    to_glyphs,
)


def boxes(lines):
    return [[character.box for character in line] for line in lines]


@pytest.fixture
def five():
    """A 5 (120, 120) whose bar is detached."""
    ink = np.zeros((120, 120), np.uint8)
    body = [(45, 30), (45, 55), (75, 58), (78, 80), (60, 95), (40, 88)]
    cv2.polylines(ink, [np.array(body)[:, None]], False, 255, 6)
    cv2.line(ink, (56, 26), (84, 22), 255, 6)
    assert cv2.connectedComponents(ink)[0] == 3
    return ink


def test_lone_character_is_the_main_one_of_one_component(marks):
    ink = marks((60, 60), (20, 10, 12, 30))
    lone, main = lone_character(ink), main_character(ink)
    assert lone.box == main.box == (20, 10, 12, 30)
    np.testing.assert_array_equal(lone.ink, main.ink)
    assert lone_character(marks((60, 60), (20, 10, 12, 30), (40, 10, 12, 30))) is None


def test_no_character_without_ink():
    empty = np.zeros((40, 60), np.uint8)
    assert main_character(empty) is None
    assert lone_character(empty) is None
    assert segment_characters(empty) == []
    assert main_character(np.full((40, 60), 127, np.uint8)) is None, "below the edge of ink"


def test_pale_mark_beside_a_character_is_no_lone_character(marks):
    ink = marks((60, 80), (10, 10, 20, 40))
    assert lone_character(ink) is not None
    ink[20:40, 50:60] = 90
    assert lone_character(ink) is None


def test_detached_bar_belongs_to_five(five):
    for character in (main_character(five), segment_characters(five)[0][0]):
        assert character.box == cv2.boundingRect(five)
        assert (character.ink > 0).sum() == (five > 0).sum()


def test_broken_stroke_is_joined(marks):
    in_the_middle = marks((120, 60), (26, 10, 6, 44), (26, 60, 6, 44))
    assert main_character(in_the_middle).box == (26, 10, 6, 94)
    near_the_top = marks((120, 60), (26, 10, 6, 18), (26, 34, 6, 70))
    assert main_character(near_the_top).box == (26, 10, 6, 94)
    # Halves of equal size would be two digits on two lines.
    assert boxes(segment_characters(near_the_top)) == [[(26, 10, 6, 94)]]


def test_character_contains_its_own_ink_only(marks):
    ink = marks((40, 60), (5, 5, 6, 30), (20, 5, 6, 30))
    left, right = segment_characters(ink)[0]
    assert (left.ink >= 128).sum() == (right.ink >= 128).sum() == 6 * 30
    np.testing.assert_array_equal(to_glyphs(left.ink[None]), to_glyphs(right.ink[None]))


def test_main_character_keeps_soft_edge(marks):
    soft = cv2.GaussianBlur(marks((60, 60), (20, 10, 8, 40)), (0, 0), 1)
    ink = main_character(soft).ink
    assert ((ink > 0) & (ink < 128)).any()
    assert ink.max() == soft.max()


def test_specks_are_excluded(marks):
    digit, specks = (50, 20, 8, 60), [(5, 5, 2, 2), (100, 90, 3, 2), (70, 40, 1, 1), (20, 100, 2, 3)]
    for box in [*specks, *[(x, 110, 1, 1) for x in range(0, 120, 7)]]:
        ink = marks((120, 120), digit, box)
        assert main_character(ink).box == digit
        assert boxes(segment_characters(ink)) == [[digit]]


def test_main_character_excludes_blot(marks):
    digit = (50, 20, 10, 60)
    assert main_character(marks((120, 120), digit, (64, 40, 4, 5))).box == digit


def test_segment_characters_excludes_scratch(marks):
    digit = (50, 20, 30, 60)
    assert boxes(segment_characters(marks((120, 120), digit, (60, 92, 1, 12)))) == [[digit]]


@pytest.mark.parametrize(
    "line",
    [(0, 100, 120, 3), (0, 4, 120, 3), (0, 0, 120, 4), (2, 0, 3, 120), (116, 0, 4, 120)],
    ids=["below", "above", "along the top", "at the left", "at the right"],
)
def test_main_character_excludes_ruling_line(five, marks, line):
    assert main_character(np.maximum(five, marks((120, 120), line))).box == cv2.boundingRect(five)


def test_main_character_excludes_thick_line(marks):
    digit = (55, 20, 8, 40)
    assert main_character(marks((120, 120), digit, (4, 90, 112, 9))).box == digit


def test_main_character_excludes_neighbour_at_border(five, marks):
    for neighbour in ((110, 20, 10, 70), (92, 10, 28, 100)):
        assert main_character(np.maximum(five, marks((120, 120), neighbour))).box == cv2.boundingRect(five)


def test_main_character_accepts_only_digit_at_border(marks):
    assert main_character(marks((60, 30), (0, 0, 5, 60))).box == (0, 0, 5, 60)


def test_main_character_accepts_only_dash(marks):
    assert main_character(marks((60, 60), (2, 28, 56, 4))).box == (2, 28, 56, 4)


def test_segment_characters_in_reading_order(marks):
    first = [(10, 12, 8, 40), (40, 8, 8, 42), (70, 14, 8, 38)]
    second = [(5, 80, 8, 40), (60, 76, 8, 40)]
    third = [(30, 140, 8, 40)]
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(first + second + third).tolist()
    assert boxes(segment_characters(marks((200, 100), *shuffled))) == [first, second, third]


def test_segment_characters_keeps_climbing_line_together(marks):
    climbing = [(10 + 25 * i, 60 - 4 * i, 8, 40) for i in range(6)]
    assert boxes(segment_characters(marks((120, 170), *climbing))) == [climbing]


def test_segment_characters_separates_digits_of_different_size(marks):
    line = [(10, 10, 8, 60), (40, 30, 8, 30), (70, 12, 8, 58)]
    assert boxes(segment_characters(marks((90, 100), *line))) == [line]


def test_segment_characters_separates_stacked_digits(marks):
    column = [(20, 10, 10, 40), (20, 60, 10, 40)]
    assert boxes(segment_characters(marks((120, 50), *column))) == [[column[0]], [column[1]]]


def test_segment_characters_excludes_decimal_point(marks):
    assert boxes(segment_characters(marks((80, 100), (10, 10, 8, 60), (40, 62, 6, 6), (70, 10, 8, 60)))) == [
        [(10, 10, 8, 60), (70, 10, 8, 60)]
    ]


def test_box_is_bounding_box_of_ints(five):
    x, y, w, h = main_character(five).box
    assert all(type(number) is int for number in (x, y, w, h))
    assert (five[y : y + h, x : x + w] > 0).sum() == (five > 0).sum()


def test_segment_characters_of_dense_page(marks):
    grid = [(10 * column, 14 * row, 4, 8) for row in range(30) for column in range(30)]
    lines = segment_characters(marks((14 * 30, 10 * 30), *grid))
    assert [len(line) for line in lines] == [30] * 30
    assert boxes(lines)[1][2] == (20, 14, 4, 8)


def test_segment_characters_joins_strokes_with_small_gap():
    ink = np.zeros((120, 200), np.uint8)
    cv2.polylines(ink, [np.array([(40, 20), (30, 60), (70, 60)])[:, None]], False, 255, 5)
    cv2.line(ink, (78, 20), (78, 100), 255, 5)
    assert cv2.connectedComponents(ink)[0] == 3
    cv2.line(ink, (120, 20), (120, 100), 255, 5)
    ((four, one),) = segment_characters(ink)
    assert four.box[0] < 30
    assert four.box[0] + four.box[2] > 78
    assert one.box[0] > 100


def test_characters_to_glyphs_from_left_to_right(five):
    ink = np.hstack([five, np.zeros((120, 40), np.uint8), np.roll(five[::-1], 60, axis=0)])
    glyphs = characters_to_glyphs(ink)
    assert [glyph.tolist() for glyph in glyphs] == [
        to_glyphs(character.ink[None])[0].tolist()
        for character in sorted(chain(*segment_characters(ink)), key=lambda one: one.box[0])
    ]
    assert characters_to_glyphs(np.zeros((40, 60), np.uint8)).shape == (0, 28, 28)
