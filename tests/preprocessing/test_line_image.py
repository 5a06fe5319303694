"""Normalization of text lines to 48 pixels, and the mapping of boxes back to the image."""

import numpy as np
import pytest

from inkwise._util.errors import InkwiseError
from inkwise.preprocessing.line_image import (
    LINE_HEIGHT,
    MAX_LINE_WIDTH,
    TEXT_HEIGHT,
    strokes_to_line_image,
    to_line_image,
)

HIGH = TEXT_HEIGHT / 0.92
"""Height of vertical bars in a line image: 92 % of their ink fill TEXT_HEIGHT, without 4 % on either end."""

DIGITS = (40, 20, 8, 60), (70, 20, 8, 60)
"""Two bars, of whose 60 rows 56 remain without 4 % of the ink on either end."""


def bars(*boxes, size=(100, 300)):
    """Ink (H, W) with a vertical bar for each x, y, width, height."""
    ink = np.zeros(size, np.uint8)
    for x, y, w, h in boxes:
        ink[y : y + h, x : x + w] = 255
    return ink


def extents(ink):
    """First and last row and first and last column with ink."""
    rows, columns = np.nonzero(ink >= 128)
    return rows.min(), rows.max(), columns.min(), columns.max()


@pytest.mark.parametrize("height", [9, 24, 80])
def test_to_line_image_scales_digits_to_centred_rows(height):
    found = to_line_image(bars((40, 10, 4, height), (70, 10, 4, height)))
    top, bottom, left, _ = extents(found.ink)
    assert found.ink.shape[0] == LINE_HEIGHT
    assert found.ink.dtype == np.uint8
    assert bottom - top + 1 == pytest.approx(HIGH, abs=3)
    assert (top + bottom + 1) / 2 == pytest.approx(LINE_HEIGHT / 2, abs=1)
    assert left == pytest.approx(0.35 * TEXT_HEIGHT, abs=1), "left margin"


def test_box_maps_back_to_image():
    found = to_line_image(bars((40, 30, 10, 50), (200, 30, 12, 50)))
    top, bottom, _, right = extents(found.ink)
    x, y, w, h = found.box(right - 5, top, 6, bottom - top + 1)
    assert (x + w, y, h) == pytest.approx((212, 30, 50), abs=2)
    assert w == pytest.approx(12, abs=3)


@pytest.mark.parametrize(
    "beside",
    [
        pytest.param((150, 76, 5, 5), id="dot on the baseline"),
        pytest.param((150, 75, 6, 16), id="comma below the baseline"),
        pytest.param((0, 95, 300, 2), id="ruling line"),
        pytest.param((270, 2, 2, 2), id="speck"),
    ],
)
def test_scale_ignores_punctuation_rules_and_specks(beside):
    assert (
        to_line_image(bars(*DIGITS, beside)).scale
        == to_line_image(bars(*DIGITS)).scale
        == pytest.approx(TEXT_HEIGHT / 56)
    )


@pytest.mark.parametrize("pale", [128, 199])
def test_scale_ignores_pale_pattern(pale):
    ink = bars(*DIGITS)
    ink[::4] = np.maximum(ink[::4], pale)
    assert to_line_image(ink).scale == to_line_image(bars(*DIGITS)).scale


def test_to_line_image_keeps_pale_digit_at_end():
    ink = bars(*DIGITS, (200, 20, 8, 60))
    assert (
        to_line_image(np.where(np.arange(300) >= 190, ink * 0.7, ink).astype(np.uint8)).ink.shape
        == to_line_image(ink).ink.shape
    )


def test_to_line_image_ignores_pale_ruling_line():
    ink = bars(*DIGITS, size=(100, 900))
    together = np.maximum(ink, np.where(np.arange(100) == 50, 150, 0).astype(np.uint8)[:, None])
    assert to_line_image(together).ink.shape == to_line_image(ink).ink.shape


def test_scale_of_pale_ink_alone():
    ink = bars(*DIGITS)
    assert to_line_image(np.where(ink > 0, 150, 0).astype(np.uint8)).scale == to_line_image(ink).scale


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param((245, 40, 8, 75), id="descender"),
        pytest.param((245, 25, 8, 75), id="ascender"),
        pytest.param((245, 70, 8, 30), id="small zero"),
    ],
)
def test_scale_is_robust_to_one_outlier_of_ten(odd):
    row = [(20 + 25 * number, 40, 8, 60) for number in range(10)]
    together = to_line_image(bars(*row[:-1], odd, size=(120, 300)))
    assert together.scale == pytest.approx(to_line_image(bars(*row, size=(120, 300))).scale, rel=0.05)


