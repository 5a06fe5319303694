import numpy as np

from inkwise.datasets import load_dataset
from inkwise.preprocessing import image_to_glyph
from inkwise.reproduction import modified_mnist

GLYPH = np.zeros((28, 28), np.uint8)
GLYPH[4:24, 12:16] = 255
GLYPH[4:7, 6:16] = 255


def test_modify_is_deterministic_and_differs_per_glyph():
    glyphs = np.stack([GLYPH] * 3)
    first = modified_mnist.modify(glyphs)
    np.testing.assert_array_equal(first, modified_mnist.modify(glyphs))
    assert (first.shape, first.dtype) == ((3, 28, 28), np.uint8)
    assert not np.array_equal(first[0], first[1]), "each is modified in its own way"


def test_modify_reduces_digits():
    pictures = modified_mnist.modify(np.stack([GLYPH] * 200))
    for picture in pictures:
        edge = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
        ink = np.argwhere(picture > np.median(edge) + 60)
        assert 9 <= np.ptp(ink, axis=0).max() + 1 <= 21  # of 20


def test_modify_shifts_brightness_of_background():
    corners = modified_mnist.modify(np.stack([GLYPH] * 200))[:, [0, 0, -1, -1], [0, -1, 0, -1]].min(1)
    assert corners.min() == 0
    assert 80 < corners.max() <= modified_mnist.MAX_BRIGHTNESS_SHIFT * 255


def test_normalize_undoes_scale_shift_and_brightness():
    glyphs = modified_mnist.normalize(np.stack([GLYPH] * 50))
    upright = image_to_glyph(255 - GLYPH)
    overlap = [np.minimum(glyph, upright).sum() / upright.sum() for glyph in glyphs.astype(float)]
    assert np.median(overlap) > 0.7


def test_modified_sets_load_by_name(small_mnist):
    digits = load_dataset("mnist-test")
    for name, change in (
        ("mnist-modified", modified_mnist.modify),
        ("mnist-modified-read", modified_mnist.normalize),
    ):
        loaded = load_dataset(name)
        np.testing.assert_array_equal(loaded.glyphs, change(digits.glyphs))
        assert (loaded.name, loaded.labels.tolist()) == (name, digits.labels.tolist())
