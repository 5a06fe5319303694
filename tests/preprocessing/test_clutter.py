"""Lines across a digit and dots beside it are removed, and outlined digits are filled."""

import cv2
import numpy as np
import pytest

from inkwise import Recognizer
from inkwise.preprocessing import image_to_glyph, inks_to_glyphs, main_character
from inkwise.preprocessing.binarization import binarize
from inkwise.preprocessing.clutter import fill_outline, without_dots, without_thin_lines


def crossed(picture, *corners, width=0.015):
    """The image with a thin dark line through these corners, as shares of its sides."""
    points = np.rint(np.array(corners) * len(picture)).astype(np.int32)
    line = cv2.polylines(
        picture.copy(), [points], False, 30, max(1, round(width * len(picture))), cv2.LINE_AA
    )
    return np.asarray(line)


def dotted(picture):
    """The image with a row of dots across its middle."""
    side, spotted = round(0.07 * len(picture)), picture.copy()
    for column in range(0, len(picture), len(picture) // 7):
        spotted[len(picture) // 2 :, column : column + side][:side] = 30
    return spotted


ZIGZAG = [(step / 8, 0.5 + 0.06 * (-1) ** step) for step in range(9)]
CLUTTER = {
    "line": lambda picture: crossed(picture, (0, 0.3), (1, 0.6)),
    "zigzag": lambda picture: crossed(picture, *ZIGZAG),
    "dots": dotted,
}


def versions(picture):
    ink = main_character(binarize(picture)).ink
    found = [without_dots(ink), *without_thin_lines(ink)]
    return [image_to_glyph(255 - version) for version in found if version is not None]


@pytest.mark.parametrize("side", [40, 112, 400])
@pytest.mark.parametrize("clutter", CLUTTER)
def test_a_version_of_the_ink_is_without_clutter(drawn, alike, side, clutter):
    plain = drawn(side, 0.1)
    glyphs = [glyph for glyph in versions(CLUTTER[clutter](plain)) if glyph is not None]
    assert max(alike(glyph, image_to_glyph(plain)) for glyph in glyphs) > 0.9


def test_strokes_of_one_width_have_no_other_version():
    ring = cv2.ellipse(np.full((120, 120), 230, np.uint8), (60, 60), (25, 40), 0, 0, 320, 30, 8)
    assert versions(ring) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 2000), (2000, 1), (300, 300)])
def test_any_ink_has_versions_of_its_shape(shape):
    noise = np.where(np.random.default_rng(0).random(shape) < 0.5, 255, 0).astype(np.uint8)
    for ink in (noise, np.full(shape, 255, np.uint8)):
        for version in (without_dots(ink), fill_outline(ink), *without_thin_lines(ink)):
            assert version is None or version.shape == shape


@pytest.mark.parametrize("side", [40, 120, 300])
def test_outline_is_filled(drawn, alike, side):
    plain = drawn(side, 0.14)
    ring = np.full((side, side), 230, np.uint8)
    cv2.ellipse(ring, (side // 2, side // 2), (side // 4, side // 3), 0, 0, 360, 30, round(0.14 * side))
    for solid in (plain, ring):
        filled = fill_outline(binarize(255 - cv2.Canny(solid, 100, 200)))
        assert filled is not None
        assert alike(inks_to_glyphs([filled])[0], image_to_glyph(solid)) > 0.9


def test_holes_of_ordinary_digits_are_not_filled():
    zero = cv2.ellipse(np.zeros((120, 120), np.uint8), (60, 60), (25, 45), 0, 0, 360, 255, 6)
    eight = cv2.circle(cv2.circle(np.zeros((120, 120), np.uint8), (60, 35), 20, 255, 6), (60, 80), 24, 255, 6)
    six = cv2.line(
        cv2.circle(np.zeros((120, 120), np.uint8), (60, 80), 20, 255, 6), (40, 80), (60, 10), 255, 6
    )
    for ink in (zero, eight, six):
        assert fill_outline(ink) is None


@pytest.mark.parametrize("side", [28, 100, 300])
@pytest.mark.parametrize("clutter", CLUTTER)
def test_cluttered_digit_is_read(drawn, side, clutter):
    reading = Recognizer().read(CLUTTER[clutter](drawn(side, 0.1)), "digit")
    assert (reading.text, reading.accepted) == ("7", True)
