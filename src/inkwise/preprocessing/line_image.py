"""The one normalisation of a number: the ink of one line becomes a strip of a fixed height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.segmentation import Box
from inkwise.preprocessing.strokes import MAX_COORDINATE, Strokes, draw_strokes, to_stroke_arrays

LINE_HEIGHT = 32
"""Height of a strip, pixels."""

TEXT_HEIGHT = 22
"""Height of what holds most of the ink of a line, in a strip, pixels; the digits are some 24 high."""

MAX_LINE_WIDTH = 1024
"""Width that no strip exceeds, pixels: some 50 digits."""

_FULL_INK = 200  # of 255: ink this dark tells how high the digits are, and not the pattern behind it
_TAIL_SHARE = 0.04  # share of that ink above and below, which does not tell it either: strokes of one digit
_MIN_TALL_HEIGHT = 0.3  # of the tallest piece of ink: what is lower does not tell how high the digits are
_MAX_SPECK_HEIGHT = 0.15  # of it: what is lower does not tell where they begin and end
_MAX_ASPECT_RATIO = 8.0  # wider than so many times its height, a piece of ink is a line
_DRAWN_HEIGHT = 48  # pixels of the tall strokes of a line, as it is drawn
_MAX_DRAWN_WIDTH = (
    2 * MAX_LINE_WIDTH
)  # pixels of a drawn line: one as long as a strip can be, at twice its height
_PEN_WIDTH = 0.09  # of their height
_SIDE_MARGIN = 0.35  # of the digits' height, paper kept on the left and on the right


@dataclass(frozen=True, eq=False)
class LineImage:
    """The ink of one line.

    Attributes:
        ink: (32, w) uint8, white on black, the digits some 24 pixels high.
        left: column of the picture at the strip's left edge, pixels of the picture.
        top: row of the picture at the strip's upper edge, pixels of the picture.
        scale: pixels of the strip for one of the picture.
    """

    ink: NDArray[np.uint8]
    left: float
    top: float
    scale: float

    def box(self, x: float, y: float, w: float, h: float) -> Box:
        """Where a box of the strip lies in the picture, rounded to whole pixels."""
        left, top = self.left + x / self.scale, self.top + y / self.scale
        right, bottom = left + w / self.scale, top + h / self.scale
        return round(left), round(top), round(right) - round(left), round(bottom) - round(top)


def to_line_image(ink: NDArray[np.uint8]) -> LineImage | None:
    """Bring one line of ink to the height of a strip, or None where there is nothing as tall as a digit.

    What is far lower than the tallest ink, what is a long line and what is pale does not count for the
    height; what is pale counts for where the line begins and ends.

    Args:
        ink: (H, W) uint8, 0 background, 255 ink, 128 its edge.
    """
    every, full = _connected_components(ink, 128), _connected_components(ink, _FULL_INK)
    labels, boxes = full if len(full[1]) else every
    if not len(boxes):
        return None
    tallest = boxes[:, 3].max()
    tall = boxes[boxes[:, 3] >= _MIN_TALL_HEIGHT * tallest, 4]
    rows = np.cumsum(np.isin(labels, tall).sum(1))
    top = int(np.searchsorted(rows, _TAIL_SHARE * rows[-1]))
    bottom = int(np.searchsorted(rows, (1 - _TAIL_SHARE) * rows[-1])) + 1
    wide = np.concatenate([boxes, every[1]])
    wide = wide[wide[:, 3] >= _MAX_SPECK_HEIGHT * tallest]
    left, right = wide[:, 0].min(), (wide[:, 0] + wide[:, 2]).max()
    height = bottom - top
    scale = min(TEXT_HEIGHT / height, MAX_LINE_WIDTH / (right - left + 2 * _SIDE_MARGIN * height))
    left -= _SIDE_MARGIN * height
    upper = (top + bottom) / 2 - LINE_HEIGHT / 2 / scale
    width = max(LINE_HEIGHT, round((right + _SIDE_MARGIN * height - left) * scale))
    matrix = np.array([[scale, 0, -left * scale], [0, scale, -upper * scale]])
    if scale < 1:  # averaged first, as sampling alone would drop thin strokes
        size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
        small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
        fx, fy = small.shape[1] / ink.shape[1], small.shape[0] / ink.shape[0]
        matrix = np.array([[scale / fx, 0, -left * scale], [0, scale / fy, -upper * scale]])
        ink = small
    drawn = cv2.warpAffine(ink, matrix, (width, LINE_HEIGHT), flags=cv2.INTER_LINEAR)
    return LineImage(drawn, left, upper, scale)


def strokes_to_line_image(strokes: Strokes) -> LineImage | None:
    """The strip of one line of pen strokes, or None where there is nothing as tall as a digit.

    Args:
        strokes: list of (k, 2) arrays, x right, y down, in any unit, which `left`, `top` and
            `scale` of the strip then have.

    Raises:
        InkwiseError: a stroke is malformed.
    """
    checked = to_stroke_arrays(strokes)
    if not checked:
        return None
    points = np.concatenate(checked)
    low, extent = points.min(0), np.ptp(points, 0)
    tall = tall_stroke_height(checked)
    if tall < 1 / MAX_COORDINATE:
        return None
    scale = _DRAWN_HEIGHT / tall
    width, height = (np.ceil(extent * scale).astype(int) + 2 * _DRAWN_HEIGHT).tolist()
    canvas = np.zeros((height, width), np.uint8)
    draw_strokes(
        canvas, [(stroke - low) * scale + _DRAWN_HEIGHT for stroke in checked], _PEN_WIDTH * _DRAWN_HEIGHT
    )
    found = to_line_image(canvas)
    if found is None:
        return None
    left, top = (low - _DRAWN_HEIGHT / scale + np.array([found.left, found.top]) / scale).tolist()
    return LineImage(found.ink, left, top, found.scale * scale)


def tall_stroke_height(strokes: Sequence[NDArray[np.floating]]) -> float:
    """How high the tall strokes (k, 2) of a line are, that it may be drawn by their height.

    Not less than what a line of this length has at the least, or what is flat would be drawn endlessly wide.
    """
    tall = float(np.quantile([np.ptp(stroke[:, 1]) for stroke in strokes], 0.75))
    extent = float(np.ptp(np.concatenate(list(strokes)), 0).max())
    return max(tall, extent * _DRAWN_HEIGHT / _MAX_DRAWN_WIDTH)


def _connected_components(ink: NDArray[np.uint8], level: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Connected ink of this level or more, but for long lines: labels (H, W), x, y, w, h, label (n, 5)."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((ink >= level).astype(np.uint8), connectivity=8)
    boxes = np.concatenate([stats[:, :4], np.arange(len(stats))[:, None]], 1)[1:]
    return labels, np.asarray(boxes[boxes[:, 2] < _MAX_ASPECT_RATIO * boxes[:, 3]], np.int64)
