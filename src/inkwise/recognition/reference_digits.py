"""The ten digits in their plainest shapes: what somebody teaches must not change how they are read."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing import strokes_to_glyph

_Points = list[tuple[float, float]]


@cache
def reference_glyphs() -> NDArray[np.uint8]:
    """One of each, 0 to 9, (10, 28, 28) uint8."""
    glyphs = [strokes_to_glyph(strokes) for strokes in reference_strokes()]
    return np.stack([glyph for glyph in glyphs if glyph is not None])


def reference_strokes() -> list[list[_Points]]:
    """Of the digits 0 to 9, in a field of 10 by 20, y down."""
    return [
        [_arc(5, 10, 5, 10, 0, 360)],
        [[(5, 0), (5, 20)]],
        [[*_arc(5, 5, 5, 5, 180, 400), (0, 20), (10, 20)]],
        [_arc(4, 5, 5, 5, 200, 450) + _arc(4, 15, 6, 5, 270, 520)],
        [[(3, 0), (0, 12), (10, 12)], [(8, 5), (8, 20)]],
        [[(9, 0), (1, 0), (0, 9), *_arc(4, 14, 6, 6, 240, 510)]],
        [[(8, 0), *_arc(5, 14, 5, 6, 200, -170)]],
        [[(0, 0), (10, 0), (3, 20)]],
        [_arc(5, 5, 4, 5, 90, 450) + _arc(5, 15, 5, 5, 270, 630)],
        [[*_arc(5, 6, 5, 6, 0, -360), (9, 20)]],
    ]


def _arc(x: float, y: float, across: float, down: float, begin: float, end: float) -> _Points:
    """Of an ellipse about (x, y), from one angle to another, in degrees."""
    angles = np.radians(np.linspace(begin, end, 25))
    return list(zip(x + across * np.cos(angles), y + down * np.sin(angles), strict=True))
