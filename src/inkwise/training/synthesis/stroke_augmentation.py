"""Augmentation of strokes: slant, tremor, cut corners, gaps, strokes joined or moved."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inkwise.training.synthesis.allographs import Stroke

Points = NDArray[np.float64]
"""A stroke (k, 2)."""


def augment_strokes(strokes: list[Stroke], rng: np.random.Generator) -> list[Points]:
    """The same character as another writer might draw it.

    Args:
        strokes: (k, 2) arrays, k >= 1, x right, y down, in any unit.
        rng: draws rotation, slant, aspect, and sometimes tremor, cut corners, a gap, strokes moved or joined.
    """
    matrix = _random_linear_map(rng)
    drawn = [stroke @ matrix.T for stroke in strokes]
    extent = float(np.ptp(np.concatenate(drawn), 0).max())
    if rng.random() < 0.3:
        drawn = [stroke + rng.normal(0, 0.03, 2) * extent for stroke in drawn]
    if rng.random() < 0.3:
        drawn = [_smooth_corners(stroke, rng.uniform(0.03, 0.12)) for stroke in drawn]
    if rng.random() < 0.3:
        drawn = [stroke + _tremor(len(stroke), rng) * extent for stroke in drawn]
    if rng.random() < 0.08:
        drawn = [np.concatenate(drawn)]
    elif rng.random() < 0.1:
        drawn = [part for stroke in drawn for part in _split_stroke(stroke, rng)]
    return drawn


def _random_linear_map(rng: np.random.Generator) -> Points:
    """Rotation, slant and aspect; a few writers write flat or narrow."""
    angle = rng.normal(0, 0.08)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch = np.exp(rng.normal(0, 0.3 if rng.random() < 0.1 else 0.12))
    return turn @ np.array([[stretch, rng.normal(0, 0.15)], [0, 1 / stretch]])


def _smooth_corners(stroke: Points, share: float) -> Points:
    """Cut corners by a moving average over this share of the points, with fixed ends."""
    reach = int(share * len(stroke))
    if reach < 1:
        return stroke
    padded = np.concatenate([np.repeat(stroke[:1], reach, 0), stroke, np.repeat(stroke[-1:], reach, 0)])
    sums = np.cumsum(np.concatenate([np.zeros((1, 2)), padded]), 0)
    return (sums[2 * reach + 1 :] - sums[: -2 * reach - 1]) / (2 * reach + 1)


def _tremor(count: int, rng: np.random.Generator) -> Points:
    """Smooth displacements of one or two hundredths of the size, (count, 2)."""
    knots = max(2, count // int(rng.integers(4, 9)))
    field = rng.normal(0, rng.uniform(0.004, 0.02), (knots, 2))
    along = np.linspace(0, knots - 1, count)
    return np.stack([np.interp(along, np.arange(knots), field[:, axis]) for axis in (0, 1)], 1)


def _split_stroke(stroke: Points, rng: np.random.Generator) -> list[Points]:
    """Split a stroke in two without a few points of the middle, if it has enough."""
    if len(stroke) < 12:
        return [stroke]
    gap = max(1, round(rng.uniform(0.03, 0.08) * len(stroke)))
    at = int(rng.integers(len(stroke) // 4, 3 * len(stroke) // 4))
    return [stroke[:at], stroke[at + gap :]]
