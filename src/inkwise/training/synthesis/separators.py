"""What people put between, around and after the digits of a number, as strokes.

All is drawn where digits are 64 pixels high and stand on y = 0, y down; x begins at 0.
"""

from __future__ import annotations

import numpy as np

from inkwise.training.synthesis.allographs import Stroke

GROUP_SEPARATORS = {".": 0.62, ",": 0.16, "-": 0.08, " ": 0.14}
"""What stands between groups of digits, and how often."""

DATE_SEPARATORS = {".": 0.25, "-": 0.25, "/": 0.4, ":": 0.1}
"""What stands between the parts of a date or a time."""


def separator_strokes(kind: str, rng: np.random.Generator) -> list[Stroke]:
    """One of `GROUP_SEPARATORS` or `DATE_SEPARATORS`; a blank has no strokes."""
    if kind == ".":
        return [_dot(rng.normal(0, 5), rng)]
    if kind == ",":
        comma = np.array([[9.0, -3], [10, 6], [rng.uniform(0, 9), rng.uniform(10, 24)]])
        comma[:, 1] += rng.normal(0, 5)
        return [comma]
    if kind == "-":
        y = -rng.uniform(22, 40)
        return [np.array([[0, y], [rng.uniform(14, 34), y + rng.normal(0, 3)]])]
    if kind == "/":  # longer, as a rule, and more aslant than a 1
        return [np.array([[0, rng.uniform(-4, 20)], [rng.uniform(20, 54), -rng.uniform(68, 96)]])]
    if kind == ":":
        low = -rng.uniform(0, 12)
        return [_dot(low, rng), _dot(low - rng.uniform(22, 36), rng)]
    return []


def bracket_strokes(rng: np.random.Generator) -> tuple[list[Stroke], list[Stroke]]:
    """An opening one and a closing one."""
    along = np.linspace(-1, 1, 12)
    height, depth = rng.uniform(34, 50), rng.uniform(6, 18)
    arc = np.stack([depth * along**2, -32 + height * along], 1)
    return [arc], [np.array([depth, 0]) + arc * np.array([-1, 1])]


def closing_strokes(rng: np.random.Generator) -> list[Stroke]:
    """What keeps others from adding digits: dot, comma and dash, one line or two, short or long, a hash."""
    kind = rng.integers(6)
    begun = separator_strokes(".,"[kind], rng) if kind < 2 else []
    if begun and rng.random() < 0.5:
        return begun
    x, y = rng.uniform(2, 26), -rng.uniform(8, 46)
    reach = rng.uniform(14, 60) if rng.random() < 0.8 else rng.uniform(60, 150)
    tilt, bend = rng.normal(0, 0.06, 2) * reach
    line = np.array([[x, y], [x + reach / 2, y + tilt / 2 + bend], [x + reach, y + tilt]])
    lines = [line] if kind < 4 else [line, line + np.array([rng.normal(0, 4), rng.uniform(9, 18)])]
    if kind == 5 and rng.random() < 0.4:
        middle = x + reach / 2
        lines += [np.array([[middle + s + 6, y - 16], [middle + s - 6, y + 30]]) for s in (-7, 7)]
    return [*begun, *lines]


def _dot(y: float, rng: np.random.Generator) -> Stroke:
    return np.array([[0, y], [rng.uniform(0, 5), y + rng.normal(0, 2)]])
