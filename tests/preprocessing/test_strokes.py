"""Rasterization and grouping of pen strokes, in any unit."""

import json
from itertools import pairwise

import numpy as np
import pytest

from inkwise._util.errors import InkwiseError
from inkwise.preprocessing import group_strokes, image_to_glyph, strokes_to_glyph, to_stroke_arrays

SEVEN = [np.array([(0.0, 0), (60, 0), (20, 100)])]
BARRED = [*SEVEN, np.array([(10.0, 50), (60, 50)])]


def scaled(strokes, unit, shift=0.0):
    return [stroke * unit + shift for stroke in strokes]


def test_strokes_to_glyph_follows_glyph_format(alike):
    glyph = strokes_to_glyph(SEVEN)
    assert glyph.shape == (28, 28)
    assert glyph.dtype == np.uint8
    rows, _ = np.where(glyph > 127)
    assert np.ptp(rows) + 1 == pytest.approx(20, abs=1), "the longer side has 20 pixels"
    assert glyph[0].max() == 0
    assert alike(glyph, image_to_glyph(glyph)) > 0.95


def test_strokes_to_glyph_equals_glyph_of_drawing(pen, alike):
    strokes = [[(30, 25), (85, 25), (55, 100)]]
    assert alike(strokes_to_glyph(strokes), image_to_glyph(pen(strokes, width=10))) > 0.9


@pytest.mark.parametrize("unit", [1e-6, 0.1, 96 / 25.4, 1e6])
def test_strokes_to_glyph_is_independent_of_unit(unit, alike):
    assert alike(strokes_to_glyph(scaled(BARRED, unit)), strokes_to_glyph(BARRED)) > 0.999


@pytest.mark.parametrize("shift", [-5000.0, 1e9])
def test_strokes_to_glyph_is_independent_of_position(shift, alike):
    assert alike(strokes_to_glyph(scaled(BARRED, 1, shift)), strokes_to_glyph(BARRED)) > 0.999


def test_strokes_to_glyph_has_y_down_and_x_right():
    glyph = strokes_to_glyph([[(0, 0), (0, 100), (60, 100)]])  # an L
    assert glyph[20:, 14:].any()
    assert not glyph[:12, 16:].any()


def test_strokes_to_glyph_accepts_lists_of_ints():
    lists = [stroke.astype(int).tolist() for stroke in BARRED]
    np.testing.assert_array_equal(strokes_to_glyph(lists), strokes_to_glyph(BARRED))


DICTS = [[{"x": x, "y": y, "time": 7, "pressure": 0.5} for x, y in stroke.tolist()] for stroke in BARRED]
TIMES = [[[x, y, 1e300] for x, y in stroke.tolist()] for stroke in BARRED]


@pytest.mark.parametrize(
    "form",
    [
        DICTS,
        TIMES,
        [[[*point, None] for point in stroke] for stroke in TIMES],
        [{"penColor": "black", "points": points} for points in DICTS],
        [{"x": stroke[:, 0].tolist(), "y": stroke[:, 1]} for stroke in BARRED],
        {"strokes": DICTS},
        json.dumps(DICTS),
        json.dumps(TIMES).encode(),
        bytearray(json.dumps(TIMES).encode()),
        (stroke for stroke in BARRED),
    ],
)
def test_to_stroke_arrays_takes_many_forms(form):
    for array, stroke in zip(to_stroke_arrays(form), BARRED, strict=True):
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array, stroke)


@pytest.mark.parametrize(
    "form", [SEVEN[0], SEVEN[0].tolist(), [*map(tuple, SEVEN[0])], DICTS[0], TIMES[0], {"points": DICTS[0]}]
)
def test_to_stroke_arrays_takes_one_stroke_alone(form):
    (array,) = to_stroke_arrays(form)
    np.testing.assert_array_equal(array, SEVEN[0])


@pytest.mark.parametrize("unit", [0.01, 1, 1000])
def test_pen_width_is_in_glyph_pixels(unit):
    line = [np.array([(0.0, 0), (0, 100)]) * unit]
    for pen in (2.4, 2.8, 3.2):
        assert strokes_to_glyph(line, pen).sum() / 255 / 20 == pytest.approx(pen, rel=0.1)


def test_strokes_to_glyph_of_horizontal_line():
    glyph = strokes_to_glyph([[(0, 0), (80, 0)]])
    rows, columns = np.where(glyph > 127)
    assert np.ptp(columns) + 1 == pytest.approx(20, abs=1)
    assert np.ptp(rows) + 1 <= 4


