import numpy as np
import pytest

from inkwise._util.text import DIGITS
from inkwise.training.synthesis.allographs import _catmull_rom, add_allograph_mark, draw_allograph

ZERO = [np.array([(0.0, 0), (60, 0), (60, 100), (0, 100), (0, 0)])]
ONE = [np.array([(50.0, 0), (50, 100)])]
FOUR = [np.array([(20.0, 0), (0, 60), (60, 60)]), np.array([(50.0, 10), (40, 100)])]
SEVEN = [np.array([(0.0, 0), (60, 0), (20, 100)])]
DOT = [np.array([(5.0, 5)])]


@pytest.mark.parametrize(("label", "strokes"), [("0", ZERO), ("1", ONE), ("4", FOUR), ("7", SEVEN)])
def test_add_mark_adds_one_stroke_and_keeps_the_others(label, strokes):
    for seed in range(20):
        styled = add_allograph_mark(strokes, label, np.random.default_rng(seed))
        assert len(styled) == len(strokes) + 1
        for after, before in zip(styled, strokes, strict=False):
            np.testing.assert_array_equal(after, before)


def test_add_mark_keeps_other_digits_unchanged():
    assert add_allograph_mark(SEVEN, "3", np.random.default_rng(0)) is SEVEN


def test_mark_of_zero_crosses_its_middle():
    for seed in range(20):
        mark = add_allograph_mark(ZERO, "0", np.random.default_rng(seed))[1]
        np.testing.assert_allclose(mark.mean(0), [30, 50], atol=25)


def test_mark_of_one_is_a_base_or_a_nose():
    marks = [add_allograph_mark(ONE, "1", np.random.default_rng(seed))[1] for seed in range(40)]
    bases = [mark for mark in marks if mark[0, 1] > 80]
    noses = [mark for mark in marks if mark[0, 1] == 0]
    assert len(bases) + len(noses) == 40
    assert bases
    assert noses
    assert all(nose[1, 0] < 50 for nose in noses), "a nose points down to the left"


def test_mark_of_seven_is_a_bar_across_its_stem():
    for seed in range(20):
        mark = add_allograph_mark(SEVEN, "7", np.random.default_rng(seed))[1]
        assert 30 < mark[:, 1].mean() < 70
        assert mark[0, 0] < mark[1, 0]


def test_mark_of_four_is_a_roof_over_its_arms():
    (*_, roof) = add_allograph_mark(FOUR, "4", np.random.default_rng(0))
    np.testing.assert_array_equal(roof, [(20, 0), (50, 10)])


@pytest.mark.parametrize("label", ["0", "1", "4", "7"])
def test_mark_of_a_dot_is_no_larger_than_a_dot(label):
    for seed in range(9):
        styled = add_allograph_mark(DOT, label, np.random.default_rng(seed))
        np.testing.assert_array_equal(np.unique(np.concatenate(styled), axis=0), DOT[0])
    assert add_allograph_mark([], label, np.random.default_rng(0)) == []


def test_add_mark_is_independent_of_the_unit():
    small = add_allograph_mark([stroke / 1000 for stroke in ZERO], "0", np.random.default_rng(3))[1]
    np.testing.assert_allclose(small * 1000, add_allograph_mark(ZERO, "0", np.random.default_rng(3))[1])


@pytest.mark.parametrize("label", DIGITS)
def test_draw_allograph_is_about_one_high(label):
    for seed in range(50):
        strokes = draw_allograph(label, np.random.default_rng(seed))
        assert all(stroke.ndim == 2 and stroke.shape[1] == 2 for stroke in strokes)
        width, height = np.ptp(np.concatenate(strokes), 0)
        assert height == pytest.approx(1, abs=0.25)
        assert 0.1 < width < 2, "narrow or wide as it may be"


@pytest.mark.parametrize("label", DIGITS)
def test_draw_allograph_depends_on_the_seed_only(label):
    one, again, other = (
        np.concatenate(draw_allograph(label, np.random.default_rng(seed))) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("label", DIGITS)
def test_draw_allograph_has_several_shapes_per_digit(label):
    class Plain:
        """Chance that moves nothing and draws this shape."""

        def __init__(self, shape):
            self._shape = shape

        def integers(self, count):
            return self._shape % count

        def normal(self, _mean, _deviation, size=None):
            return 0.0 if size is None else np.zeros(size)

    first, second = ([stroke.tolist() for stroke in draw_allograph(label, Plain(shape))] for shape in (0, 1))
    assert first != second


def test_allograph_seven_has_a_bar_across_its_stem():
    for seed in range(30):
        stem, bar = draw_allograph("7", np.random.default_rng(seed))
        crossed = stem[np.abs(stem[:, 1] - bar[:, 1].mean()).argmin(), 0]
        assert bar[:, 0].min() < crossed < bar[:, 0].max()
        assert 0.3 < bar[:, 1].mean() < 0.7


CORNERS = np.array([(0.0, 0.0), (1.0, 3.0), (4.0, 2.0), (5.0, 5.0)])


def test_catmull_rom_passes_its_corners_in_order():
    curve = _catmull_rom(CORNERS)
    distances = np.linalg.norm(curve[:, None] - CORNERS, axis=2)
    np.testing.assert_allclose(distances.min(0), 0, atol=1e-12)
    assert (np.diff(distances.argmin(0)) > 0).all()
    np.testing.assert_array_equal(curve[[0, -1]], CORNERS[[0, -1]])


def test_catmull_rom_has_no_jumps_and_no_kinks():
    steps = np.diff(_catmull_rom(CORNERS), axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    moved = steps[lengths > 0] / lengths[lengths > 0, None]
    assert lengths.max() < 0.6, "corners are some 3 apart"
    assert (moved[1:] * moved[:-1]).sum(1).min() > np.cos(np.radians(35))


def test_catmull_rom_joins_two_points_by_a_straight_line():
    curve = _catmull_rom(np.array([(1.0, 1.0), (3.0, 5.0)]))
    np.testing.assert_allclose(curve[:, 1], 2 * curve[:, 0] - 1)
    assert (np.diff(curve[:, 0]) > 0).all()


def test_catmull_rom_is_straight_up_to_a_repeated_point():
    corner = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)]
    once, twice = (
        _catmull_rom(np.array(corner)),
        _catmull_rom(np.array([corner[0], corner[1], corner[1], corner[2]])),
    )
    assert once[:12, 0].min() < -0.05, "bent before it turns"
    np.testing.assert_allclose(twice[:12, 0], 0, atol=1e-12)
    np.testing.assert_allclose(twice[-12:, 1], 1, atol=1e-12)
