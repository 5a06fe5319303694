"""Normalization follows MNIST's protocol."""

import cv2
import numpy as np
import pytest

from inkwise.preprocessing import GLYPH_SIDE, image_to_glyph, to_glyphs
from inkwise.preprocessing.normalization import (
    GLYPH_CENTRE,
    INK_BOX_SIDE,
    MAX_STROKE_WIDTH,
    MIN_STROKE_WIDTH,
    SUPERSAMPLING,
    shapes_to_glyphs,
    stroke_width,
)

SEVEN = ((30, 25), (98, 25), (55, 105))


@pytest.fixture
def seven():
    """seven(pen, points) is ink of a polyline, (128, 128) uint8."""

    def draw(pen=12, points=SEVEN):
        ink = np.zeros((128, 128), np.uint8)
        cv2.polylines(ink, [np.array(points, np.int32)[:, None]], False, 255, pen)
        return ink

    return draw


def one(ink):
    return to_glyphs(ink[None])[0]


def centre_of_mass(glyph):
    middles = np.arange(GLYPH_SIDE) + 0.5
    return (glyph.sum(1) @ middles) / glyph.sum(), (glyph.sum(0) @ middles) / glyph.sum()


def extent(glyph):
    """Height and width of the ink in fractional pixels."""
    return glyph.max(1).astype(float).sum() / 255, glyph.max(0).astype(float).sum() / 255


SHAPES = {
    "seven": SEVEN,
    "one": ((64, 20), (64, 110)),
    "dash": ((15, 60), (110, 60)),
    "in a corner": ((2, 2), (30, 2), (10, 40)),
    "heavy below": ((20, 110), (100, 110), (60, 100), (60, 20)),
}


@pytest.mark.parametrize("points", SHAPES.values(), ids=SHAPES)
def test_to_glyphs_follows_mnist_protocol(seven, points):
    glyph = one(seven(10, points))
    assert glyph.shape == (28, 28)
    assert glyph.dtype == np.uint8
    assert glyph.max() == 255
    assert glyph[0, 0] == 0, "white ink on black"
    assert max(extent(glyph)) == pytest.approx(INK_BOX_SIDE, abs=0.6), "the ink fits 20x20 and fills it"
    assert centre_of_mass(glyph) == pytest.approx((GLYPH_CENTRE, GLYPH_CENTRE), abs=0.3)


@pytest.mark.parametrize(("height", "width"), [(80, 40), (40, 80), (60, 60), (90, 12)])
def test_to_glyphs_keeps_aspect_ratio(marks, height, width):
    ink = marks((100, 100), (5, 5, width, height))
    ink[14 : height - 4, 14 : width - 4] = 0  # a frame whose stroke width stays unchanged
    tall, wide = extent(one(ink))
    assert tall / wide == pytest.approx(height / width, rel=0.1)


def test_to_glyphs_does_not_cut_off_asymmetric_ink(marks):
    # A T whose stem would be cut off if its centre of mass were centred.
    glyph = one(marks((100, 100), (0, 0, 100, 12), (44, 0, 12, 100)))
    assert extent(glyph)[0] == pytest.approx(INK_BOX_SIDE, abs=0.2)
    assert glyph[-1].max() == 255, "down to the border, no further"
    assert centre_of_mass(glyph)[0] < GLYPH_CENTRE - 0.4


@pytest.mark.parametrize("side", [16, 64, 512])
def test_image_to_glyph_is_independent_of_size(drawn, alike, side):
    assert alike(image_to_glyph(drawn(side)), image_to_glyph(drawn(1024))) > 0.93


def test_to_glyphs_is_independent_of_position(seven):
    ink = seven()
    np.testing.assert_array_equal(one(np.pad(ink, ((0, 70), (33, 1)))), one(ink))


@pytest.mark.parametrize("width", [2, 3, 4])
def test_stroke_width_measures_bar(width):
    bar = np.zeros((1, 112, 112), bool)
    bar[0, 16:96, 50 : 50 + width * SUPERSAMPLING] = True
    assert stroke_width(bar)[0] == pytest.approx(width, rel=0.15)


def pen_of(glyph, length):
    """Mean width of a stroke of this length, from its mass."""
    return glyph.sum() / 255 / length