@pytest.mark.parametrize(
    "dot", [[[(5, 5)]], [[(5, 5), (5, 5)]], [[(5, 5)], [(5, 5)]], [[(5, 5), (5 + 1e-200, 5)]]]
)
def test_strokes_to_glyph_of_dot_is_symmetric(dot):
    glyph = strokes_to_glyph(dot)
    assert glyph.max() == 255
    np.testing.assert_array_equal(glyph, glyph.T)


def test_strokes_to_glyph_draws_single_point():
    with_dot = strokes_to_glyph([[(0, 0), (60, 0)], [(30, 40)]]) > 127
    rows, _ = np.where(with_dot)
    assert np.ptp(rows) > 10


def test_strokes_to_glyph_is_independent_of_sampling():
    finer = [np.concatenate([np.linspace(a, b, 9) for a, b in pairwise(stroke)]) for stroke in SEVEN]
    differ = strokes_to_glyph(finer).astype(int) - strokes_to_glyph(SEVEN)
    assert np.abs(differ).mean() < 3


def test_strokes_to_glyph_of_100000_points(alike):
    turn = np.linspace(0, 2 * np.pi, 100_000)
    zero = np.stack([np.cos(turn), 1.5 * np.sin(turn)], 1)
    assert alike(strokes_to_glyph([zero]), strokes_to_glyph([zero[::1000]])) > 0.99


def test_strokes_to_glyph_without_strokes_is_none():
    assert strokes_to_glyph([]) is None


@pytest.mark.parametrize(
    ("strokes", "reason"),
    [
        ([[(0, 0), (np.nan, 1)]], "stroke 1 holds a coordinate that is not a finite number, or too large"),
        ([[(0, 0), (1, np.inf)]], "stroke 1 holds a coordinate that is not a finite number, or too large"),
        (
            [[(0, 0), (1e308, -1e308)]],
            "stroke 1 holds a coordinate that is not a finite number, or too large",
        ),
        ([[(0, None)]], "stroke 1 holds a coordinate that is not a finite number, or too large"),
        ([[(0, 0), (1, 1)], []], r"stroke 2 has shape \(0,\); \(k, 2\) with k >= 1 is expected"),
        ([np.zeros((0, 2))], r"stroke 1 has shape \(0, 2\); \(k, 2\) with k >= 1 is expected"),
        ([[(0,), (1,)]], r"stroke 1 has shape \(2, 1\); \(k, 2\) with k >= 1 is expected"),
        ([np.zeros((2, 5))], r"stroke 1 has shape \(2, 5\); \(k, 2\) with k >= 1 is expected"),
        ([(0, 0), (1, 1, 1), (2,)], r"stroke 1 is not a list of \(x, y\) points"),
        ([[(0, 0)], {"points": []}], r"stroke 2 has shape \(0,\); \(k, 2\) with k >= 1 is expected"),
        ([[{"x": 1, "y": 2}, {"x": 1}]], r"stroke 1 is not a list of \(x, y\) points"),
        ([{"x": [1, 2], "y": [1]}], r"stroke 1 is not a list of \(x, y\) points"),
        ({"lines": []}, r"stroke 1 is not a list of \(x, y\) points"),
        ([1, 2], r"stroke 1 has shape \(\); \(k, 2\) with k >= 1 is expected"),
        ({"strokes": None}, "strokes are a list of strokes, not NoneType"),
        (None, "strokes are a list of strokes, not NoneType"),
        ("seven.png", "strokes are a list of strokes or its JSON, not other text"),
        (b"\xff", "strokes are a list of strokes or its JSON, not other text"),
        ("7", "strokes are a list of strokes, not int"),
        ([[(0, 0), (1,)]], r"stroke 1 is not a list of \(x, y\) points"),
        ([[("a", "b")]], r"stroke 1 is not a list of \(x, y\) points"),
        ([{"x": 1}], r"stroke 1 is not a list of \(x, y\) points"),
        ([[(10**400, 1)]], r"stroke 1 is not a list of \(x, y\) points"),
    ],
)
def test_malformed_strokes_are_rejected(strokes, reason):
    for use in (strokes_to_glyph, group_strokes):
        with pytest.raises(InkwiseError, match=f"^{reason}$"):
            use(strokes)


def beside(strokes, x):
    return [stroke + np.array([x, 0]) for stroke in strokes]


def test_group_strokes_separates_digits_from_left_to_right():
    one = [np.array([(0.0, 0), (0, 100)])]
    assert group_strokes([*beside(BARRED, 200), *beside(one, 90), *BARRED]) == [[3, 4], [2], [0, 1]]


def test_group_strokes_merges_overlapping_strokes():
    hat = [np.array([(30.0, 0), (70, 0)])]
    assert len(group_strokes([*SEVEN, *hat])) == 1
    assert len(group_strokes([*SEVEN, *beside(hat, 60)])) == 2


def test_group_strokes_without_strokes_is_empty():
    assert group_strokes([]) == []
