"""Numbers composed of the digits of one writer, as line images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise._util.text import DIGITS
from inkwise.datasets import StrokeSet
from inkwise.preprocessing.line_image import LINE_HEIGHT, TEXT_HEIGHT, to_line_image
from inkwise.training.synthesis.degradation import crop_to_ink
from inkwise.training.synthesis.line_layout import (
    DIGIT_HEIGHT,
    bracket_strokes,
    rasterize,
    separator_strokes,
)
from inkwise.training.synthesis.line_synthesis import random_pen_width, slant
from inkwise.training.synthesis.number_layout import Hand, lay_out_number
from inkwise.training.synthesis.number_pool import DigitSamples, NumberPool
from inkwise.training.synthesis.number_texts import random_number_text

Line = tuple[NDArray[np.uint8], str]
"""Ink (48, w) uint8 of a number, and its text."""

LabelledInk = tuple[NDArray[np.uint8], str]
"""Ink of a digit, columns (48, w) uint8 of a line image or a glyph (28, 28), and its label."""

_SEPARATORS = {*".,-/:() "}  # those that are drawn without samples
_INK_HEIGHT = 32  # height of a digit in a line image, pixels
_BASELINE = (LINE_HEIGHT + TEXT_HEIGHT) // 2 + 2  # row of a line image
_MARGIN = 12  # on both sides of a line, pixels
_LAYOUT_MARGIN = 20  # around a number that is laid out, pixels
_MAX_WIDTH = 640  # of a line image, pixels
_MAX_OVERLAP = 5  # of two digits, pixels
_MIN_INK = 40  # of a pixel that belongs to a digit
_WIDE_SHARE = 0.2  # share of the lines with wide gaps


@dataclass
class WriterDigits:
    """The digits of one writer.

    Attributes:
        strokes: strokes of each of the ten digits.
        inks: columns (48, w) uint8 of line images, for each of the ten digits.
    """

    strokes: DigitSamples = field(default_factory=lambda: [[] for _ in DIGITS])
    inks: list[list[NDArray[np.uint8]]] = field(default_factory=lambda: [[] for _ in DIGITS])

    @classmethod
    def of(cls, drawn: StrokeSet | None, found: Iterable[LabelledInk]) -> WriterDigits:
        """Sort samples by digit; samples of other labels, and without ink, are left out."""
        digits = cls()
        if drawn is not None:
            for sample, label in zip(drawn.samples, drawn.labels.tolist(), strict=True):
                if label in {*DIGITS}:
                    digits.strokes[int(label)].append(list(sample))
        for ink, label in found:
            if label in {*DIGITS} and (columns := _line_columns(ink)) is not None:
                digits.inks[int(label)].append(columns)
        return digits

    def __len__(self) -> int:
        """Number of samples."""
        return sum(map(len, self.strokes)) + sum(map(len, self.inks))


def _line_columns(ink: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Columns (48, w) of a line image; a glyph is enlarged to the height of a digit. None without ink."""
    if len(ink) == LINE_HEIGHT:
        columns = np.flatnonzero((ink >= 128).any(0))
        return ink[:, columns[0] : columns[-1] + 1] if len(columns) else None
    cropped = crop_to_ink(ink)
    if not cropped.size:
        return None
    height, width = cropped.shape
    scale = _INK_HEIGHT / max(height, 0.8 * width)
    size = max(1, round(scale * width)), max(1, round(scale * height))
    large = np.asarray(cv2.resize(cropped, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    return np.pad(large, ((_BASELINE - len(large), LINE_HEIGHT - _BASELINE), (0, 0)))


def compose_lines(digits: WriterDigits, count: int, rng: np.random.Generator) -> list[Line]:
    """Compose numbers with separators of a writer's digits, at least one.

    Strokes, and inks in half of their lines, are laid out with varied sizes, gaps and slant. In the other
    half inks stand as they were written, in size and height.
    """
    drawn = round(count * sum(map(len, digits.strokes)) / len(digits))
    laid_out = (count - drawn) // 2
    scans = [[crop_to_ink(np.where(ink >= _MIN_INK, ink, 0)) for ink in own] for own in digits.inks]
    return [
        *compose_numbers(NumberPool(hands=[digits.strokes]), drawn, rng),
        *compose_numbers(NumberPool(scans=[scans]), laid_out, rng),
        *_paste_numbers(digits.inks, count - drawn - laid_out, rng),
    ]


def compose_numbers(pool: NumberPool, count: int, rng: np.random.Generator) -> list[Line]:
    """Compose numbers with separators of the digits of a pool, at least one, as they were written."""
    lines: list[Line] = []
    while len(lines) < count:
        hand = Hand(pool, random_pen_width(rng), rng, varied=False)
        text = _random_text(hand.scans or hand.samples, rng)
        if not text:
            continue
        image = to_line_image(np.pad(slant(lay_out_number(text, hand), rng), _LAYOUT_MARGIN))
        if image is not None and image.ink.shape[1] <= _MAX_WIDTH:
            lines.append((image.ink, text))
    return lines


def _random_text(samples: Sequence[Sequence[Any]], rng: np.random.Generator) -> str:
    """A number of digits that have samples; empty if it would need separators that have none."""
    known = [digit for digit in DIGITS if samples[int(digit)]]
    text = random_number_text(rng)
    if not {*text} <= {*DIGITS, *_SEPARATORS}:
        return ""
    return "".join(str(rng.choice(known)) if sign in DIGITS else sign for sign in text)


def _paste_numbers(inks: list[list[NDArray[np.uint8]]], count: int, rng: np.random.Generator) -> list[Line]:
    lines: list[Line] = []
    while len(lines) < count:
        text = _random_text(inks, rng)
        ink = vary_line(_paste(text, inks, rng), rng) if text else None
        if ink is not None and ink.shape[1] <= _MAX_WIDTH:
            lines.append((ink, text))
    return lines


def _paste(text: str, inks: list[list[NDArray[np.uint8]]], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The line image of a number: columns of other line images side by side, separators between them."""
    gap = rng.normal(1.5, 2.5) + (rng.uniform(0, 10) if rng.random() < _WIDE_SHARE else 0)
    pen, foot = rng.uniform(2, 4.5), _BASELINE + rng.normal(0, 1)
    placed: list[tuple[int, NDArray[np.uint8]]] = []
    right = float(_MARGIN)
    for sign in text:
        if sign == " ":
            right += rng.uniform(6, 22)
            continue
        if sign in DIGITS:
            own = inks[int(sign)]
            columns = own[rng.integers(len(own))]
            left = max(0, round(right))
            after = max(-_MAX_OVERLAP, gap + rng.normal(0, 1.5))
        else:
            columns = _separator(sign, pen, foot, rng)
            left, after = max(0, round(right + rng.uniform(0, 5))), rng.uniform(0, 5)
        placed.append((left, columns))
        right = left + columns.shape[1] + after
    canvas = np.zeros((LINE_HEIGHT, max(left + ink.shape[1] for left, ink in placed) + _MARGIN), np.uint8)
    for left, columns in placed:
        window = canvas[:, left : left + columns.shape[1]]
        np.maximum(window, columns, out=window)
    return canvas


def _separator(sign: str, pen: float, foot: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Columns (48, w) of a geometric separator, whose baseline is the row `foot`."""
    strokes = bracket_strokes(rng)["()".index(sign)] if sign in "()" else separator_strokes(sign, rng)
    strokes = [stroke * (_INK_HEIGHT / DIGIT_HEIGHT) for stroke in strokes]
    ink = rasterize(strokes, pen).ink
    top = round(foot + min(float(stroke[:, 1].min()) for stroke in strokes) - pen / 2)
    canvas = np.zeros((3 * LINE_HEIGHT, ink.shape[1]), np.uint8)
    canvas[LINE_HEIGHT + top : LINE_HEIGHT + top + len(ink)] = ink
    return canvas[LINE_HEIGHT : 2 * LINE_HEIGHT]


def vary_line(ink: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Slant, stretch, rotate and shift a line image (48, w) a little, and change the width of its pen."""
    height, width = ink.shape
    shear, turn = rng.normal(0, 0.12), rng.normal(0, 0.015)
    wide, high = np.exp(rng.normal(0, 0.12)), np.exp(rng.normal(0, 0.05))
    columns = max(LINE_HEIGHT, int(width * wide + abs(shear) * height) + 4)
    turned = np.array([[wide, -shear], [turn, high]])
    centre = np.array([columns / 2, height / 2 + rng.normal(0, 0.8)])
    shift = centre - turned @ np.array([width / 2, height / 2])
    varied = cv2.warpAffine(ink, np.column_stack([turned, shift]), (columns, height))
    kind, square = rng.random(), np.ones((2, 2), np.uint8)
    if kind < 0.2:
        varied = cv2.dilate(varied, square)
    elif kind < 0.35:
        varied = np.maximum(cv2.erode(varied, square), np.asarray(0.45 * varied, np.uint8))
    return np.asarray(varied, np.uint8)
