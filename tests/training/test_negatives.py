"""What is no digit has ink, is of many kinds, and is no digit."""

import cv2
import numpy as np
import pytest

from inkwise._util.errors import DataError
from inkwise.preprocessing import strokes_to_glyph
from inkwise.training.synthesis import negatives as others
from inkwise.training.synthesis.negatives import LOOK_ALIKES, corrupt_digits, synthesize_negatives

TURN = np.linspace(0, 2 * np.pi, 40)
ZERO = strokes_to_glyph([np.stack([30 * np.cos(TURN), 45 * np.sin(TURN)], 1)])


def zeros(count):
    return np.stack([ZERO] * count)


def holes(glyph):
    """How many areas the ink encloses: a 0 has one."""
    padded = np.pad(glyph < 100, 1, constant_values=True).astype(np.uint8)
    return cv2.connectedComponents(padded, connectivity=4)[0] - 2


def straightness(glyph):
    """0 for a straight line, 1 for what is as wide as long."""
    across, along = np.linalg.eigvalsh(np.cov(np.argwhere(glyph > 127).T))
    return across / along


@pytest.mark.parametrize("maker", others._GENERATORS)
def test_every_generator_returns_varying_ink(maker):
    rng = np.random.default_rng(0)
    made = [others._retry(maker, rng) for _ in range(12)]
    assert all(glyph.shape == (28, 28) and glyph.dtype == np.uint8 and glyph.max() > 127 for glyph in made)
    assert len({glyph.tobytes() for glyph in made}) == 12


def test_generator_is_retried():
    told = iter([None, np.zeros((28, 28), np.uint8), ZERO])
    assert others._retry(lambda rng: next(told), np.random.default_rng(0)) is ZERO


def test_negatives_without_printed_characters(monkeypatch):
    def printed(rng):
        raise AssertionError("a printed character")

    makers = [printed if maker in others._PRINTERS else maker for maker in others._GENERATORS]
    monkeypatch.setattr(others, "_GENERATORS", makers)
    monkeypatch.setattr(others, "_PRINTERS", (printed,))
    assert len(synthesize_negatives(40, np.random.default_rng(0), printed=False)) == 40


def test_negatives_depend_on_the_rng_only():
    one, again, other = (synthesize_negatives(12, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (one.shape, one.dtype) == ((12, 28, 28), np.uint8)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert synthesize_negatives(0, np.random.default_rng(0)).shape == (0, 28, 28)


def test_every_generator_is_used(monkeypatch):
    asked = []
    monkeypatch.setattr(others, "_retry", lambda maker, rng: asked.append(maker) or ZERO)
    synthesize_negatives(2000, np.random.default_rng(0))
    shares = [asked.count(maker) / 2000 for maker in others._GENERATORS]
    np.testing.assert_allclose(shares, others._GENERATOR_SHARES, atol=0.03)


def test_scribble_is_not_a_straight_line():
    rng = np.random.default_rng(0)
    line = strokes_to_glyph([np.array([(0, 0), (10, 90)])])
    assert straightness(line) < 0.02
    assert all(straightness(others._retry(others._scribble, rng)) > 0.02 for _ in range(60))


def test_printed_characters_do_not_look_like_digits():
    assert not LOOK_ALIKES & {*others._PRINTED_CHARACTERS}
    assert not {*"0123456789"} & {*others._PRINTED_CHARACTERS}


def test_corrupted_digits_are_several_or_a_part():
    assert holes(ZERO) == 1
    found = [
        holes(glyph) for glyph in corrupt_digits(zeros(3), np.array(["0"] * 3), 60, np.random.default_rng(0))
    ]
    assert 1 not in found
    assert found.count(0) >= 10, "cut off"
    assert sum(number >= 2 for number in found) >= 20, "run together"


@pytest.mark.parametrize("label", ["1", "3", "4", "7", "9", "A"])
def test_digits_with_digit_parts_are_not_cropped(label):
    spoilt = corrupt_digits(zeros(2), np.array([label] * 2), 12, np.random.default_rng(0))
    assert all(holes(glyph) >= 2 for glyph in spoilt)


@pytest.mark.parametrize("label", sorted(others._CUT_SIDES))
def test_about_half_is_cut_off(label):
    rng = np.random.default_rng(0)
    for _ in range(20):
        left = np.count_nonzero(others._cut_off(ZERO, label, rng)) / np.count_nonzero(ZERO)
        assert 0.25 < left < 0.75


def test_corrupted_digits_depend_on_the_rng_only():
    labels = np.array(["0", "4"])
    one, again = (corrupt_digits(zeros(2), labels, 8, np.random.default_rng(0)) for _ in range(2))
    assert (one.shape, one.dtype) == ((8, 28, 28), np.uint8)
    np.testing.assert_array_equal(one, again)
    assert corrupt_digits(zeros(2), labels, 0, np.random.default_rng(0)).shape == (0, 28, 28)


def test_digits_without_ink_are_ignored():
    glyphs, labels = zeros(3), np.array(["0", "4", "0"])
    glyphs[1] = 0
    spoilt = corrupt_digits(glyphs, labels, 12, np.random.default_rng(0))
    np.testing.assert_array_equal(
        spoilt, corrupt_digits(zeros(2), np.array(["0", "0"]), 12, np.random.default_rng(0))
    )
    with pytest.raises(DataError, match=r"^no digit holds ink, so none can be corrupted$"):
        corrupt_digits(np.zeros_like(glyphs), labels, 2, np.random.default_rng(0))
