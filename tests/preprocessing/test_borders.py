"""Bands along the sides of an image are removed before binarization."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from inkwise.image import load_image
from inkwise.preprocessing import binarize, image_to_glyph
from inkwise.preprocessing.borders import content_window

SIDES = {"left and right": (0, 0, 1, 1), "top and bottom": (1, 1, 0, 0), "all": (1, 1, 1, 1)}
ONE_SIDE = {"top": (1, 0, 0, 0), "left": (0, 0, 1, 0), "two that meet": (0, 1, 0, 1)}
GREYS = [(30, 230, 0), (30, 230, 120), (230, 20, 255), (140, 200, 10), (60, 150, 255)]
"""Ink, paper, band."""


def banded(picture, sides, width, level):
    """The image with bands at the top, bottom, left and right, `width` pixels each."""
    widths = [side * width for side in sides]
    return cv2.copyMakeBorder(picture, *widths, cv2.BORDER_CONSTANT, value=level)


@pytest.mark.parametrize("side", [28, 120, 400])
@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize(("ink", "paper", "band"), GREYS)
def test_image_to_glyph_ignores_bands_on_opposite_sides(drawn, alike, side, sides, ink, paper, band):
    for share in (0.3, 0.6):
        picture = banded(drawn(side, 0.1, ink, paper), SIDES[sides], round(share * side), band)
        assert alike(image_to_glyph(picture), image_to_glyph(drawn(side, 0.1))) > 0.95


@pytest.mark.parametrize("side", [28, 120])
@pytest.mark.parametrize("sides", ONE_SIDE)
def test_image_to_glyph_finds_faint_ink_beside_scan_border(drawn, alike, side, sides):
    picture = banded(drawn(side, 0.1, 150, 210), ONE_SIDE[sides], round(0.1 * side), 10)
    assert alike(image_to_glyph(picture), image_to_glyph(drawn(side, 0.1))) > 0.95


def test_strokes_along_a_frame_are_not_cut(drawn):
    tight = drawn(120, 0.1, 40, 222)[8:112, 30:90]
    framed = binarize(banded(tight, SIDES["all"], 26, 255))
    np.testing.assert_array_equal(framed[28:-28, 28:-28] >= 128, binarize(tight)[2:-2, 2:-2] >= 128)


def test_image_to_glyph_ignores_thin_dark_frame(drawn, alike):
    picture = banded(drawn(120, 0.1), SIDES["all"], 6, 0)
    assert alike(image_to_glyph(picture), image_to_glyph(drawn(120, 0.1))) > 0.95


@pytest.mark.parametrize("sides", SIDES)
def test_image_to_glyph_ignores_blurred_noisy_compressed_bands(drawn, alike, sides):
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(banded(drawn(300), SIDES[sides], 150, 15), (0, 0), 3)
    noisy = np.clip(picture + rng.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "JPEG", quality=30)
    assert alike(image_to_glyph(load_image(file.getvalue())), image_to_glyph(drawn(300))) > 0.95


def test_binarize_keeps_position_of_ink_between_bands(drawn):
    alone = binarize(drawn(120)) >= 128
    between = binarize(banded(drawn(120), SIDES["left and right"], 60, 0)) >= 128
    assert between.shape == (120, 240)
    assert (between[:, 60:180] != alone).mean() < 0.01
    assert not between[:, :60].any()
    assert not between[:, 180:].any()


@pytest.mark.parametrize(("ink", "paper"), [(30, 230), (230, 30)])
@pytest.mark.parametrize("margin", [0, 1, 5])
@pytest.mark.parametrize(
    "strokes",
    [
        [np.s_[:, :4], np.s_[:, 16:]],
        [np.s_[:, :4], np.s_[:, 24:], np.s_[:2, 9:19], np.s_[-2:, 9:19], np.s_[:, 9:11], np.s_[:, 17:19]],
        [np.s_[:4, :16], np.s_[-4:, :16], np.s_[:, :4], np.s_[:, 12:16]],
        [np.s_[:3, :], np.s_[:, 12:16]],
        [np.s_[:, 8:16]],
    ],
    ids=["11", "101", "0", "T", "1"],
)
def test_content_window_ignores_straight_strokes(strokes, margin, ink, paper):
    picture = np.full((28, 28), paper, np.uint8)
    for stroke in strokes:
        picture[stroke] = ink
    assert content_window(np.pad(picture, margin, constant_values=paper)) is None


def test_content_window_ignores_shadow(drawn):
    page = drawn(200)
    page[:, :100] //= 2
    assert content_window(page) is None


@pytest.mark.parametrize("gap", [2, 3])
def test_strokes_along_a_band_are_kept(gap):
    zero = np.zeros((28, 28), np.uint8)
    cv2.ellipse(zero, (14, 14), (8 - gap, 10), 0, 0, 360, 255, 2)
    between = banded(zero[:, 6:-6], SIDES["left and right"], 6, 255)
    alone, cut = (image_to_glyph(cv2.resize(picture, (84, 84))) for picture in (zero, between))
    assert np.abs(alone.astype(int) - cut).mean() < 8
