"""Synthetic images of digits, drawn large and downscaled, so that every size shows the same shape."""

import cv2
import numpy as np
import pytest

POINTS = ((0.3, 0.2), (0.7, 0.2), (0.45, 0.8))


@pytest.fixture
def drawn():
    """drawn(side, width) is a dark 7 on light paper, (side, side) uint8; width of strokes as a share."""

    def draw(side=120, width=0.08, ink=30, paper=230):
        large = np.full((1024, 1024), paper, np.uint8)
        corners = np.rint(np.array(POINTS) * 1024).astype(np.int32)
        cv2.polylines(large, [corners[:, None]], False, ink, round(width * 1024))
        return cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA)

    return draw


@pytest.fixture
def marks():
    """marks((h, w), (x, y, w, h), ..) is ink of these rectangles, (h, w) uint8."""

    def draw(size, *boxes):
        ink = np.zeros(size, np.uint8)
        for x, y, w, h in boxes:
            ink[y : y + h, x : x + w] = 255
        return ink

    return draw


@pytest.fixture
def alike():
    """alike(a, b) is the correlation of two glyphs."""

    def correlation(a, b):
        assert a is not None
        assert b is not None
        return np.corrcoef(a.ravel(), b.ravel())[0, 1]

    return correlation
