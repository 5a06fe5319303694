"""Rendering of training glyphs: redrawn strokes, rescans and photographs."""

import numpy as np
import pytest

from inkwise.datasets import StrokeSet
from inkwise.preprocessing import strokes_to_glyph
from inkwise.training.training_data import (
    degrade_glyphs,
    redraw_strokes,
    simulate_rescan,
)


def strokes_of(samples, labels):
    return StrokeSet("drawn", samples, np.array(labels))


def test_redraws_vary_in_pen_and_slant(hand):
    rng = np.random.default_rng(0)
    same = strokes_of([hand("4", np.random.default_rng(1))] * 50, ["4"] * 50)
    glyphs = redraw_strokes(same, 0.0, rng)
    assert glyphs.shape == (50, 28, 28)
    assert len({glyph.tobytes() for glyph in glyphs}) == 50
    plain = strokes_to_glyph(same.samples[0])
    alike = [np.corrcoef(glyph.ravel(), plain.ravel())[0, 1] for glyph in glyphs]
    assert np.median(alike) > 0.6, "but the digit stays what it is"
    ink = glyphs.sum((1, 2)) / plain.sum()
    assert ink.min() < 0.85
    assert ink.max() > 1.2


def test_allographs_are_rendered_for_their_share():
    ones = strokes_of([[np.array([(0.0, 0), (0, 90)])]] * 200, ["1"] * 200)
    wide = {
        share: np.mean(
            [
                np.ptp(np.where(glyph > 127)[1]) > 8
                for glyph in redraw_strokes(ones, share, np.random.default_rng(0))
            ]
        )
        for share in (0.0, 0.5, 1.0)
    }
    assert wide[0.0] < wide[0.5] < wide[1.0]


def test_sample_without_strokes_is_black(hand):
    empty = strokes_of([[], hand("1", np.random.default_rng(0))], ["0", "1"])
    glyphs = redraw_strokes(empty, 1.0, np.random.default_rng(0))
    assert not glyphs[0].any()
    assert glyphs[1].any()


def test_rescan_keeps_the_digit(shapes):
    glyphs = shapes[0]
    again = simulate_rescan(glyphs, np.random.default_rng(0))
    assert again.shape == glyphs.shape
    assert again.dtype == np.uint8
    assert not np.array_equal(again, glyphs)
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(again, glyphs, strict=True)]
    assert np.median(alike) > 0.75
    assert not simulate_rescan(np.zeros((2, 28, 28), np.uint8), np.random.default_rng(0)).any()
    assert simulate_rescan(glyphs[:0], np.random.default_rng(0)).shape == (0, 28, 28)


def test_degraded_glyphs_are_rescanned_or_photographed(shapes):
    glyphs = shapes[0][:60]
    again, scanned = (act(glyphs, np.random.default_rng(0)) for act in (degrade_glyphs, simulate_rescan))
    assert (again.shape, again.dtype) == (glyphs.shape, np.uint8)
    photographed = (again != scanned).any((1, 2))
    assert 0.3 < photographed.mean() < 0.7
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(again, glyphs, strict=True)]
    assert np.median(alike) > 0.75
    assert not degrade_glyphs(np.zeros((2, 28, 28), np.uint8), np.random.default_rng(0)).any()


@pytest.mark.parametrize(
    "strokes",
    [
        [np.zeros((1, 2), np.float32)],
        [np.ones((30, 2), np.float32)],
        [np.array([(0, 0), (0, 90)], np.float32)],
        [np.array([(0, 0), (1e-30, 1e-30)], np.float32), np.zeros((1, 2), np.float32)],
    ],
)
@pytest.mark.parametrize("label", ["0", "1", "4", "7"])
def test_minimal_strokes_are_rendered(strokes, label):
    glyphs = redraw_strokes(strokes_of([strokes] * 8, [label] * 8), 0.7, np.random.default_rng(0))
    assert glyphs.any((1, 2)).all()
