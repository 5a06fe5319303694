"""Bands in which paper and ink have swapped brightness are inverted back."""

import cv2
import numpy as np
import pytest

from inkwise.preprocessing import image_to_glyph, to_glyphs
from inkwise.preprocessing.bands import unify_polarity
from inkwise.preprocessing.layout import find_regions


def inverted(picture, first, last):
    """The image with its first and last columns inverted, as many as these shares of its width."""
    banded, width = picture.copy(), picture.shape[1]
    for band in (np.s_[:, : round(first * width)], np.s_[:, width - round(last * width) :]):
        banded[band] = 255 - banded[band]
    return banded


@pytest.mark.parametrize("side", [28, 120, 500])
@pytest.mark.parametrize(("first", "last"), [(0.1, 0.2), (0.3, 0.35), (0.35, 0.25), (0.5, 0)])
@pytest.mark.parametrize("turned", [False, True])
def test_digit_in_inverted_bands_becomes_the_same_glyph(drawn, alike, side, first, last, turned):
    plain = drawn(side, 0.1)
    banded = inverted(plain.T, first, last).T if turned else inverted(plain, first, last)
    assert alike(image_to_glyph(banded), image_to_glyph(plain)) > 0.97
    assert alike(image_to_glyph(255 - banded), image_to_glyph(plain)) > 0.97


@pytest.mark.parametrize("blur", [1.0, 2.0])
def test_blurred_edge_of_a_band_is_no_stroke(drawn, alike, blur):
    banded = cv2.GaussianBlur(inverted(drawn(200, 0.1), 0.3, 0.35), (0, 0), blur)
    assert alike(image_to_glyph(banded), image_to_glyph(drawn(200, 0.1))) > 0.95


def test_pictures_without_inverted_bands_stay(drawn, marks):
    cropped = 255 - marks((40, 60), (0, 0, 60, 8), (0, 32, 60, 8), (0, 0, 8, 40), (52, 0, 8, 40))
    cropped[[0, 0, -1, -1], [0, -1, 0, -1]] = 255  # the corners of a 0 are round
    ruled = drawn(120)
    ruled[:, 20:22] = 30
    shaded = drawn(120)
    shaded[:, 70:] //= 2
    for picture in (drawn(28), drawn(120), cropped, ruled, shaded, np.zeros((3, 2), np.uint8)):
        assert unify_polarity(picture) is picture


@pytest.mark.parametrize("side", [120, 500])
@pytest.mark.parametrize("turned", [False, True])
def test_digit_in_inverted_bands_is_one_region(drawn, alike, side, turned):
    plain = drawn(side, 0.1)
    banded = inverted(plain.T, 0.3, 0.35).T if turned else inverted(plain, 0.3, 0.35)
    (region,) = find_regions(banded)
    assert region.reason is None
    assert alike(to_glyphs(region.ink[None])[0], image_to_glyph(plain)) > 0.95