def test_width_ignores_distant_speck():
    assert to_line_image(bars(*DIGITS, (290, 50, 4, 4))).ink.shape == to_line_image(bars(*DIGITS)).ink.shape


def test_to_line_image_pads_digit_at_border():
    found = to_line_image(bars((0, 0, 6, 100), (294, 0, 6, 100)))
    assert not found.ink[:, 0].any()
    assert not found.ink[:, -1].any()
    assert not found.ink[[0, -1]].any()


def test_to_line_image_of_single_one_is_square():
    assert to_line_image(bars((50, 10, 3, 80))).ink.shape == (LINE_HEIGHT, LINE_HEIGHT)


@pytest.mark.parametrize("size", [(100, 1), (2000, 2), (9, 1)])
def test_to_line_image_accepts_image_as_narrow_as_stroke(size):
    assert to_line_image(np.full(size, 255, np.uint8)).ink.shape == (LINE_HEIGHT, LINE_HEIGHT)


def test_to_line_image_limits_width_to_1024_pixels():
    ink = bars(*((20 * number, 1, 2, 8) for number in range(500)), size=(10, 10_000))
    found = to_line_image(ink)
    assert found.ink.shape == (LINE_HEIGHT, MAX_LINE_WIDTH)
    assert found.ink.any()


def test_to_line_image_keeps_thin_strokes_of_large_image():
    found = to_line_image(bars((200, 100, 12, 2000), size=(2200, 600)))
    rows = found.ink.max(1)
    assert rows.max() > 20, "strokes are a seventh of a pixel wide"
    assert (rows > rows.max() / 2).sum() == pytest.approx(HIGH, abs=1)


@pytest.mark.parametrize("ink", [bars(), bars((0, 50, 300, 3))], ids=["no ink", "ruling line"])
def test_to_line_image_without_digit_is_none(ink):
    assert to_line_image(ink) is None


def upright(count, step=20.0, height=40.0):
    return [np.array([(number * step, 0.0), (number * step, height)]) for number in range(count)]


@pytest.mark.parametrize("unit", [1e-3, 1, 1e6, 1e140])
def test_strokes_to_line_image_is_independent_of_unit(unit):
    expected = strokes_to_line_image(upright(5))
    found = strokes_to_line_image([stroke * unit for stroke in upright(5)])
    assert np.abs(found.ink.astype(int) - expected.ink).max() < 16
    assert found.scale * unit == pytest.approx(expected.scale)
    assert found.left / unit == pytest.approx(expected.left, abs=0.1)


@pytest.mark.parametrize("count", [1, 3, 12, 30])
def test_pen_width_is_independent_of_line_length(count):
    found = strokes_to_line_image(upright(count))
    middle = found.ink[LINE_HEIGHT // 2] >= 128
    assert np.count_nonzero(np.diff(middle.astype(int)) == 1) == count
    assert middle.sum() / count == pytest.approx(0.09 * TEXT_HEIGHT, abs=1.2)


def test_box_maps_back_to_unit_of_strokes():
    found = strokes_to_line_image([stroke + 1000 for stroke in upright(2, step=30)])
    _, _, first, last = extents(found.ink)
    x, y, w, h = found.box(first, (LINE_HEIGHT - HIGH) / 2, last - first + 1, HIGH)
    assert (x, x + w) == pytest.approx((1000, 1030), abs=3), "the pen is wider than the stroke"
    assert (y, y + h) == pytest.approx((1000, 1040), abs=3)


@pytest.mark.parametrize(
    "strokes",
    [[], [[(5, 5)]], [[(0, 0), (100, 0)]], [[(3, 3), (3, 3), (3, 3)]]],
    ids=["none", "dot", "dash", "repeated point"],
)
def test_strokes_to_line_image_without_digit_is_none(strokes):
    assert strokes_to_line_image(strokes) is None


def test_strokes_to_line_image_draws_dot_beside_digit():
    found = strokes_to_line_image([*upright(1), [(20, 40)]])
    assert found.ink[:, 20:].any()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_strokes_to_line_image_rejects_invalid_coordinate(value):
    with pytest.raises(InkwiseError, match="stroke 2 holds a coordinate"):
        strokes_to_line_image([*upright(1), [(0, value)]])
