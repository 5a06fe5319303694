"""Composed numbers with separators."""

import numpy as np
import pytest

from inkwise.training.synthesis.allographs import draw_allograph
from inkwise.training.synthesis.line_layout import DIGIT_HEIGHT, separator_strokes
from inkwise.training.synthesis.number_layout import Hand, lay_out_number
from inkwise.training.synthesis.number_pool import NumberPool
from inkwise.training.synthesis.number_synthesis import PICTURE_HEIGHT, WIDTH_STEP, compose_number
from inkwise.training.synthesis.number_texts import (
    NUMBER_CHARACTERS,
    OTHER,
    RAISED,
    SEPARATORS,
    random_number_text,
)

PEN = 5.0


@pytest.fixture(scope="module")
def pool():
    rng = np.random.default_rng(0)
    hand = [[draw_allograph(digit, rng)] for digit in "0123456789"]
    scan = [[np.full((20, 14), 255, np.uint8)] for _ in range(10)]
    bar = [np.array([[0.0, 0], [0.1, 1]])]
    dash = [np.array([[0.0, 0], [0.4, 0.05]])]
    separators = {kind: [dash if kind in "-=" else bar] for kind in SEPARATORS}
    return NumberPool([hand], [scan], separators, [[bar]], [bar], [(hand[3][0], "3")])


@pytest.fixture(scope="module")
def composed(pool):
    rng = np.random.default_rng(1)
    return [compose_number(pool, rng) for _ in range(60)]


def ink_columns(text, pool, seed=0):
    hand = Hand(pool, PEN, np.random.default_rng(seed))
    return lay_out_number(text, hand).shape


def test_texts_hold_known_characters_and_every_separator_occurs():
    rng = np.random.default_rng(0)
    texts = [random_number_text(rng) for _ in range(3000)]
    assert {*"".join(texts)} == {*NUMBER_CHARACTERS}
    assert max(map(len, texts)) < 30


def test_pictures_have_one_height_and_few_widths(composed):
    for picture, text in composed:
        assert picture.dtype == np.uint8
        assert picture.shape[0] == PICTURE_HEIGHT
        assert picture.shape[1] % WIDTH_STEP == 0
        assert picture.shape[1] > 8 * len(text)
        assert np.ptp(picture) > 20


def test_most_pictures_are_dark_on_light(composed):
    assert np.mean([np.median(picture) > picture.mean() for picture, _ in composed]) > 0.5


def test_same_seed_composes_the_same(pool):
    one, other = (compose_number(pool, np.random.default_rng(7)) for _ in range(2))
    assert one[1] == other[1]
    assert (one[0] == other[0]).all()


@pytest.mark.parametrize("longer", ["1 2", f"12{OTHER}", "1.2", "12€", "12½", "1/2"])
def test_separators_take_room(pool, longer):
    widths = [[ink_columns(text, pool, seed)[1] for seed in range(20)] for text in ("12", longer)]
    assert np.median(widths[1]) > np.median(widths[0])


def test_raised_digits_are_higher_than_the_others(pool):
    heights = [[ink_columns(text, pool, seed)[0] for seed in range(20)] for text in ("1250", f"12{RAISED}50")]
    assert np.median(heights[1]) > np.median(heights[0])


@pytest.mark.parametrize(("kind", "low", "high"), [("'", 0.6, 1.4), ("-", 0.1, 0.9), ("/", -0.4, 1.6)])
def test_separators_stand_at_their_height(pool, kind, low, high):
    for seed in range(20):
        points = np.concatenate(Hand(pool, PEN, np.random.default_rng(seed)).separator(kind, DIGIT_HEIGHT))
        middle = -(points[:, 1].min() + points[:, 1].max()) / 2 / DIGIT_HEIGHT
        assert low < middle < high


def test_geometric_separators_scale_with_the_digits(pool):
    hand = Hand(pool, PEN, np.random.default_rng(0))
    hand.geometric = True
    hand.rng = np.random.default_rng(3)
    half = np.concatenate(hand.separator("/", DIGIT_HEIGHT / 2))
    whole = np.concatenate(separator_strokes("/", np.random.default_rng(3)))
    np.testing.assert_allclose(half, whole / 2)
