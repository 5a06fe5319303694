"""Composed line images."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from inkwise.preprocessing.line_image import LINE_HEIGHT, MAX_LINE_WIDTH
from inkwise.training.synthesis import line_synthesis as lines
from inkwise.training.synthesis.digit_pool import build_digit_pools
from inkwise.training.synthesis.line_synthesis import (
    compose_line,
    line_coverage,
    random_number,
    security_pattern,
    simulate_line_photo,
)

COUNT = 30


@pytest.fixture(scope="module")
def bank(lines_recipe):
    return build_digit_pools(lines_recipe)[0]


@pytest.fixture(scope="module")
def strips(bank):
    rng = np.random.default_rng(0)
    return [compose_line(bank, rng) for _ in range(COUNT)]


def test_line_images_have_one_height_and_ink(strips):
    for strip, _ in strips:
        assert strip.dtype == np.uint8
        assert strip.shape[0] == LINE_HEIGHT
        assert LINE_HEIGHT <= strip.shape[1] <= MAX_LINE_WIDTH
        assert strip.max() >= 128


def test_digits_are_large_enough_to_read(strips):
    heights = [np.ptp(np.flatnonzero((strip >= 128).any(1))) + 1 for strip, _ in strips]
    assert np.median(heights) >= 20
    assert all(strip.shape[1] >= 8 * len(text) for strip, text in strips)


def test_longer_numbers_make_wider_line_images(bank):
    rng = np.random.default_rng(0)
    made = [compose_line(bank, rng) for _ in range(100)]
    widths, lengths = [strip.shape[1] for strip, _ in made], [len(text) for _, text in made]
    assert np.corrcoef(np.log(widths), lengths)[0, 1] > 0.4


def test_texts_are_digits_only(strips):
    texts = [text for _, text in strips]
    assert all(set(text) <= set("0123456789") for text in texts)
    assert len(set(texts)) > COUNT / 2


def test_some_lines_are_words(bank, monkeypatch):
    monkeypatch.setattr(lines, "simulate_line_photo", lambda cover, _: (255 * (1 - cover)).astype(np.uint8))
    rng = np.random.default_rng(0)
    empty = [compose_line(bank, rng)[1] == "" for _ in range(300)]
    assert 0.01 < np.mean(empty) < 0.07


def test_words_consist_of_letters(bank, monkeypatch):
    monkeypatch.setattr(lines, "_WORD_SHARE", 1.0)
    rng = np.random.default_rng(0)
    words = [
        compose_line(replace(bank, samples_by_writer=[], glyphs=[], numbers=[], symbols=[]), rng)
        for _ in range(10)
    ]
    assert {text for _, text in words} == {""}
    assert all(strip.any() for strip, _ in words)
    assert len({strip.shape[1] for strip, _ in words}) > 5, "of one letter or several"


def test_without_letters_there_are_no_words(bank, monkeypatch):
    monkeypatch.setattr(lines, "_WORD_SHARE", 1.0)
    rng = np.random.default_rng(0)
    assert all(compose_line(replace(bank, letters=[]), rng)[1] for _ in range(10))


def test_compose_line_depends_on_the_seed_only(bank):
    one, two, other = (compose_line(bank, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one[0], two[0])
    assert one[1] == two[1]
    assert other[0].shape != one[0].shape or (other[0] != one[0]).any()


def test_pool_of_digits_alone_suffices(bank):
    rng = np.random.default_rng(0)
    bare = replace(bank, symbols=[], letters=[], numbers=[])
    assert all(compose_line(bare, rng)[0].any() for _ in range(COUNT))


def test_numbers_have_one_to_ten_digits_and_trailing_zeros():
    rng = np.random.default_rng(0)
    texts = [random_number(rng) for _ in range(1000)]
    assert {len(text) for text in texts} == set(range(1, 11))
    assert 0.2 < np.mean([text.endswith("0") for text in texts]) < 0.5
    assert 0.3 < np.mean([len(text) > 4 for text in texts]) < 0.7


def test_first_digits_follow_benford():
    rng = np.random.default_rng(0)
    first = [random_number(rng)[0] for _ in range(2000)]
    assert 0.16 < np.mean([digit == "1" for digit in first]) < 0.25
    assert 0.03 < np.mean([digit == "9" for digit in first]) < 0.1


def test_digits_repeat_more_often_than_by_chance():
    rng = np.random.default_rng(0)
    pairs = [pair for _ in range(2000) for pair in pairwise(random_number(rng).rstrip("0"))]
    assert 0.14 < np.mean([one == other for one, other in pairs]) < 0.22, "one in ten by chance"


def test_line_coverage_is_cropped_to_the_ink(bank):
    rng = np.random.default_rng(0)
    for _ in range(10):
        cover = line_coverage("1234567890", bank, rng)
        assert cover.dtype == np.float32
        assert 0 <= cover.min() < cover.max() <= 1
        assert all(edge.any() for edge in (cover[0], cover[-1], cover[:, 0], cover[:, -1]))
        assert cover.shape[0] > 40, "digits are some 64 pixels high"


SLOPE, SLANT = (0, 0.03), (-0.2, 0.25)


class Chance:
    """Chance, but what is drawn by this mean and deviation, a line's slope or slant, is as told."""

    def __init__(self, kind, value):
        self._rng, self._kind, self._value = np.random.default_rng(0), kind, value

    def normal(self, loc=0.0, scale=1.0, size=None):
        drawn = self._rng.normal(loc, scale, size)
        return self._value if (loc, scale) == self._kind else drawn

    def __getattr__(self, name):
        return getattr(self._rng, name)


@pytest.mark.parametrize("slope", [-0.2, 0.2])
def test_steep_line_keeps_its_digits_whole(bank, slope):
    cover = line_coverage("8" * 10, bank, Chance(SLOPE, slope))
    rows = [np.flatnonzero(part.max(1) > 0.5) for part in (cover[:, :40], cover[:, -40:])]
    assert min(map(np.ptp, rows)) > 40, "the first digit and the last"
    assert (rows[1].mean() - rows[0].mean()) * np.sign(slope) > 40


def test_slant_keeps_all_ink(bank):
    upright, left, right = (line_coverage("1", bank, Chance(SLANT, slant)) for slant in (0.0, 0.6, -0.6))

    def leaning(cover):
        """How far right of its foot the ink has its head, in heights."""
        head, foot = (np.flatnonzero(part.any(0)).mean() for part in (cover[:9], cover[-9:]))
        return (head - foot) / cover.shape[0]

    for cover, lean in ((left, -0.6), (right, 0.6)):
        assert cover.sum() == pytest.approx(upright.sum(), rel=0.01)
        assert cover.shape[0] == pytest.approx(upright.shape[0], abs=2)
        assert leaning(cover) - leaning(upright) == pytest.approx(lean, abs=0.15)


def test_line_photo_is_grey_with_ink_on_paper(bank):
    rng = np.random.default_rng(0)
    for _ in range(5):
        grey = simulate_line_photo(line_coverage("2024", bank, rng), rng)
        assert grey.dtype == np.uint8
        assert np.ptp(grey) > 20
        assert 20 <= grey.shape[0] < 200


def test_security_pattern_is_fine_and_covers_the_paper():
    rng = np.random.default_rng(0)
    for _ in range(10):
        waves = security_pattern((60, 200), rng)
        assert (waves.shape, waves.dtype) == ((60, 200), np.float32)
        assert np.isfinite(waves).all()
        assert waves.std() > 0.02
