import numpy as np

from inkwise.datasets import NAMED_DATASETS
from inkwise.datasets import modified_mnist as modified
from inkwise.preprocessing import image_to_glyph

GLYPH = np.zeros((28, 28), np.uint8)
GLYPH[4:24, 12:16] = 255
GLYPH[4:7, 6:16] = 255


def test_the_same_glyphs_are_always_modified_alike():
    glyphs = np.stack([GLYPH] * 3)
    first = modified.modify(glyphs)
    np.testing.assert_array_equal(first, modified.modify(glyphs))
    assert (first.shape, first.dtype) == ((3, 28, 28), np.uint8)
    assert not np.array_equal(first[0], first[1]), "each in its own way"


def test_digits_are_smaller():
    pictures = modified.modify(np.stack([GLYPH] * 200))
    for picture in pictures:
        edge = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
        ink = np.argwhere(picture > np.median(edge) + 60)
        assert 9 <= np.ptp(ink, axis=0).max() + 1 <= 21  # of 20


def test_paper_is_as_dark_as_all_of_its_picture():
    corners = modified.modify(np.stack([GLYPH] * 200))[:, [0, 0, -1, -1], [0, -1, 0, -1]].min(1)
    assert corners.min() == 0
    assert 80 < corners.max() <= modified.MAX_BRIGHTNESS_SHIFT * 255


def test_reading_undoes_what_was_done_but_the_turn():
    glyphs = modified.normalize(np.stack([GLYPH] * 50))
    upright = image_to_glyph(255 - GLYPH)
    overlap = [np.minimum(glyph, upright).sum() / upright.sum() for glyph in glyphs.astype(float)]
    assert np.median(overlap) > 0.7


def test_modified_digits_have_names():
    assert NAMED_DATASETS["mnist-modified"].change is modified.modify
    assert NAMED_DATASETS["mnist-modified-read"].change is modified.normalize
