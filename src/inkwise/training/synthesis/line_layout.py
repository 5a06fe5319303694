"""Digits laid out in a line, with what people put between, before and after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.strokes import draw_strokes
from inkwise.training.synthesis.allographs import Stroke
from inkwise.training.synthesis.separators import DATES, GROUPS, brackets, closing, separator
from inkwise.training.synthesis.stroke_augmentation import redrawn

Ink = NDArray[np.uint8]

TALL = 64
"""Pixels that a digit is high, about."""

_FOOT = 230  # row of the canvas that the digits stand on
_CLOSE = 5  # rows above and below that count as beside one another
_OVERLAP = 11  # pixels that two digits have in common at most


@dataclass(frozen=True)
class Piece:
    """The ink of one digit.

    Attributes:
        ink: (h, w) uint8, cut tight.
        begins: (2,) where the pen is set down, pixels of the ink; None if that is not known.
        ends: (2,) where it is lifted.
    """

    ink: Ink
    begins: Stroke | None = None
    ends: Stroke | None = None


def high(strokes: Sequence[NDArray[np.floating]], height: float) -> list[Stroke]:
    """Strokes of this height, at 0, those that lie flat of this width at most."""
    points = np.concatenate(list(strokes))
    low, extent = points.min(0), np.ptp(points, 0)
    scale = height / max(extent[1], 0.6 * extent[0], 1e-6)
    return [np.asarray((stroke - low) * scale) for stroke in strokes]


def drawn(strokes: list[Stroke], pen: float) -> Piece:
    """Strokes drawn with a pen so wide, in pixels."""
    points = np.concatenate(strokes)
    edge = int(pen) + 2
    low = points.min(0) - edge
    width, height = (np.ceil(np.ptp(points, 0)).astype(int) + 2 * edge + 1).tolist()
    canvas = np.zeros((height, width), np.uint8)
    draw_strokes(canvas, [stroke - low for stroke in strokes], pen)
    x, y, w, h = cv2.boundingRect(canvas)
    corner = low + np.array([x, y])
    return Piece(canvas[y : y + h, x : x + w], strokes[0][0] - corner, strokes[-1][-1] - corner)


def laid_out(
    text: str, pieces: list[Piece], pen: float, signs: list[list[Stroke]], rng: np.random.Generator
) -> Ink:
    """A canvas (H, W) uint8 with digits in a row.

    Args:
        text: the digits.
        pieces: of each digit, its ink.
        pen: width of the pen, pixels.
        signs: letters and symbols that may stand before and after.
        rng: draws gaps, slope, separators, closing lines.
    """
    line = _Line(len(text), pen, rng)
    breaks, kind = _breaks(len(text), rng)
    opening, ending = brackets(rng)
    bracketed = min(3, len(text)) if rng.random() < 0.05 else 0
    joined = 0.8 if rng.random() < 0.2 else 0.0  # some lift the pen only now and then
    if signs and rng.random() < 0.06:
        line.sign(signs)
    for at, piece in enumerate(pieces):
        if at in breaks:
            line.mark(separator(kind, rng))
        if at == 0 and bracketed:
            line.mark(opening)
        line.digit(piece, text[at], joined)
        if at + 1 == bracketed:
            line.mark(ending)
    if rng.random() < 0.4:
        line.mark(closing(rng))
    if signs and rng.random() < 0.03:
        line.sign(signs)
    return line.canvas


class _Line:
    """A canvas that is written on from the left."""

    def __init__(self, count: int, pen: float, rng: np.random.Generator) -> None:
        self.canvas = np.zeros((400, 700 + 170 * count), np.uint8)  # room for a slope
        self.pen, self.rng = pen, rng
        self.slope = rng.normal(0, 0.03)
        self.gap = rng.normal(0.08, 0.12) * TALL  # below zero the digits run into one another
        if rng.random() < 0.15:
            self.gap += rng.uniform(0, 0.5) * TALL
        self.nested = rng.random()  # 0: boxes keep the gap; 1: the ink does, as in a row of 7s
        self.hanging = rng.uniform(0, 0.35) if rng.random() < 0.25 else 0.0  # tails below the line
        self.right = 90.0  # where the ink ends so far
        self.edge = np.full(len(self.canvas), -np.inf)  # and where in each row
        self.end: Stroke | None = None  # of the digit before, where the next may be joined to it

    def digit(self, piece: Piece, label: str, joined: float) -> None:
        """Write the next digit, joined to the one before with this probability."""
        rng, first = self.rng, self.right == 90.0
        gap = max(self.gap + rng.normal(0, 0.06) * TALL, (0.7 * self.nested - 1) * _OVERLAP)
        foot = _FOOT + self.slope * self.right + rng.normal(0, 0.04) * TALL
        if label in "479":
            foot += self.hanging * TALL
        height, width = piece.ink.shape
        top = int(np.clip(round(foot - height), 0, len(self.canvas) - height))
        x = self.right
        if not first:
            left = np.where(piece.ink.any(1), (piece.ink > 0).argmax(1), np.inf)
            beside = float((left - self.edge[top : top + height]).min())
            nested = max(-beside, self.right - 0.6 * width)
            x = self.right + self.nested * min(nested - self.right, 0) + gap
        corner = np.array([round(x), top])
        _paste(self.canvas, piece.ink, *corner.tolist())
        if piece.begins is not None and self.end is not None and rng.random() < joined:
            draw_strokes(self.canvas, [_ligature(self.end, corner + piece.begins, rng)], self.pen)
        self._reach(corner[0] + width)
        self.end = None if piece.ends is None else corner + piece.ends

    def mark(self, strokes: list[Stroke]) -> None:
        """Write what stands on the line, its left at 0, its foot at 0; nothing is a blank."""
        rng = self.rng
        self.right += rng.uniform(0, 14)
        self.end = None
        if not strokes:
            self.right += 2 * self.pen
            return
        foot = np.array([self.right, _FOOT + self.slope * self.right])
        draw_strokes(self.canvas, [stroke + foot for stroke in strokes], self.pen * rng.uniform(0.7, 1.3))
        self._reach(self.right + float(np.concatenate(strokes)[:, 0].max()) + self.pen / 2)

    def sign(self, signs: list[list[Stroke]]) -> None:
        """Write a letter or symbol, such as that of a currency, with room on both sides."""
        rng = self.rng
        if self.right > 90:
            self.right += rng.uniform(5, 40)
        strokes = high(redrawn(signs[rng.integers(len(signs))], rng), rng.uniform(40, 70))
        piece = drawn(strokes, self.pen)
        _paste(self.canvas, piece.ink, round(self.right), _FOOT - len(piece.ink))
        self._reach(self.right + piece.ink.shape[1] + rng.uniform(6, 40))
        self.end = None

    def _reach(self, right: float) -> None:
        self.right = max(self.right, right)
        inked = self.canvas.any(1)
        last = self.canvas.shape[1] - 1 - (self.canvas[:, ::-1] > 0).argmax(1)
        edge = np.where(inked, last, -1e6).astype(np.float32)[:, None]
        self.edge = cv2.dilate(edge, np.ones((2 * _CLOSE + 1, 1), np.uint8))[:, 0].astype(np.float64)


def _paste(canvas: Ink, ink: Ink, left: int, top: int) -> None:
    window = canvas[top : top + ink.shape[0], left : left + ink.shape[1]]
    np.maximum(window, ink[: window.shape[0], : window.shape[1]], out=window)


def _breaks(count: int, rng: np.random.Generator) -> tuple[set[int], str]:
    """Before which digits something stands, and what: groups from the right, parts of a date, or nothing."""
    kind = rng.random()
    if kind < 0.4:
        return set(), " "
    if kind < 0.8:
        group = 2 if kind < 0.46 else 3
        breaks = {count - group * number for number in range(1, (count - 1) // group + 1)}
        return breaks, str(rng.choice([*GROUPS], p=[*GROUPS.values()]))
    breaks = {1 + int(rng.integers(count)) for _ in range(int(rng.integers(1, 3)))}
    return breaks, str(rng.choice([*DATES], p=[*DATES.values()]))


def _ligature(start: Stroke, end: Stroke, rng: np.random.Generator) -> Stroke:
    """From one digit to the next, sagging or rising a little on the way."""
    middle = (start + end) / 2 + rng.normal(0, 0.12, 2) * np.abs(end - start).max()
    along = np.linspace(0, 1, 9)[:, None]
    return np.asarray((1 - along) ** 2 * start + 2 * along * (1 - along) * middle + along**2 * end)
