"""Components of a line image: those as tall as digits, and marks such as points, commas and dashes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.line_image import LINE_HEIGHT, TEXT_HEIGHT

Span = tuple[int, int]
"""First and last column of a component."""

_TALL = LINE_HEIGHT // 2  # minimum height of ink that is a digit, a slash or a bracket, pixels
_MIN_MARK_SIDE, _MIN_MARK_AREA = 3, 5  # minimum size of a point, pixels; a pen is about 3 wide
_MAX_MARK_HEIGHT = 0.55 * TEXT_HEIGHT  # of a comma, pixels; what is higher may be a small digit
_MIN_MARK_ROW = LINE_HEIGHT / 2 - 0.15 * TEXT_HEIGHT  # middle of a mark; higher ones are parts of digits
_UNDERLINE = 0.8 * LINE_HEIGHT, 0.4 * TEXT_HEIGHT  # minimum row and width of the rest of an underline


def tall_spans(image: NDArray[np.uint8]) -> list[Span]:
    """Columns of the components of a line image (48, w) uint8 that are as tall as a digit."""
    return [(x, x + w) for x, _, w, h in _boxes(image) if h >= _TALL]


def mark_spans(image: NDArray[np.uint8]) -> list[Span]:
    """Columns of low components, in which a point, a comma or a dash may stand."""
    return [
        (x, x + w)
        for x, y, w, h in _boxes(image)
        if h <= _MAX_MARK_HEIGHT
        and y + h / 2 >= _MIN_MARK_ROW
        and not (y + h / 2 >= _UNDERLINE[0] and w >= _UNDERLINE[1])
    ]


def _boxes(image: NDArray[np.uint8]) -> list[tuple[int, int, int, int]]:
    """Boxes of the components without specks."""
    stats = cv2.connectedComponentsWithStats((image >= 128).astype(np.uint8), connectivity=8)[2]
    return [
        (x, y, w, h)
        for x, y, w, h, area in stats[1:].tolist()
        if max(w, h) >= _MIN_MARK_SIDE and area >= _MIN_MARK_AREA
    ]
