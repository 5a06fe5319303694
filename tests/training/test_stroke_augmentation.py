"""Another hand writes the same sign: the strokes differ, and none is lost."""

import numpy as np
import pytest

from inkwise.training.synthesis.stroke_augmentation import (
    _smooth_corners,
    _split_stroke,
    _tremor,
    augment_strokes,
)

ALONG = np.linspace(0, 1, 60)[:, None]
BAR = np.hstack([60 * ALONG, 0 * ALONG])
STEM = np.hstack([60 - 40 * ALONG, 90 * ALONG])
CORNER = np.concatenate([BAR, STEM])
DOT = np.array([(30.0, 100)])


def hands(strokes, count=400):
    return [augment_strokes(strokes, np.random.default_rng(seed)) for seed in range(count)]


def length(stroke):
    return np.linalg.norm(np.diff(stroke, axis=0), axis=1).sum()


def test_augmentation_keeps_nearly_all_points():
    for drawn in hands([BAR, STEM]):
        points = np.concatenate(drawn)
        assert points.shape[1] == 2
        assert 0.9 * 120 <= len(points) <= 120
        assert np.isfinite(points).all()


def test_augmented_character_stays_upright_and_of_similar_size():
    for drawn in hands([CORNER]):
        extent = np.ptp(np.concatenate(drawn), 0)
        assert 20 < extent[0] < 180
        assert 35 < extent[1] < 230
        assert drawn[0][0, 1] < drawn[-1][-1, 1], "the end is below the beginning"


def test_some_strokes_are_joined_or_broken():
    counts = [len(drawn) for drawn in hands([BAR, STEM])]
    assert set(counts) == {1, 2, 4}
    assert 0.04 < counts.count(1) / 400 < 0.12, "the pen was not lifted"
    assert 0.05 < counts.count(4) / 400 < 0.14, "the pen skipped, in each stroke"


def test_some_strokes_are_moved():
    """Both begin where the other does: they still do unless one was moved."""
    apart = [
        np.linalg.norm(drawn[0][0] - drawn[1][0]) > 0.5
        for drawn in hands([STEM, STEM.copy()])
        if len(drawn) == 2
    ]
    assert 0.2 < np.mean(apart) < 0.7


def test_smoothing_cuts_corners_and_keeps_the_ends():
    hasty = _smooth_corners(CORNER, 0.1)
    assert hasty.shape == CORNER.shape
    assert length(hasty) < length(CORNER) - 5
    np.testing.assert_allclose(hasty[[0, -1]], CORNER[[0, -1]], atol=10)
    assert _smooth_corners(DOT, 0.1) is DOT
    straight = _smooth_corners(BAR, 0.1)
    np.testing.assert_allclose(straight[:, 1], 0, atol=1e-9)


def test_tremor_is_smooth_and_small():
    for seed in range(20):
        field = _tremor(60, np.random.default_rng(seed))
        assert field.shape == (60, 2)
        assert 0 < np.abs(field).max() < 0.1
        assert np.abs(np.diff(field, axis=0)).max() < 0.03


def test_split_stroke_leaves_a_gap():
    for seed in range(20):
        first, second = _split_stroke(BAR, np.random.default_rng(seed))
        assert 12 <= len(first) <= 48
        assert 55 <= len(first) + len(second) < 60
        np.testing.assert_array_equal(first, BAR[: len(first)])
        np.testing.assert_array_equal(second, BAR[-len(second) :])
    short = BAR[:11]
    (same,) = _split_stroke(short, np.random.default_rng(0))
    assert same is short


def test_dot_survives():
    for drawn in hands([STEM, DOT]):
        assert len(drawn) == 1 or len(drawn[-1]) == 1
        assert len(np.concatenate(drawn)) >= 0.9 * 60 + 1


@pytest.mark.parametrize("strokes", [[DOT], [DOT, DOT + 1], [np.ones((30, 2))], [BAR * 1e-30]])
def test_strokes_without_extent_are_accepted(strokes):
    for drawn in hands(strokes, 50):
        assert len(np.concatenate(drawn)) >= 0.9 * sum(map(len, strokes))
        assert np.isfinite(np.concatenate(drawn)).all()


def test_augmentation_is_independent_of_the_unit_and_keeps_its_input():
    stroke = CORNER.astype(np.float32)
    large = augment_strokes([stroke * 1000], np.random.default_rng(5))
    small = augment_strokes([stroke], np.random.default_rng(5))
    for one, other in zip(small, large, strict=True):
        assert one.dtype == np.float64
        np.testing.assert_allclose(one * 1000, other, rtol=1e-4, atol=1)
    np.testing.assert_array_equal(stroke, CORNER.astype(np.float32))


def test_augmentation_depends_on_the_rng_only():
    one, again, other = (augment_strokes([CORNER], np.random.default_rng(seed))[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert one.shape != other.shape or not np.allclose(one, other)
