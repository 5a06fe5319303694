"""Layout of digits and separators on one canvas."""

import numpy as np
import pytest

from inkwise.training.synthesis.line_layout import (
    _MAX_OVERLAP,
    DATE_SEPARATORS,
    DIGIT_HEIGHT,
    GROUP_SEPARATORS,
    DigitInk,
    bracket_strokes,
    closing_strokes,
    lay_out_line,
    rasterize,
    scale_to_height,
    separator_strokes,
)

PEN = 5.0


def block(grey, width=30):
    """An upright block as tall as a digit."""
    return DigitInk(np.full((DIGIT_HEIGHT, width), grey, np.uint8))


def leaning(grey, width=12, lean=0.5):
    """A block sheared to the right, as the stem of a 7 may be."""
    ink = np.zeros((DIGIT_HEIGHT, width + int(lean * DIGIT_HEIGHT)), np.uint8)
    for row in range(DIGIT_HEIGHT):
        left = int(lean * (DIGIT_HEIGHT - 1 - row))
        ink[row, left : left + width] = grey
    return DigitInk(ink)


def found(canvas, grey):
    """First column of this grey, of those that hold more of it than the edge of a stroke."""
    return np.flatnonzero((canvas == grey).sum(0) > 20)[0]


def placed(canvas, grey):
    """(H,) the first column of this grey in each row, -1 where none is; edges of strokes are thinner."""
    mask = (canvas[:, :-1] == grey) & (canvas[:, 1:] == grey)
    return np.where(mask.any(1), mask.argmax(1), -1)


GREYS = [100, 120, 140, 160, 180]  # of each block; where two overlap the later one is seen


@pytest.mark.parametrize("seed", range(40))
def test_digits_keep_their_order_and_hardly_overlap(seed):
    canvas = lay_out_line("12358", [block(grey) for grey in GREYS], PEN, [], np.random.default_rng(seed))
    lefts = np.array([found(canvas, grey) for grey in GREYS])
    assert (np.diff(lefts) >= 30 - _MAX_OVERLAP - 2).all(), "at most the constant and what rounding adds"


def test_leaning_digits_nest_and_hardly_overlap():
    gaps = []
    for seed in range(60):
        pieces = [leaning(grey) for grey in GREYS[:2]]
        canvas = lay_out_line("11", pieces, PEN, [], np.random.default_rng(seed))
        before, after = (placed(canvas, grey) for grey in GREYS[:2])
        beside = (before >= 0) & (after >= 0)
        gaps.append(int((after - before)[beside].min()) - 12)
    assert min(gaps) >= -_MAX_OVERLAP - 2
    apart = 32 - _MAX_OVERLAP - 2  # where no more than the boxes overlap: 32 is what they lean
    assert np.mean(np.array(gaps) < apart) > 0.15


def test_no_ink_is_lost_at_the_border():
    for seed in range(40):
        canvas = lay_out_line("9" * 10, [block(128) for _ in range(10)], PEN, [], np.random.default_rng(seed))
        assert (canvas == 128).sum() > 0.6 * 10 * 30 * DIGIT_HEIGHT
        assert not canvas[:, 0].any()
        assert not canvas[[0, -1]].any()


def test_symbols_stand_beside_some_numbers():
    dense = [np.array([(x, y) for x in range(0, 50, 2) for y in ((0.0, 50.0) if x % 4 else (50.0, 0.0))])]

    def shown(signs, seed):
        """Whether there is a patch of ink, as no digit here and no mark has one."""
        canvas = lay_out_line("1", [block(128)], PEN, signs, np.random.default_rng(seed))
        return ((canvas == 255).sum(0) > 30).sum() > 20

    assert 0.03 < np.mean([shown([dense], seed) for seed in range(200)]) < 0.2
    assert not any(shown([], seed) for seed in range(50))


