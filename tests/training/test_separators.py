"""What stands beside the digits of a number, drawn where digits are 64 pixels high."""

import numpy as np
import pytest

from inkwise.training.synthesis.separators import (
    DATE_SEPARATORS,
    GROUP_SEPARATORS,
    bracket_strokes,
    closing_strokes,
    separator_strokes,
)


def extent(strokes):
    points = np.concatenate(strokes)
    return np.ptp(points, 0)


@pytest.mark.parametrize("shares", [GROUP_SEPARATORS, DATE_SEPARATORS])
def test_shares_are_shares(shares):
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    "kind", [kind for kind in sorted({*GROUP_SEPARATORS, *DATE_SEPARATORS}) if kind not in " /"]
)
def test_most_separators_are_lower_than_a_digit(kind):
    rng = np.random.default_rng(0)
    assert max(extent(separator_strokes(kind, rng))[1] for _ in range(50)) < 64


def test_a_slash_is_at_least_as_tall_as_a_digit_and_leans_to_the_right():
    rng = np.random.default_rng(0)
    for _ in range(50):
        (stroke,) = separator_strokes("/", rng)
        assert extent([stroke])[1] > 55
        assert stroke[0, 0] < stroke[1, 0]
        assert stroke[0, 1] > stroke[1, 1]


def test_a_blank_has_no_strokes():
    assert separator_strokes(" ", np.random.default_rng(0)) == []


def test_brackets_bend_away_from_what_they_hold():
    (opening,), (closing_,) = bracket_strokes(np.random.default_rng(0))
    assert opening[0, 0] > opening[len(opening) // 2, 0]
    assert closing_[0, 0] < closing_[len(closing_) // 2, 0]


def test_what_closes_a_number_stays_near_its_line():
    rng = np.random.default_rng(0)
    for _ in range(100):
        points = np.concatenate(closing_strokes(rng))
        assert points[:, 1].min() > -80
        assert points[:, 1].max() < 45
        assert np.ptp(points[:, 0]) < 220
