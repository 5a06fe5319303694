"""Normalization of a text line: its ink becomes an image of fixed height, the input of the line reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.segmentation import Box
from inkwise.preprocessing.strokes import MAX_COORDINATE, Strokes, draw_strokes, to_stroke_arrays

LINE_HEIGHT = 48
"""Height of a line image, pixels."""

TEXT_HEIGHT = 29
"""Height of the rows that hold most of the ink of a line image, pixels; digits are about 32 high."""

MAX_LINE_WIDTH = 1344
"""Maximum width of a line image, pixels: about 50 digits."""

_FULL_INK = 200  # minimum ink that counts for the height of digits; a background pattern is paler
_TAIL_SHARE = 0.04  # share of ink above and below the height of digits: descenders of single digits
_MIN_TALL_HEIGHT = 0.3  # minimum height that counts for the height of digits, in heights of the tallest
_MAX_SPECK_SIDE = 0.15  # maximum longer side of a speck, in heights of the tallest component
_MAX_ASPECT_RATIO = 8.0  # maximum ratio of width to height of a component; wider ones are ruling lines
_DRAWN_HEIGHT = 64  # height of the tall strokes of a drawn line, pixels
_MAX_DRAWN_WIDTH = 2 * MAX_LINE_WIDTH  # maximum width of a drawn line, pixels; it has twice the final height
_PEN_WIDTH = 0.09  # width of the pen, in heights of the tall strokes
_SIDE_MARGIN = 0.35  # margin on the left and the right, in heights of the digits


@dataclass(frozen=True, eq=False)
class LineImage:
    """The normalized ink of a text line.

    Attributes:
        ink: (48, w) uint8, white on black; digits are about 32 pixels high.
        left: x of its left edge in the image, pixels.
        top: y of its top edge in the image, pixels.
        scale: pixels of `ink` per pixel of the image.
    """

    ink: NDArray[np.uint8]
    left: float
    top: float
    scale: float

    def box(self, x: float, y: float, w: float, h: float) -> Box:
        """Map a box of `ink` to the image, rounded to whole pixels."""
        left, top = self.left + x / self.scale, self.top + y / self.scale
        right, bottom = left + w / self.scale, top + h / self.scale
        return round(left), round(top), round(right) - round(left), round(bottom) - round(top)


def to_line_image(ink: NDArray[np.uint8]) -> LineImage | None:
    """Scale the ink of a text line to a line image; None without any ink.

    Low components, long lines and pale ink do not count for the height; pale ink counts for the width.

    Args:
        ink: (H, W) uint8, 0 background, 255 ink, 128 the edge of ink.
    """
    x, y, w, h = cv2.boundingRect((ink >= 128).astype(np.uint8))
    if not w:
        return None
    inked = ink[y : y + h, x : x + w]
    every, full = _connected_components(inked, 128), _connected_components(inked, _FULL_INK)
    labels, boxes = full if len(full[1]) else every
    if not len(boxes):  # long lines alone
        return None
    tallest = boxes[:, 3].max()
    is_tall = np.zeros(labels.max() + 1, np.uint8)
    is_tall[boxes[boxes[:, 3] >= _MIN_TALL_HEIGHT * tallest, 4]] = 1
    rows = np.cumsum(is_tall[labels].sum(1))
    top = y + int(np.searchsorted(rows, _TAIL_SHARE * rows[-1]))
    bottom = y + int(np.searchsorted(rows, (1 - _TAIL_SHARE) * rows[-1])) + 1
    wide = np.concatenate([boxes, every[1]])
    wide = wide[wide[:, 2:4].max(1) >= _MAX_SPECK_SIDE * tallest]
    left, right = x + wide[:, 0].min(), x + (wide[:, 0] + wide[:, 2]).max()
    height = bottom - top
    scale = min(TEXT_HEIGHT / height, MAX_LINE_WIDTH / (right - left + 2 * _SIDE_MARGIN * height))
    left -= _SIDE_MARGIN * height
    upper = (top + bottom) / 2 - LINE_HEIGHT / 2 / scale
    width = max(LINE_HEIGHT, round((right + _SIDE_MARGIN * height - left) * scale))
    matrix = _pixel_matrix(scale, scale, left * scale, upper * scale)
    if scale < 1:  # area average first: sampling alone would drop thin strokes
        size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
        small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
        fx, fy = small.shape[1] / ink.shape[1], small.shape[0] / ink.shape[0]
        matrix = _pixel_matrix(scale / fx, scale / fy, left * scale, upper * scale)
        ink = small
    drawn = cv2.warpAffine(ink, matrix, (width, LINE_HEIGHT), flags=cv2.INTER_LINEAR)
    return LineImage(drawn, left, upper, scale)


def _pixel_matrix(fx: float, fy: float, left: float, top: float) -> NDArray[np.float64]:
    """Matrix (2, 3) that scales and then moves an image; OpenCV counts from the centres of pixels."""
    return np.array([[fx, 0, (fx - 1) / 2 - left], [0, fy, (fy - 1) / 2 - top]])


def strokes_to_line_image(strokes: Strokes) -> LineImage | None:
    """Draw the pen strokes of a text line as a line image; None without strokes of any height.

    Args:
        strokes: list of (k, 2) arrays, x right, y down, in any unit, also that of the result's position.

    Raises:
        InkwiseError: A stroke is malformed.
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
    """Height of the tall strokes (k, 2) of a text line; its minimum bounds the width of a drawing."""
    tall = float(np.quantile([np.ptp(stroke[:, 1]) for stroke in strokes], 0.75))
    extent = float(np.ptp(np.concatenate(list(strokes)), 0).max())
    return max(tall, extent * _DRAWN_HEIGHT / _MAX_DRAWN_WIDTH)


def _connected_components(ink: NDArray[np.uint8], level: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Components of ink >= level without long lines: labels (H, W), and x, y, w, h, label (n, 5) int64."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((ink >= level).astype(np.uint8), connectivity=8)
    boxes = np.concatenate([stats[:, :4], np.arange(len(stats))[:, None]], 1)[1:]
    return labels, boxes[boxes[:, 2] < _MAX_ASPECT_RATIO * boxes[:, 3]]