def test_layout_depends_on_the_seed_only():
    one, again, other = (
        lay_out_line("42", [block(255), block(255)], PEN, [], np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_scale_to_height_moves_strokes_to_0():
    first, second = scale_to_height([np.array([(10.0, 20.0), (10, 60)]), np.array([(30.0, 40.0)])], 80)
    np.testing.assert_allclose(first, [(0, 0), (0, 80)])
    np.testing.assert_allclose(second, [(40, 40)])


def test_scale_to_height_limits_flat_strokes():
    (dash,) = scale_to_height([np.array([(0.0, 0.0), (100, 1)])], 60)
    np.testing.assert_allclose(np.ptp(dash, 0), [100, 1])
    (dot,) = scale_to_height([np.array([(7.0, 7.0)])], 60)
    np.testing.assert_allclose(dot, [(0, 0)])


@pytest.mark.parametrize("pen", [2.0, 5.0, 12.0])
def test_rasterize_crops_and_returns_pen_positions(pen):
    piece = rasterize([np.array([(20.0, 10.0), (20, 70)]), np.array([(40.0, 70.0), (50, 40)])], pen)
    assert piece.ink.dtype == np.uint8
    assert all(edge.any() for edge in (piece.ink[0], piece.ink[-1], piece.ink[:, 0], piece.ink[:, -1]))
    assert piece.ink.shape == pytest.approx((60 + pen, 30 + pen), abs=4)
    np.testing.assert_allclose(piece.end_point - piece.start_point, (30, 30))
    for x, y in (piece.start_point, piece.end_point):
        assert piece.ink[round(y), round(x)] == 255


def test_some_lines_have_ligatures():
    def bridged(seed, **pen):
        """Whether ink leads from the first digit to the second, at some distance."""
        row = [DigitInk(block(grey).ink, **pen) for grey in GREYS[:2]]
        canvas = lay_out_line("11", row, PEN, [], np.random.default_rng(seed))
        between = canvas[:, found(canvas, GREYS[0]) + 30 : found(canvas, GREYS[1])]
        return between.shape[1] > 3 and between.any(0).all()

    pen = {"start_point": np.array([0.0, 30]), "end_point": np.array([29.0, 40])}
    joined, apart = (np.array([bridged(seed, **kept) for seed in range(200)]) for kept in (pen, {}))
    assert 0.02 < np.mean(joined & ~apart) < 0.25
    assert not (apart & ~joined).any(), "all else stays where it is"


def extent(strokes):
    points = np.concatenate(strokes)
    return np.ptp(points, 0)


@pytest.mark.parametrize("shares", [GROUP_SEPARATORS, DATE_SEPARATORS])
def test_separator_frequencies_sum_to_1(shares):
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize("kind", sorted({*GROUP_SEPARATORS, *DATE_SEPARATORS} - {*" /"}))
def test_most_separators_are_lower_than_a_digit(kind):
    rng = np.random.default_rng(0)
    assert max(extent(separator_strokes(kind, rng))[1] for _ in range(50)) < 64


def test_slash_is_as_tall_as_a_digit_and_leans_right():
    rng = np.random.default_rng(0)
    for _ in range(50):
        (stroke,) = separator_strokes("/", rng)
        assert extent([stroke])[1] > 55
        assert stroke[0, 0] < stroke[1, 0]
        assert stroke[0, 1] > stroke[1, 1]


def test_space_has_no_strokes():
    assert separator_strokes(" ", np.random.default_rng(0)) == []


def test_brackets_curve_outwards():
    (opening,), (closing_,) = bracket_strokes(np.random.default_rng(0))
    assert opening[0, 0] > opening[len(opening) // 2, 0]
    assert closing_[0, 0] < closing_[len(closing_) // 2, 0]


def test_closing_strokes_stay_near_the_baseline():
    rng = np.random.default_rng(0)
    for _ in range(100):
        points = np.concatenate(closing_strokes(rng))
        assert points[:, 1].min() > -80
        assert points[:, 1].max() < 45
        assert np.ptp(points[:, 0]) < 220
