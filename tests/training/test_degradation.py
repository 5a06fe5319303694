"""Ink becomes a picture such as people take, and what is read there is what was written."""

import numpy as np
import pytest

from inkwise.preprocessing import image_to_glyph, strokes_to_glyph
from inkwise.preprocessing.strokes import strokes_to_shape
from inkwise.training.synthesis import degradation as pictures
from inkwise.training.synthesis.degradation import (
    ink_coverage,
    photographed_glyph,
    simulate_photo,
)

SEVEN = [np.array([(0.0, 0), (60, 0), (20, 90)])]
GLYPH = strokes_to_glyph(SEVEN)
COVER = ink_coverage(strokes_to_shape(SEVEN))


@pytest.fixture(scope="module")
def taken():
    """100 photographs of a 7."""
    rng = np.random.default_rng(0)
    return [simulate_photo(COVER, rng) for _ in range(100)]


def test_photos_vary_in_size(taken):
    assert {(picture.ndim, picture.dtype) for picture in taken} == {(2, np.dtype(np.uint8))}
    longer = [max(picture.shape) for picture in taken]
    assert 16 <= min(longer) < 30
    assert 120 < max(longer) <= 250


def test_some_photos_are_inverted(taken):
    """The border shows which: it is mostly paper."""
    border = [
        np.median(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]))
        for picture in taken
    ]
    negative = np.mean(np.array(border) < 115)
    assert 0.15 < negative < 0.45


def test_most_photos_are_read_as_the_original(taken):
    read = [image_to_glyph(picture) for picture in taken]
    alike = [pictures._correlation(glyph, GLYPH) for glyph in read if glyph is not None]
    assert len(alike) > 90
    assert np.mean(np.array(alike) > 0.6) > 0.85
    assert max(alike) < 1, "but not bit for bit"


def test_photo_depends_on_the_rng_only():
    one, again, other = (simulate_photo(COVER, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    assert one.shape != other.shape or not np.array_equal(one, other)


@pytest.mark.parametrize("size", [(1, 1), (1, 20), (20, 1), (2, 3)])
def test_photo_of_minimal_ink_succeeds(size):
    rng = np.random.default_rng(0)
    for _ in range(40):
        picture = simulate_photo(np.ones(size, np.float32), rng)
        assert picture.dtype == np.uint8
        assert 16 <= max(picture.shape) <= 250
        assert min(picture.shape) >= 4


@pytest.mark.parametrize("found", [None, GLYPH.T.copy()])
def test_lost_glyph_is_replaced_by_the_original(monkeypatch, found):
    monkeypatch.setattr(pictures, "image_to_glyph", lambda picture: found)
    assert photographed_glyph(COVER, GLYPH, np.random.default_rng(0)) is GLYPH


def test_read_glyph_counts_if_similar_to_the_original(monkeypatch):
    found = np.roll(GLYPH, 1, axis=1)
    monkeypatch.setattr(pictures, "image_to_glyph", lambda picture: found)
    assert photographed_glyph(COVER, GLYPH, np.random.default_rng(0)) is found


@pytest.mark.parametrize("cover", [ink_coverage(GLYPH), COVER])
def test_coverage_is_cropped_to_the_ink(cover):
    assert cover.dtype == np.float32
    assert (cover.min(), cover.max()) == (0, 1)
    assert all(edge.any() for edge in (cover[0], cover[-1], cover[:, 0], cover[:, -1]))


@pytest.mark.parametrize("kind", ["pencil", "dry", "outline"])
def test_pens_leave_gaps(monkeypatch, kind):
    """What `written` does: the ink becomes less, and nothing is added."""

    class Chosen:
        """An rng whose first draw chooses the kind."""

        def __init__(self):
            self.rng, self.first = (
                np.random.default_rng(0),
                {"pencil": 0.1, "dry": 0.2, "outline": 0.25}[kind],
            )

        def random(self, *size):
            return self.rng.random(*size) if size else self.first

        def standard_normal(self, *size):
            return self.rng.standard_normal(*size)

    written = pictures.simulate_pen(COVER, Chosen())
    assert written.dtype == np.float32
    assert (written <= COVER + 1e-6).all()
    assert 0.1 * COVER.sum() < written.sum() < 0.99 * COVER.sum()
