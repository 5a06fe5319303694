"""Layout of digits and separators on one canvas."""

import numpy as np
import pytest

from inkwise.training.synthesis.line_layout import (
    _MAX_OVERLAP,
    DIGIT_HEIGHT,
    DigitInk,
    LineCanvas,
    bracket_strokes,
    rasterize,
    scale_to_height,
    separator_strokes,
)

PEN = 5.0


def block(grey, width=30):
    """An upright block as tall as a digit."""
    return DigitInk(np.full((DIGIT_HEIGHT, width), grey, np.uint8))


GREYS = [100, 120, 140, 160, 180]  # of each block; where two overlap the later one is seen


def found(canvas, grey):
    """First column of this grey, of those that hold more of it than the edge of a stroke."""
    return np.flatnonzero((canvas == grey).sum(0) > 20)[0]


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


def written(pieces, joined, seed):
    canvas = LineCanvas(len(pieces), PEN, np.random.default_rng(seed))
    for piece in pieces:
        canvas.write_digit(piece, "1", joined)
    return canvas.canvas


@pytest.mark.parametrize("seed", range(20))
def test_digits_keep_their_order_and_hardly_overlap(seed):
    canvas = written([block(grey) for grey in GREYS], 0.0, seed)
    lefts = np.array([found(canvas, grey) for grey in GREYS])
    assert (np.diff(lefts) >= 30 - _MAX_OVERLAP - 2).all(), "at most the constant and what rounding adds"


def test_ligatures_lead_along_the_path_of_the_pen():
    path = {"start_point": np.array([0.0, 30]), "end_point": np.array([29.0, 40])}
    pieces = [DigitInk(block(grey).ink, **path) for grey in GREYS[:2]]
    more = [written(pieces, 1.0, seed).astype(bool).sum() for seed in range(20)]
    less = [written(pieces, 0.0, seed).astype(bool).sum() for seed in range(20)]
    assert np.mean(more) > np.mean(less)


def extent(strokes):
    points = np.concatenate(strokes)
    return np.ptp(points, 0)


@pytest.mark.parametrize("kind", [*".,-:"])
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
