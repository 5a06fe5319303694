"""Synthetic pictures: reproducible, of every kind, with the digits that they show."""

import re

import numpy as np
import pytest

from benchmarks.accuracy.picture_canvas import Handwriting
from benchmarks.accuracy.picture_synthesis import KINDS, REJECTED, pictures
from inkwise.recognition.adaptation import reference_strokes

BAR = [np.array([[0.0, 0], [3, 9]])]
ANGLE = [np.array([[0.0, 0], [3, 9], [9, 9]])]
DIGITS = {
    str(digit): [[np.array(stroke, float) for stroke in strokes]]
    for digit, strokes in enumerate(reference_strokes())
}
HAND = Handwriting([DIGITS], [("1-1", BAR * 3)], {key: [ANGLE] for key in "./,-:EFHKMNRWXhkmnuvwx"})


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_reproducible_and_labelled(kind):
    once, again, other = ([*pictures(HAND, kind, 2, seed)] for seed in (0, 0, 1))
    for one, two in zip(once, again, strict=True):
        assert np.array_equal(one.image, two.image)
        assert one.lines == two.lines
    assert not np.array_equal(once[0].image, other[0].image)
    assert not np.array_equal(once[0].image, once[1].image)
    for picture in once:
        assert picture.image.dtype == np.uint8
        assert picture.image.ndim == 3
        assert picture.rejected == (kind in REJECTED) == (not picture.lines)
        assert all(re.fullmatch("[0-9]+", line) for line in picture.lines)


def test_there_are_enough_kinds():
    assert len(KINDS) - len(REJECTED) >= 25
    assert KINDS.keys() > REJECTED
