import numpy as np
import pytest

from inkwise.training.synthesis.allographs import add_allograph_mark

ZERO = [np.array([(0.0, 0), (60, 0), (60, 100), (0, 100), (0, 0)])]
ONE = [np.array([(50.0, 0), (50, 100)])]
FOUR = [np.array([(20.0, 0), (0, 60), (60, 60)]), np.array([(50.0, 10), (40, 100)])]
SEVEN = [np.array([(0.0, 0), (60, 0), (20, 100)])]
DOT = [np.array([(5.0, 5)])]


@pytest.mark.parametrize(("label", "strokes"), [("0", ZERO), ("1", ONE), ("4", FOUR), ("7", SEVEN)])
def test_one_stroke_is_added_and_the_others_stay(label, strokes):
    for seed in range(20):
        styled = add_allograph_mark(strokes, label, np.random.default_rng(seed))
        assert len(styled) == len(strokes) + 1
        for after, before in zip(styled, strokes, strict=False):
            np.testing.assert_array_equal(after, before)


def test_other_digits_stay_as_they_are():
    assert add_allograph_mark(SEVEN, "3", np.random.default_rng(0)) is SEVEN


def test_the_mark_in_a_zero_crosses_its_middle():
    for seed in range(20):
        mark = add_allograph_mark(ZERO, "0", np.random.default_rng(seed))[1]
        np.testing.assert_allclose(mark.mean(0), [30, 50], atol=25)


def test_a_one_gets_a_base_at_its_foot_or_a_nose_at_its_top():
    marks = [add_allograph_mark(ONE, "1", np.random.default_rng(seed))[1] for seed in range(40)]
    bases = [mark for mark in marks if mark[0, 1] > 80]
    noses = [mark for mark in marks if mark[0, 1] == 0]
    assert len(bases) + len(noses) == 40
    assert bases
    assert noses
    assert all(nose[1, 0] < 50 for nose in noses), "a nose points down to the left"


def test_the_bar_of_a_seven_crosses_its_stem_at_half_height():
    for seed in range(20):
        mark = add_allograph_mark(SEVEN, "7", np.random.default_rng(seed))[1]
        assert 30 < mark[:, 1].mean() < 70
        assert mark[0, 0] < mark[1, 0]


def test_a_four_gets_a_roof_over_its_two_arms():
    (*_, roof) = add_allograph_mark(FOUR, "4", np.random.default_rng(0))
    np.testing.assert_array_equal(roof, [(20, 0), (50, 10)])


@pytest.mark.parametrize("label", ["0", "1", "4", "7"])
def test_a_dot_gets_no_more_than_a_dot(label):
    for seed in range(9):
        styled = add_allograph_mark(DOT, label, np.random.default_rng(seed))
        np.testing.assert_array_equal(np.unique(np.concatenate(styled), axis=0), DOT[0])
    assert add_allograph_mark([], label, np.random.default_rng(0)) == []


def test_the_unit_does_not_matter():
    small = add_allograph_mark([stroke / 1000 for stroke in ZERO], "0", np.random.default_rng(3))[1]
    np.testing.assert_allclose(small * 1000, add_allograph_mark(ZERO, "0", np.random.default_rng(3))[1])