def test_to_glyphs_clamps_stroke_width(marks):
    pens = {
        pen: pen_of(one(marks((128, 128), (60, 14, pen, 100))), INK_BOX_SIDE)
        for pen in (2, 4, 8, 12, 16, 24, 30, 40, 50)
    }
    as_drawn = {pen: pen / 100 * INK_BOX_SIDE for pen in pens}
    assert all(pens[pen] > 1.4 for pen in (2, 4)), "as drawn: 0.4 and 0.8"
    for pen in (12, 16):
        assert MIN_STROKE_WIDTH < as_drawn[pen] < MAX_STROKE_WIDTH
        assert pens[pen] == pytest.approx(as_drawn[pen], rel=0.1)
    assert pens[24] < 4.6, "as drawn: 4.8"
    for pen in (30, 40, 50):
        assert MAX_STROKE_WIDTH < pens[pen] < as_drawn[pen]


@pytest.mark.parametrize("pen", [0.25, 0.5, 0.75])
def test_shapes_to_glyphs_thickens_thin_shape(pen):
    shape = np.zeros((1, 112, 112), np.uint8)
    cv2.polylines(
        shape[0], [np.array([(30, 17), (80, 17), (45, 95)])[:, None]], False, 1, round(pen * SUPERSAMPLING)
    )
    assert stroke_width(shape.astype(bool))[0] < MIN_STROKE_WIDTH
    length = (50 + np.hypot(35, 78)) / SUPERSAMPLING
    assert pen_of(shapes_to_glyphs(shape.astype(bool))[0], length) > max(2 * pen, 0.7 * MIN_STROKE_WIDTH)


def test_to_glyphs_of_batch_equals_single_results(seven):
    rng = np.random.default_rng(0)
    pens = rng.integers(1, 40, 40)
    inks = np.stack([seven(int(pen), rng.integers(10, 118, (4, 2))) for pen in pens])
    inks[7] = 0
    inks[11] = cv2.GaussianBlur(inks[11], (0, 0), 3)
    np.testing.assert_array_equal(to_glyphs(inks), np.stack([one(ink) for ink in inks]))


def test_to_glyphs_of_several_chunks_equals_single_results(monkeypatch, seven):
    monkeypatch.setattr("inkwise.preprocessing.normalization._CHUNK_SIZE", 4)
    inks = np.stack([seven(pen) for pen in range(1, 12)])
    np.testing.assert_array_equal(to_glyphs(inks), np.stack([one(ink) for ink in inks]))


def test_to_glyphs_processes_batch_in_few_calls(monkeypatch, seven):
    calls = []

    def counted(*args):
        calls.append(args)
        return transform(*args)

    transform = cv2.distanceTransform
    monkeypatch.setattr(cv2, "distanceTransform", counted)
    # A thin and a broad pen, so that thickening and thinning run.
    to_glyphs(np.stack([seven(2), seven(40)] * 32))
    assert 1 <= len(calls) <= 3


def test_to_glyphs_separates_images_of_batch(seven):
    full, empty = np.full((128, 128), 255, np.uint8), np.zeros((128, 128), np.uint8)
    glyphs = to_glyphs(np.stack([empty, full, empty, seven(2), empty]))
    assert not glyphs[[0, 2, 4]].any()
    np.testing.assert_array_equal(glyphs[3], one(seven(2)))


@pytest.mark.parametrize("size", [(1, 1), (28, 28), (300, 5)])
def test_to_glyphs_of_empty_images_is_zero(size):
    glyphs = to_glyphs(np.zeros((3, *size), np.uint8))
    assert glyphs.shape == (3, 28, 28)
    assert not glyphs.any()


def test_to_glyphs_ignores_ink_below_edge():
    assert not to_glyphs(np.full((1, 30, 30), 127, np.uint8)).any()


def test_to_glyphs_of_empty_batch():
    assert to_glyphs(np.zeros((0, 50, 50), np.uint8)).shape == (0, 28, 28)


def test_image_to_glyph_of_glyph_returns_same_shape(seven, alike):
    glyph = one(seven(14))
    assert alike(image_to_glyph(glyph), glyph) > 0.97
