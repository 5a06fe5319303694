"""Layout of digits in a line, with separators, brackets, symbols and closing strokes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.strokes import draw_strokes
from inkwise.training.synthesis.allographs import Stroke

InkImage = NDArray[np.uint8]

DIGIT_HEIGHT = 64
"""Approximate height of a digit, pixels."""

_BASELINE_ROW = 230  # canvas row of the baseline
_ROW_TOLERANCE = 5  # vertical distance, pixels, within which ink counts as adjacent
_NEW_INK_WIDTH = 300  # distance, pixels, from the end of the line within which new ink is looked for
_MAX_OVERLAP = 11  # maximum overlap of two digits, pixels


@dataclass(frozen=True)
class DigitInk:
    """The ink of one digit.

    Attributes:
        ink: (h, w) uint8, cropped to the ink.
        start_point: (2,) start of the first stroke, pixels of the ink; None if unknown.
        end_point: (2,) end of the last stroke.
    """

    ink: InkImage
    start_point: Stroke | None = None
    end_point: Stroke | None = None


def scale_to_height(strokes: Sequence[NDArray[np.floating]], height: float) -> list[Stroke]:
    """Scale strokes to this height, with their corner at 0; flat strokes at most to this width."""
    points = np.concatenate(list(strokes))
    low, extent = points.min(0), np.ptp(points, 0)
    scale = height / max(extent[1], 0.6 * extent[0], 1e-6)
    return [(stroke - low) * scale for stroke in strokes]


def rasterize(strokes: list[Stroke], pen: float) -> DigitInk:
    """Draw strokes with a pen of this width, pixels."""
    points = np.concatenate(strokes)
    edge = int(pen) + 2
    low = points.min(0) - edge
    width, height = (np.ceil(np.ptp(points, 0)).astype(int) + 2 * edge + 1).tolist()
    canvas = np.zeros((height, width), np.uint8)
    draw_strokes(canvas, [stroke - low for stroke in strokes], pen)
    x, y, w, h = cv2.boundingRect(canvas)
    corner = low + np.array([x, y])
    return DigitInk(canvas[y : y + h, x : x + w], strokes[0][0] - corner, strokes[-1][-1] - corner)


def separator_strokes(kind: str, rng: np.random.Generator) -> list[Stroke]:
    """Strokes of a point, comma, dash, slash or colon for digits 64 pixels high; a space has none.

    The baseline is at y = 0, y points down, x starts at 0.
    """
    if kind == ".":
        return [_dot(rng.normal(0, 5), rng)]
    if kind == ",":
        comma = np.array([[9.0, -3], [10, 6], [rng.uniform(0, 9), rng.uniform(10, 24)]])
        comma[:, 1] += rng.normal(0, 5)
        return [comma]
    if kind == "-":
        y = -rng.uniform(22, 40)
        return [np.array([[0, y], [rng.uniform(14, 34), y + rng.normal(0, 3)]])]
    if kind == "/":  # usually longer and more slanted than a 1
        return [np.array([[0, rng.uniform(-4, 20)], [rng.uniform(20, 54), -rng.uniform(68, 96)]])]
    if kind == ":":
        low = -rng.uniform(0, 12)
        return [_dot(low, rng), _dot(low - rng.uniform(22, 36), rng)]
    return []


def bracket_strokes(rng: np.random.Generator) -> tuple[list[Stroke], list[Stroke]]:
    """Strokes of an opening and a closing bracket."""
    along = np.linspace(-1, 1, 12)
    height, depth = rng.uniform(34, 50), rng.uniform(6, 18)
    arc = np.stack([depth * along**2, -32 + height * along], 1)
    return [arc], [np.array([depth, 0]) + arc * np.array([-1, 1])]


def _dot(y: float, rng: np.random.Generator) -> Stroke:
    return np.array([[0, y], [rng.uniform(0, 5), y + rng.normal(0, 2)]])


class LineCanvas:
    """A canvas that is filled from the left."""

    def __init__(self, count: int, pen: float, rng: np.random.Generator) -> None:
        """Make it wide enough for a number of characters, and draw the writer's habits."""
        self.canvas = np.zeros((400, 700 + 170 * count), np.uint8)  # room for a slope
        self.pen, self.rng = pen, rng
        self.slope = rng.normal(0, 0.03)
        self.gap = rng.normal(0.08, 0.12) * DIGIT_HEIGHT  # pixels; negative values let digits overlap
        if rng.random() < 0.15:
            self.gap += rng.uniform(0, 0.5) * DIGIT_HEIGHT
        self.nested = rng.random()  # 0: gap between boxes; 1: gap between ink, as in a row of 7s
        # descent of 4, 7 and 9 below the baseline, in digit heights
        self.hanging = rng.uniform(0, 0.35) if rng.random() < 0.25 else 0.0
        self.right = 90.0  # right end of the ink so far, pixels
        self.ends = np.full(len(self.canvas), -np.inf)  # right end of the ink in each row
        self.edge = self.ends  # the same of the adjacent rows
        self.end: Stroke | None = None  # end of the previous digit, for a ligature

    def baseline(self, x: float) -> float:
        """Row of the baseline at a column."""
        return _BASELINE_ROW + self.slope * x

    def skip(self, width: float) -> None:
        """Leave a space, pixels."""
        self.right += width
        self.end = None

    def paste(self, ink: InkImage, left: float, top: float) -> None:
        """Add ink at a place."""
        _paste(self.canvas, ink, round(left), max(0, round(top)))

    def write_digit(self, digit: DigitInk, label: str, joined: float, raised: float = 0.0) -> None:
        """Write the next digit, raised by some pixels, with this probability of a ligature before it."""
        rng, first = self.rng, self.right == 90.0
        gap = max(self.gap + rng.normal(0, 0.06) * DIGIT_HEIGHT, (0.7 * self.nested - 1) * _MAX_OVERLAP)
        foot = self.baseline(self.right) - raised + rng.normal(0, 0.04) * DIGIT_HEIGHT
        if label in "479":
            foot += self.hanging * DIGIT_HEIGHT
        height, width = digit.ink.shape
        top = int(np.clip(round(foot - height), 0, len(self.canvas) - height))
        x = self.right
        if not first:
            left = np.where(digit.ink.any(1), (digit.ink > 0).argmax(1), np.inf)
            beside = float((left - self.edge[top : top + height]).min())
            nested = max(-beside, self.right - 0.6 * width)
            x = self.right + self.nested * min(nested - self.right, 0) + gap
        corner = np.array([round(x), top])
        _paste(self.canvas, digit.ink, *corner.tolist())
        if digit.start_point is not None and self.end is not None and rng.random() < joined:
            draw_strokes(self.canvas, [_ligature(self.end, corner + digit.start_point, rng)], self.pen)
        self.reach(corner[0] + width)
        self.end = None if digit.end_point is None else corner + digit.end_point

    def write_strokes(self, strokes: list[Stroke]) -> None:
        """Write strokes whose left end and baseline are at 0; no strokes leave a space."""
        rng = self.rng
        self.right += rng.uniform(0, 14)
        self.end = None
        if not strokes:
            self.right += 2 * self.pen
            return
        foot = np.array([self.right, _BASELINE_ROW + self.slope * self.right])
        draw_strokes(self.canvas, [stroke + foot for stroke in strokes], self.pen * rng.uniform(0.7, 1.3))
        self.reach(self.right + float(np.concatenate(strokes)[:, 0].max()) + self.pen / 2)

    def reach(self, right: float) -> None:
        """Let the ink so far end at a column."""
        start = max(0, int(self.right) - _NEW_INK_WIDTH)
        self.right = max(self.right, right)
        recent = self.canvas[:, start : int(self.right) + _NEW_INK_WIDTH]
        last = start + recent.shape[1] - 1 - (recent[:, ::-1] > 0).argmax(1)
        self.ends = np.maximum(self.ends, np.where(recent.any(1), last, -np.inf))
        edge = np.maximum(self.ends, -1e6).astype(np.float32)[:, None]
        self.edge = cv2.dilate(edge, np.ones((2 * _ROW_TOLERANCE + 1, 1), np.uint8))[:, 0].astype(np.float64)


def _paste(canvas: InkImage, ink: InkImage, left: int, top: int) -> None:
    window = canvas[top : top + ink.shape[0], left : left + ink.shape[1]]
    np.maximum(window, ink[: window.shape[0], : window.shape[1]], out=window)


def _ligature(start: Stroke, end: Stroke, rng: np.random.Generator) -> Stroke:
    """A curve from one digit to the next that sags or rises a little."""
    middle = (start + end) / 2 + rng.normal(0, 0.12, 2) * np.abs(end - start).max()
    along = np.linspace(0, 1, 9)[:, None]
    return (1 - along) ** 2 * start + 2 * along * (1 - along) * middle + along**2 * end
