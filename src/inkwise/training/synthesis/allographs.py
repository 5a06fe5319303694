"""Ways of writing a digit that MNIST hardly shows and many people use, made from strokes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Stroke = NDArray[np.floating]


def add_allograph_mark(strokes: list[Stroke], label: str, rng: np.random.Generator) -> list[Stroke]:
    """Add one mark: a slash, bar or dot in a 0, a base or a nose to a 1, a roof to a 4, a bar to a 7.

    Other labels stay.

    Args:
        strokes: (k, 2) arrays, x right, y down, in any unit.
        label: what they are.
        rng: draws which mark, and its size and place.
    """
    marks = _MARKS.get(label)
    if not marks or not strokes:
        return strokes
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    mark = marks[rng.integers(len(marks))]
    return [*strokes, mark(points, (low + high) / 2, high - low, rng)]


AllographMark = Callable[[Stroke, Stroke, Stroke, np.random.Generator], Stroke]
"""From all points, the middle and the extent (width, height) of a digit to one more stroke."""


def _slash(_: Stroke, middle: Stroke, extent: Stroke, rng: np.random.Generator) -> Stroke:
    reach = np.array([0.4 * extent[0] + 0.1 * extent[1], -0.45 * extent[1]]) * rng.uniform(0.6, 1.15)
    return np.stack([middle - reach, middle + reach])


def _bar(_: Stroke, middle: Stroke, extent: Stroke, rng: np.random.Generator) -> Stroke:
    reach = np.array([0.5 * extent[0], rng.normal(0, 0.04) * extent[1]]) * rng.uniform(0.7, 1.5)
    middle = middle + np.array([0, rng.normal(0, 0.06)]) * extent[1]
    return np.stack([middle - reach, middle + reach])


def _dot(_: Stroke, middle: Stroke, extent: Stroke, rng: np.random.Generator) -> Stroke:
    reach = rng.normal(0, 0.04, 2) * extent[1]
    return np.stack([middle - reach, middle + reach])


def _base(points: Stroke, _: Stroke, extent: Stroke, rng: np.random.Generator) -> Stroke:
    foot = points[points[:, 1].argmax()]
    left, right = rng.uniform(0.12, 0.4, 2) * extent[1]
    tilt = rng.normal(0, 0.03) * extent[1]
    return np.stack([foot - np.array([left, tilt]), foot + np.array([right, tilt])])


def _nose(points: Stroke, _: Stroke, extent: Stroke, rng: np.random.Generator) -> Stroke:
    top = points[points[:, 1].argmin()]
    return np.stack([top, top + rng.uniform(0.12, 0.4, 2) * [-extent[1], extent[1]]])


def _crossbar(points: Stroke, middle: Stroke, extent: Stroke, rng: np.random.Generator) -> Stroke:
    height = middle[1] + rng.uniform(-0.1, 0.12) * extent[1]
    crossing = np.array([points[np.abs(points[:, 1] - height).argmin(), 0], height])
    reach = np.array([rng.uniform(0.15, 0.35), rng.normal(0, 0.04)]) * extent[1]
    return np.stack([crossing - reach, crossing + reach])


def _roof(points: Stroke, middle: Stroke, extent: Stroke, _: np.random.Generator) -> Stroke:
    upper = points[points[:, 1] < middle[1] - 0.2 * extent[1]]
    if not len(upper):
        return points[:1]
    return np.stack([upper[upper[:, 0].argmin()], upper[upper[:, 0].argmax()]])


_MARKS: dict[str, tuple[AllographMark, ...]] = {
    "0": (_slash, _bar, _dot),
    "1": (_base, _nose),
    "4": (_roof,),
    "7": (_crossbar,),
}
