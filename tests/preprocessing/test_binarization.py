"""Binarization separates ink from paper in any light, and finds none on bare paper."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from inkwise.image import load_image
from inkwise.preprocessing import binarize, image_to_glyph
from inkwise.preprocessing.background import polarity

SIDES = (28, 100, 400)


def lit(picture, light):
    return np.rint(picture * light).astype(np.uint8)


def lights(side):
    """Uneven illumination, (side, side), of a lamp, a window or a lens."""
    ramp = np.linspace(0.6, 1, side)
    x = np.linspace(-1, 1, side)
    return {
        "from the right": np.tile(ramp, (side, 1)),
        "from below": np.tile(ramp[:, None], side),
        "from a corner": (ramp + ramp[:, None]) / 2,
        "corners darker": 1 - 0.25 * (x**2 + x[:, None] ** 2),
    }


def test_binarize_returns_0_for_paper_and_255_for_ink(drawn):
    picture = drawn(120)
    ink = binarize(picture)
    assert ink.shape == picture.shape
    assert ink.dtype == np.uint8
    assert np.median(ink[picture == 230]) == 0
    assert np.median(ink[picture == 30]) == 255


def test_binarize_returns_128_at_edge_of_ink(drawn):
    picture = drawn(60)
    differ = (binarize(picture) >= 128) != (picture < 130)
    assert differ.mean() < 0.01


@pytest.mark.parametrize("side", SIDES)
def test_image_to_glyph_is_independent_of_polarity(drawn, side):
    picture = drawn(side)
    np.testing.assert_array_equal(image_to_glyph(picture), image_to_glyph(255 - picture))


@pytest.mark.parametrize("width", [0.03, 0.08, 0.16])
@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (30, 120), (140, 200), (255, 0), (120, 30), (200, 140)])
def test_image_to_glyph_is_independent_of_grey_levels(drawn, alike, width, ink, paper):
    assert alike(image_to_glyph(drawn(120, width, ink, paper)), image_to_glyph(drawn(120, width))) > 0.97


def cropped(picture):
    """A picture without its margin."""
    rows, columns = np.where(picture < 128)
    return picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def test_image_to_glyph_accepts_tight_crop(drawn, alike):
    whole = drawn(200, 0.1)
    tight = cropped(whole)
    for picture in (tight, 255 - tight):
        assert alike(image_to_glyph(picture), image_to_glyph(whole)) > 0.95


@pytest.mark.parametrize("side", [16, 28, 80, 200])
@pytest.mark.parametrize("pen", [24, 27])
def test_ink_that_fills_half_of_a_tight_crop_is_told_from_its_paper(side, pen):
    eight = np.full((200, 150), 230, np.uint8)
    for middle, axes in (((75, 55), (45, 38)), ((75, 140), (52, 42))):
        cv2.ellipse(eight, middle, axes, 0, 0, 360, 30, pen)
    bold = cv2.resize(cropped(eight), (side, side), interpolation=cv2.INTER_AREA)
    assert polarity(bold) == "dark-on-light"
    assert polarity(255 - bold) == "light-on-dark"


def test_page_half_in_shadow_is_dark_on_light():
    page = np.full((1400, 1000), 230, np.uint8)
    for y in range(100, 1400, 100):
        cv2.putText(page, "1064 279 58", (150, y), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 90, 4, cv2.LINE_AA)
    shadow = np.ones(page.shape, np.float32)
    cv2.fillPoly(shadow, [np.array([(0, 0), (450, 0), (1000, 750), (1000, 1400), (0, 1400)])], 0.55)
    assert polarity(lit(page, cv2.GaussianBlur(shadow, (0, 0), 25))) == "dark-on-light"


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("light", lights(1))
@pytest.mark.parametrize(("ink", "paper"), [(30, 230), (230, 60)])
def test_image_to_glyph_is_independent_of_uneven_light(drawn, alike, side, light, ink, paper):
    picture = drawn(side, ink=ink, paper=paper)
    assert alike(image_to_glyph(lit(picture, lights(side)[light])), image_to_glyph(picture)) > 0.92


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("light", ["from the right", "from below", "from a corner"])
def test_image_to_glyph_finds_ink_fainter_than_illumination_slope(drawn, alike, side, light):
    faint = drawn(side, ink=160)
    assert alike(image_to_glyph(lit(faint, lights(side)[light])), image_to_glyph(faint)) > 0.92


@pytest.mark.parametrize("side", SIDES)
def test_image_to_glyph_ignores_edge_of_shadow(drawn, alike, side):
    shadow = np.where(np.arange(side) < 0.55 * side, 1, 0.7)
    assert alike(image_to_glyph(lit(drawn(side), shadow)), image_to_glyph(drawn(side))) > 0.95


@pytest.mark.parametrize("level", [0, 1, 40, 128, 254, 255])
@pytest.mark.parametrize("size", [(2, 8), (8, 2), (16, 16), (100, 300)])
def test_binarize_finds_no_ink_on_uniform_image(level, size):
    page = np.full(size, level, np.uint8)
    assert not binarize(page).any()
    assert image_to_glyph(page) is None


@pytest.mark.parametrize("size", [(40, 40), (100, 100), (400, 400), (168, 22), (56, 120), (60, 195)])
@pytest.mark.parametrize("noise", [1, 4, 10, 15, 20, 25])
@pytest.mark.parametrize("level", [60, 200])
def test_binarize_finds_no_ink_in_noise(size, noise, level):
    rng = np.random.default_rng(0)
    page = np.clip(rng.normal(level, noise, size), 0, 255).astype(np.uint8)
    assert not binarize(page).any()


@pytest.mark.parametrize("light", lights(1))
def test_binarize_finds_no_ink_on_unevenly_lit_page(light):
    assert not binarize(lit(np.full((100, 100), 230), lights(100)[light])).any()


@pytest.mark.parametrize("side", SIDES)
def test_image_to_glyph_ignores_vignetting(drawn, alike, side):
    x = np.linspace(-1, 1, side)
    falloff = 1 / (1 + 0.3 * (x**2 + x[:, None] ** 2)) ** 2
    assert alike(image_to_glyph(lit(drawn(side), falloff)), image_to_glyph(drawn(side))) > 0.92
    assert side < 64 or image_to_glyph(lit(np.full((side, side), 230), falloff**0.5)) is None


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("darkest", [0.2, 0.4])
def test_image_to_glyph_finds_no_ink_on_steep_illumination_slope(side, darkest):
    rng = np.random.default_rng(0)
    straight = np.tile(np.linspace(darkest, 1, side), (side, 1))
    for light in (straight, straight.T, (straight + straight.T) / 2):
        page = lit(np.full((side, side), 230), light) + rng.normal(0, 2, (side, side))
        assert image_to_glyph(np.clip(page, 0, 255).astype(np.uint8)) is None


@pytest.mark.parametrize("quality", [20, 60])
def test_image_to_glyph_ignores_jpeg_blocks(drawn, alike, quality):
    rng = np.random.default_rng(0)
    paper = lit(np.full((200, 200), 210) + rng.normal(0, 3, (200, 200)), lights(200)["from a corner"])
    page = np.minimum(paper, drawn(200))
    glyphs = []
    for picture in (paper, page):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality)
        glyphs.append(image_to_glyph(load_image(file.getvalue())))
    assert glyphs[0] is None
    assert alike(glyphs[1], image_to_glyph(drawn(200))) > 0.95


def test_image_to_glyph_ignores_grain_of_paper(drawn, alike):
    rng = np.random.default_rng(0)
    grain = cv2.GaussianBlur(rng.normal(0, 25, (300, 300)), (0, 0), 1.2)
    page = np.clip(drawn(300) + grain, 0, 255).astype(np.uint8)
    assert alike(image_to_glyph(page), image_to_glyph(drawn(300))) > 0.95


@pytest.mark.parametrize(
    ("contrast", "noise", "seen"),
    [(4, 0, False), (9, 0, True), (9, 1, False), (20, 1, True), (40, 1, True)],
)
def test_binarize_requires_minimum_contrast(drawn, contrast, noise, seen):
    picture = drawn(100, 0.08, 180 - contrast, 180) + np.random.default_rng(0).normal(0, noise, (100, 100))
    assert binarize(np.rint(picture).astype(np.uint8)).any() == seen


@pytest.mark.parametrize(("ink", "paper"), [(20, 230), (230, 20)])
@pytest.mark.parametrize(
    "stroke",
    [np.s_[:3, 2:14], np.s_[13:, 2:14], np.s_[2:14, :3], np.s_[2:14, 13:], np.s_[:6, 2:14]],
    ids=["top", "bottom", "left", "right", "broad"],
)
def test_binarize_keeps_stroke_along_border(stroke, ink, paper):
    picture = np.full((16, 16), paper, np.uint8)
    picture[stroke] = ink
    np.testing.assert_array_equal(binarize(picture) >= 128, picture == ink)


@pytest.mark.parametrize("size", [(2, 900), (900, 2), (3, 9), (65, 1200)])
def test_binarize_accepts_extreme_aspect_ratios(size):
    picture = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    assert binarize(picture).shape == size


@pytest.mark.parametrize(("ink", "paper"), [(20, 230), (230, 20)])
@pytest.mark.parametrize("side", SIDES)
def test_binarize_fills_solid_shape(side, ink, paper):
    solid = np.full((side, side), paper, np.uint8)
    cv2.circle(solid, (side // 2, side // 2), round(0.4 * side), ink, cv2.FILLED)
    found = binarize(solid) >= 128
    assert found[side // 2, side // 2]
    assert (found == (solid == ink)).mean() > 0.97


@pytest.mark.parametrize("side", SIDES)
def test_binarize_keeps_paper_inside_ring(side):
    ring = np.full((side, side), 230, np.uint8)
    cv2.circle(ring, (side // 2, side // 2), round(0.35 * side), 20, max(2, side // 12))
    lit_ring = lit(ring, lights(side)["from the right"])
    assert not binarize(lit_ring)[side // 2, side // 2]
