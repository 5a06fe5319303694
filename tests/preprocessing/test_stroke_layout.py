"""Layout of strokes: lines, numbers and the parts of one digit."""

import numpy as np
import pytest

from inkwise import InkwiseError
from inkwise.preprocessing.stroke_layout import find_stroke_numbers, split_letters


def bar(x, y, height=10.0):
    return np.array([(x, y), (x + 1, y + height)])


def dash(x, y, width=6.0):
    return np.array([(x, y), (x + width, y)])


def find(*strokes, stacked=True):
    return find_stroke_numbers(strokes, stacked=stacked)


def test_no_strokes_are_no_numbers():
    assert find() == []


def test_gaps_wider_than_digits_separate_numbers():
    assert find(bar(40, 0), bar(0, 0), bar(9, 0), bar(50, 1)) == [[[1, 2], [0, 3]]]


def test_lines_are_from_the_top_also_on_a_slope():
    upper = [bar(x, x / 10) for x in range(0, 100, 8)]
    lower = [bar(x, 15 + x / 10) for x in range(0, 100, 8)]
    count = len(upper)
    assert find(*lower, *upper) == [[[*range(count, 2 * count)]], [[*range(count)]]]


def test_low_strokes_join_the_nearest_digit():
    assert find(bar(0, 0), dash(1, -1.6), bar(0, 20), dash(1, 17.9)) == [[[0, 1]], [[2, 3]]]


@pytest.mark.parametrize(("gap", "lines"), [(1.5, 1), (4.0, 2)])
def test_stacked_strokes_are_of_one_line_if_they_nearly_touch(gap, lines):
    strokes = bar(0, 0), bar(0, 10 + gap)
    assert len(find(*strokes)) == lines
    assert len(find(*strokes, stacked=False)) == 2


def test_thousands_of_strokes_need_little_memory():
    strokes = [bar(x * 8.0, line * 20.0) for line in range(4) for x in range(1000)]
    assert [len(line[0]) for line in find(*strokes)] == [1000] * 4


def test_malformed_stroke_raises():
    with pytest.raises(InkwiseError, match="stroke 2"):
        find(bar(0, 0), [])


def test_letters_are_split_at_gaps_that_no_letter_has():
    stem, arms, bar = [(0, 0), (0, 100)], [(60, 0), (12, 50), (60, 100)], [(100, 100), (100, 0)]
    assert split_letters([stem, arms, bar]) == [[0, 1], [2]]
    assert split_letters([bar, arms]) == [[1], [0]]
    assert split_letters([stem]) == [[0]]
