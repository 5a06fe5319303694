"""Digits laid out in a line, with what people put between, before and after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.strokes import draw_strokes
from inkwise.training.synthesis.allographs import Stroke
from inkwise.training.synthesis.separators import (
    DATE_SEPARATORS,
    GROUP_SEPARATORS,
    bracket_strokes,
    closing_strokes,
    separator_strokes,
)
from inkwise.training.synthesis.stroke_augmentation import augment_strokes

InkImage = NDArray[np.uint8]

DIGIT_HEIGHT = 64
"""Pixels that a digit is high, about."""

_BASELINE_ROW = 230  # row of the canvas that the digits stand on
_ROW_TOLERANCE = 5  # rows above and below that count as beside one another
_MAX_OVERLAP = 11  # pixels that two digits have in common at most


@dataclass(frozen=True)
class DigitInk:
    """The ink of one digit.

    Attributes:
        ink: (h, w) uint8, cut tight.
        begins: (2,) where the pen is set down, pixels of the ink; None if that is not known.
        ends: (2,) where it is lifted.
    """

    ink: InkImage
    start_point: Stroke | None = None
    end_point: Stroke | None = None


def scale_to_height(strokes: Sequence[NDArray[np.floating]], height: float) -> list[Stroke]:
    """Strokes of this height, at 0, those that lie flat of this width at most."""
    points = np.concatenate(list(strokes))
    low, extent = points.min(0), np.ptp(points, 0)
    scale = height / max(extent[1], 0.6 * extent[0], 1e-6)
    return [(stroke - low) * scale for stroke in strokes]


def rasterize(strokes: list[Stroke], pen: float) -> DigitInk:
    """Strokes drawn with a pen so wide, in pixels."""
    points = np.concatenate(strokes)
    edge = int(pen) + 2
    low = points.min(0) - edge
    width, height = (np.ceil(np.ptp(points, 0)).astype(int) + 2 * edge + 1).tolist()
    canvas = np.zeros((height, width), np.uint8)
    draw_strokes(canvas, [stroke - low for stroke in strokes], pen)
    x, y, w, h = cv2.boundingRect(canvas)
    corner = low + np.array([x, y])
    return DigitInk(canvas[y : y + h, x : x + w], strokes[0][0] - corner, strokes[-1][-1] - corner)


def lay_out_line(
    text: str, digits: list[DigitInk], pen: float, symbols: list[list[Stroke]], rng: np.random.Generator
) -> InkImage:
    """A canvas (H, W) uint8 with digits in a row.

    Args:
        text: the digits.
        digits: of each digit, its ink.
        pen: width of the pen, pixels.
        symbols: letters and symbols that may stand before and after.
        rng: draws gaps, slope, separators, closing lines.
    """
    line = _LineCanvas(len(text), pen, rng)
    breaks, kind = _separator_positions(len(text), rng)
    opening, ending = bracket_strokes(rng)
    bracketed = min(3, len(text)) if rng.random() < 0.05 else 0
    joined = 0.8 if rng.random() < 0.2 else 0.0  # some lift the pen only now and then
    if symbols and rng.random() < 0.06:
        line.write_symbol(symbols)
    for at, piece in enumerate(digits):
        if at in breaks:
            line.write_strokes(separator_strokes(kind, rng))
        if at == 0 and bracketed:
            line.write_strokes(opening)
        line.write_digit(piece, text[at], joined)
        if at + 1 == bracketed:
            line.write_strokes(ending)
    if rng.random() < 0.4:
        line.write_strokes(closing_strokes(rng))
    if symbols and rng.random() < 0.03:
        line.write_symbol(symbols)
    return line.canvas


class _LineCanvas:
    """A canvas that is written on from the left."""

    def __init__(self, count: int, pen: float, rng: np.random.Generator) -> None:
        self.canvas = np.zeros((400, 700 + 170 * count), np.uint8)  # room for a slope
        self.pen, self.rng = pen, rng
        self.slope = rng.normal(0, 0.03)
        self.gap = rng.normal(0.08, 0.12) * DIGIT_HEIGHT  # below zero the digits run into one another
        if rng.random() < 0.15:
            self.gap += rng.uniform(0, 0.5) * DIGIT_HEIGHT
        self.nested = rng.random()  # 0: boxes keep the gap; 1: the ink does, as in a row of 7s
        self.hanging = rng.uniform(0, 0.35) if rng.random() < 0.25 else 0.0  # tails below the line
        self.right = 90.0  # where the ink ends so far
        self.edge = np.full(len(self.canvas), -np.inf)  # and where in each row
        self.end: Stroke | None = None  # of the digit before, where the next may be joined to it

    def write_digit(self, digit: DigitInk, label: str, joined: float) -> None:
        """Write the next digit, joined to the one before with this probability."""
        rng, first = self.rng, self.right == 90.0
        gap = max(self.gap + rng.normal(0, 0.06) * DIGIT_HEIGHT, (0.7 * self.nested - 1) * _MAX_OVERLAP)
        foot = _BASELINE_ROW + self.slope * self.right + rng.normal(0, 0.04) * DIGIT_HEIGHT
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
        self._reach(corner[0] + width)
        self.end = None if digit.end_point is None else corner + digit.end_point

    def write_strokes(self, strokes: list[Stroke]) -> None:
        """Write what stands on the line, its left at 0, its foot at 0; nothing is a blank."""
        rng = self.rng
        self.right += rng.uniform(0, 14)
        self.end = None
        if not strokes:
            self.right += 2 * self.pen
            return
        foot = np.array([self.right, _BASELINE_ROW + self.slope * self.right])
        draw_strokes(self.canvas, [stroke + foot for stroke in strokes], self.pen * rng.uniform(0.7, 1.3))
        self._reach(self.right + float(np.concatenate(strokes)[:, 0].max()) + self.pen / 2)

    def write_symbol(self, symbols: list[list[Stroke]]) -> None:
        """Write a letter or symbol, such as that of a currency, with room on both sides."""
        rng = self.rng
        if self.right > 90:
            self.right += rng.uniform(5, 40)
        strokes = scale_to_height(
            augment_strokes(symbols[rng.integers(len(symbols))], rng), rng.uniform(40, 70)
        )
        piece = rasterize(strokes, self.pen)
        _paste(self.canvas, piece.ink, round(self.right), _BASELINE_ROW - len(piece.ink))
        self._reach(self.right + piece.ink.shape[1] + rng.uniform(6, 40))
        self.end = None

    def _reach(self, right: float) -> None:
        self.right = max(self.right, right)
        inked = self.canvas.any(1)
        last = self.canvas.shape[1] - 1 - (self.canvas[:, ::-1] > 0).argmax(1)
        edge = np.where(inked, last, -1e6).astype(np.float32)[:, None]
        self.edge = cv2.dilate(edge, np.ones((2 * _ROW_TOLERANCE + 1, 1), np.uint8))[:, 0].astype(np.float64)


def _paste(canvas: InkImage, ink: InkImage, left: int, top: int) -> None:
    window = canvas[top : top + ink.shape[0], left : left + ink.shape[1]]
    np.maximum(window, ink[: window.shape[0], : window.shape[1]], out=window)


def _separator_positions(count: int, rng: np.random.Generator) -> tuple[set[int], str]:
    """Before which digits something stands, and what: groups from the right, parts of a date, or nothing."""
    kind = rng.random()
    if kind < 0.4:
        return set(), " "
    if kind < 0.8:
        group = 2 if kind < 0.46 else 3
        breaks = {count - group * number for number in range(1, (count - 1) // group + 1)}
        return breaks, str(rng.choice([*GROUP_SEPARATORS], p=[*GROUP_SEPARATORS.values()]))
    breaks = {1 + int(rng.integers(count)) for _ in range(int(rng.integers(1, 3)))}
    return breaks, str(rng.choice([*DATE_SEPARATORS], p=[*DATE_SEPARATORS.values()]))


def _ligature(start: Stroke, end: Stroke, rng: np.random.Generator) -> Stroke:
    """From one digit to the next, sagging or rising a little on the way."""
    middle = (start + end) / 2 + rng.normal(0, 0.12, 2) * np.abs(end - start).max()
    along = np.linspace(0, 1, 9)[:, None]
    return (1 - along) ** 2 * start + 2 * along * (1 - along) * middle + along**2 * end
