"""Allographs: shapes and marks of digits that are common in handwriting but rare in MNIST."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Stroke = NDArray[np.floating]

_POINTS_PER_SEGMENT = 12  # points between two corners of a stroke


def add_allograph_mark(strokes: list[Stroke], label: str, rng: np.random.Generator) -> list[Stroke]:
    """Add one mark: a slash, bar or dot in a 0, a base or a nose to a 1, a roof to a 4, a bar to a 7.

    Other labels stay as they are.

    Args:
        strokes: (k, 2) arrays, x right, y down, in any unit.
        label: the digit.
        rng: draws the mark, its size and its place.
    """
    marks = _MARKS.get(label)
    if not marks or not strokes:
        return strokes
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    mark = marks[rng.integers(len(marks))]
    return [*strokes, mark(points, (low + high) / 2, high - low, rng)]


def draw_allograph(label: str, rng: np.random.Generator) -> list[Stroke]:
    """A digit in a shape common in Latin America and continental Europe.

    For example a 1 with a long upstroke or a loop, an open 4 like an h or a y, a 5 in one stroke, a 7 with a
    bar. The corners move at random by some hundredths of the height.

    Args:
        label: the digit.
        rng: draws the shape.

    Returns:
        (k, 2) float arrays, x right, y down, about 1 high.
    """
    shapes = _SHAPES[label]
    shape = shapes[rng.integers(len(shapes))]
    stretch = np.array([np.exp(rng.normal(0, 0.2)), 1])
    strokes = [
        np.array([point.split(",") for point in stroke.split()], float) / 100 for stroke in shape.split("  ")
    ]
    return [_catmull_rom((points + rng.normal(0, 0.035, points.shape)) * stretch) for points in strokes]


def _catmull_rom(points: Stroke) -> Stroke:
    """A smooth curve through points, (k, 2); a repeated point is almost a corner.

    E. Catmull & R. Rom, "A class of local interpolating splines", 1974.
    """
    before, after = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    a, b, c, d = (np.stack([before, *points, after])[at : len(points) - 1 + at, None] for at in range(4))
    t = np.linspace(0, 1, _POINTS_PER_SEGMENT)[:, None]
    curve = b + (c - a) / 2 * t + (a - 2.5 * b + 2 * c - d / 2) * t**2 + (1.5 * (b - c) + (d - a) / 2) * t**3
    return np.asarray(curve.reshape(-1, 2))


AllographMark = Callable[[Stroke, Stroke, Stroke, np.random.Generator], Stroke]
"""From all points, the centre and the extent (width, height) of a digit to one more stroke."""


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

_SHAPES = {
    "0": (
        "45,4 12,25 5,65 30,100 60,70 52,20 30,2 60,0",
        "50,2 12,20 2,60 40,100 85,75 92,30 60,0 35,6",
        "40,10 10,30 15,85 45,95 60,40 35,0 25,12",
        "30,0 5,35 10,90 45,95 60,50 45,5 20,5 40,-8",
    ),
    "1": (
        "0,55 26,28 50,0 50,0 45,50 40,100",
        "0,95 25,50 48,0 48,0 42,50 36,100",
        "0,30 20,16 34,0 34,0 30,50 27,100",
        "0,70 30,40 42,8 30,0 20,30 17,85 30,100",
        "0,75 20,45 45,0 45,0 20,60 5,100",
        "5,30 18,12 35,5 38,18 26,16 40,0 40,0 30,50 25,100",
        "0,60 25,30 45,5 30,0 15,35 12,80 30,100 45,85",
        "0,60 8,78 40,5 40,5 30,55 25,100",
        "0,30 22,0 22,0 20,100  0,100 45,98",
        "0,25 35,2 35,2 25,100",
    ),
    "2": (
        "3,20 30,0 58,20 33,65 5,97 10,80 30,90 75,95",
        "3,18 35,0 58,20 30,65 0,98 0,98 40,93 75,98",
        "0,8 30,5 60,2 60,2 30,50 0,97 0,97 65,95",
        "5,30 25,0 45,15 25,60 5,95 15,80 35,95 60,85",
        "10,25 30,0 48,20 20,80 5,90 10,70 40,100 70,90",
    ),
    "3": (
        "3,5 60,0 60,0 28,40 28,40 60,55 58,85 30,100 0,90",
        "5,12 35,0 55,20 22,45 24,45 60,65 48,95 2,92",
    ),
    "4": (
        "20,0 8,30 0,55 0,55 35,57 80,50  66,22 50,100",
        "15,0 4,30 12,50 35,48 52,25  58,5 50,50 38,100",
        "28,0 12,45 6,60 6,60 55,55  46,35 40,100",
        "12,0 10,50 10,62 30,45 50,50 50,75 45,100",
        "10,0 3,35 25,50 50,30 55,0 55,0 50,60 30,100",
        "5,0 2,40 15,62 45,55 55,5 55,5 52,55 50,100",
        "10,0 5,60 5,60 30,35 50,45 48,100",
        "15,0 0,60 0,60 60,55  45,25 35,100",
    ),
    "5": (
        "68,0 30,5 15,35 48,50 50,85 20,100 0,90",
        "80,0 30,4 20,42 20,42 46,55 42,85 10,100",
        "20,10 14,45 14,45 45,50 42,90 8,100  18,8 85,0",
        "10,10 20,55 28,90 28,90 34,40 42,4 42,4 85,0",
        "5,15 20,60 25,95 25,95 40,30 55,2 90,0",
        "15,10 10,50 30,42 38,65 25,100  15,10 75,0",
    ),
    "6": (
        "50,0 15,40 4,80 30,100 50,80 35,60 8,78",
        "20,0 6,50 10,90 40,100 55,75 35,60 10,85",
    ),
    "7": (
        "0,12 15,0 35,8 60,0 60,0 40,50 28,100  12,50 62,47",
        "0,15 5,3 52,2 52,2 36,50 20,100  12,50 62,47",
        "0,2 30,5 45,10 40,50 34,100  12,50 62,47",
        "0,10 15,5 38,4 38,4 30,50 25,100  2,48 62,40",
        "18,8 32,0 30,50 22,100  0,45 60,38",
        "0,5 55,0 55,0 30,55 10,100  15,50 60,48",
    ),
    "8": (
        "50,12 25,0 5,20 30,45 50,75 25,100 2,75 30,45 52,15",
        "55,0 20,5 10,25 42,50 50,80 20,100 5,80 35,45 60,2",
        "45,50 10,60 10,95 45,95 50,70 20,40 20,5 50,5 45,30 10,55",
        "20,100 25,50 10,20 35,0 50,20 30,45 12,60 15,95 35,85",
        "10,0 10,100 10,100 50,85 45,55 12,50 45,40 45,5 10,0",
    ),
    "9": (
        "50,12 22,0 0,25 20,48 48,28 50,8 50,60 35,100 0,95",
        "50,10 20,0 2,25 22,45 50,20 50,10 42,60 25,100",
        "50,10 20,2 5,25 25,45 48,20 48,20 45,70 20,100 0,85",
        "40,5 5,15 10,45 40,40 45,0 45,0 40,100",
    ),
}
"""Shapes of each digit: points x,y in hundredths of the height, strokes separated by two spaces."""
