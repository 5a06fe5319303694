"""Handwriting of UNIPEN's writers on a canvas: digits, rows of digits, pens, papers and rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.page_synthesis import WriterStrokes, is_straight, read_writers
from benchmarks.common.handwriting_sets import load_unipen
from inkwise.preprocessing.strokes import draw_strokes
from inkwise.training.synthesis.allographs import Stroke
from inkwise.training.synthesis.line_layout import scale_to_height

Canvas = NDArray[np.float32]
"""(h, w, 3), red, green and blue in 0..255."""
Color = tuple[float, float, float]

DARK: tuple[Color, ...] = ((20, 20, 24), (22, 42, 130), (40, 44, 60), (92, 92, 96))
"""Black, blue and dark ink, and a pencil."""
BRIGHT: tuple[Color, ...] = (
    *((200, 30, 40), (20, 120, 60), (30, 60, 190), (215, 95, 10), (120, 40, 150)),
    *((200, 40, 120), (0, 120, 140)),
)
"""Coloured pens: red, green, blue, orange, violet, pink, turquoise."""
_LETTERS = "EFHKMNRWXhkmnuvwx"  # those that cannot be taken for digits
_UNREADABLE = (  # digits of validation and test writers that a person cannot read, or not as labelled
    *(758, 778, 788, 1232, 2531, 3858, 3863, 4215, 4216, 4480),
    *(538, 1847, 1873, 1906, 2475, 4010, 4068, 4148, 7395, 7635),
)
_OTHER_NUMBERS = (69, 71, 75, 144)  # of people who wrote strings here, and digits in another part
_SEPARATOR_HEIGHTS = {"/": 1.25, ".": 0.07, ",": 0.3, "-": 0.08, ":": 0.55}  # of the digits' height
_SEPARATOR_FEET = {"/": 0.12, ".": 0.0, ",": 0.2, "-": -0.42, ":": -0.1}  # below the baseline, likewise


@dataclass(frozen=True)
class Handwriting:
    """Strokes of the writers of one part: digits by writer, strings with separators, symbols, letters."""

    writers: WriterStrokes
    strings: list[tuple[str, list[Stroke]]]
    symbols: dict[str, list[list[Stroke]]]

    def writer(self, rng: np.random.Generator) -> dict[str, list[list[Stroke]]]:
        """Choose a writer."""
        return self.writers[rng.integers(len(self.writers))]

    def symbol(self, label: str, rng: np.random.Generator) -> list[Stroke]:
        """Choose a sample of a symbol or letter."""
        return self.symbols[label][rng.integers(len(self.symbols[label]))]

    def word(self, length: int, height: float, rng: np.random.Generator) -> list[list[Stroke]]:
        """Draw letters that cannot be taken for digits."""
        letters = [letter for letter in _LETTERS if self.symbols.get(letter)]
        drawn: list[list[Stroke]] = []
        while len(drawn) < length:
            sample = self.symbol(str(rng.choice(letters)), rng)
            if not is_straight(sample):  # its other strokes were lost
                drawn.append(_on_baseline(sample, height, 0))
        return drawn


def load_handwriting(folder: Path, part: str) -> Handwriting:
    """Load UNIPEN's digits, strings and symbols of the writers of "train", "validation" or "test"."""
    strings = load_unipen(folder / "unipen_digit_strings.npz", part)
    strings = strings.select(~np.isin(np.asarray(strings.writers), _OTHER_NUMBERS))
    symbols = defaultdict(list)
    others = load_unipen(folder / "unipen_nondigits.npz", part)
    for label, strokes in zip(others.labels.tolist(), others.samples, strict=True):
        symbols[str(label)].append(list(strokes))
    return Handwriting(
        read_writers(folder / "unipen_digits.npz", part, _UNREADABLE),
        [
            (str(label), list(strokes))
            for label, strokes in zip(strings.labels.tolist(), strings.samples, strict=True)
            if not str(label).isdigit()
        ],
        dict(symbols),
    )


# ---- strokes


def digit_strokes(
    writer: dict[str, list[list[Stroke]]], digit: str, height: float, rng: np.random.Generator
) -> list[Stroke]:
    """Draw a digit on the baseline y = 0 from x = 0, about `height` pixels high."""
    sample = writer[digit][rng.integers(len(writer[digit]))]
    turned = np.eye(2) + rng.normal(0, 0.05, (2, 2))  # variation between samples
    size = height * float(np.exp(rng.normal(0, 0.05)))
    return _on_baseline([stroke @ turned.T for stroke in sample], size, rng.normal(0, 0.03) * height)


def row_of_digits(
    hand: Handwriting,
    text: str,
    height: float,
    rng: np.random.Generator,
    *,
    gaps: tuple[float, float] = (0.16, 0.42),
    writer: dict[str, list[list[Stroke]]] | None = None,
) -> list[list[Stroke]]:
    """Write digits and separators side by side in one hand; `gaps` is their range in heights."""
    writer = writer or hand.writer(rng)
    gap = rng.uniform(*gaps)
    drawn: list[list[Stroke]] = []
    x = 0.0
    for character in text:
        if character in _SEPARATOR_HEIGHTS:
            strokes = _separator(hand, character, height, rng)
        else:
            strokes = digit_strokes(writer, character, height, rng)
        drawn.append(moved(strokes, x, 0))
        step = np.clip(gap + rng.normal(0, 0.04), *gaps)
        x = float(np.concatenate(drawn[-1])[:, 0].max()) + float(step) * height
    return drawn


def _separator(hand: Handwriting, character: str, height: float, rng: np.random.Generator) -> list[Stroke]:
    sample = hand.symbol(character, rng)
    low, extent = np.concatenate(sample).min(0), np.ptp(np.concatenate(sample), 0)
    size = _SEPARATOR_HEIGHTS[character] * height
    longer = 0.4 * height if character == "-" else size
    scaled = [(stroke - low) * (longer / max(float(extent.max()), 1e-6)) for stroke in sample]
    foot = float(np.concatenate(scaled)[:, 1].max())
    return moved(scaled, 0, _SEPARATOR_FEET[character] * height - foot)


def _on_baseline(strokes: Sequence[NDArray[np.floating]], height: float, foot: float) -> list[Stroke]:
    scaled = scale_to_height(strokes, height)
    return moved(scaled, 0, foot - float(np.concatenate(scaled)[:, 1].max()))


def moved(strokes: Iterable[Stroke], x: float, y: float) -> list[Stroke]:
    """Shift strokes."""
    return [stroke + np.array([x, y]) for stroke in strokes]


def joined(digits: Iterable[list[Stroke]]) -> list[Stroke]:
    """Return the strokes of all digits."""
    return [stroke for digit in digits for stroke in digit]


def extent_of(strokes: Iterable[Stroke]) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of strokes."""
    points = np.concatenate(list(strokes))
    left, top = points.min(0).tolist()
    right, bottom = points.max(0).tolist()
    return left, top, right, bottom


def random_digits(rng: np.random.Generator, fewest: int, most: int) -> str:
    """Return a text of that many random digits."""
    return "".join(str(digit) for digit in rng.integers(0, 10, int(rng.integers(fewest, most + 1))))


# ---- canvas


def blank(width: float, height: float, color: Color | float) -> Canvas:
    """Return a canvas of one colour."""
    return np.full((round(height), round(width), 3), color, np.float32)


def draw(
    canvas: Canvas,
    strokes: Iterable[Stroke],
    width: float,
    color: Color,
    *,
    strength: float = 1.0,
    grain: np.random.Generator | None = None,
    smooth: bool = True,
) -> None:
    """Draw strokes, by default anti-aliased; `grain` draws them with chalk or graphite."""
    strokes = list(strokes)
    left, top, right, bottom = extent_of(strokes)
    edge = int(width) + 2
    x, y = max(int(left) - edge, 0), max(int(top) - edge, 0)
    window = canvas[y : int(bottom) + edge + 1, x : int(right) + edge + 1]
    mask = np.zeros(window.shape[:2], np.uint8)
    draw_strokes(mask, moved(strokes, -x, -y), width, line_type=cv2.LINE_AA if smooth else cv2.LINE_8)
    cover = mask.astype(np.float32) * np.float32(strength / 255)
    if grain is not None and cover.size:
        rough = grain.random((cover.shape[0] // 2 + 1, cover.shape[1] // 2 + 1), np.float32)
        cover *= np.clip(0.35 + cv2.resize(rough, cover.shape[::-1]), 0, 1)
    window += cover[..., None] * (np.array(color, np.float32) - window)


def pen_width(height: float, rng: np.random.Generator, middle: float = 0.085) -> float:
    """Return the width in pixels of an ordinary pen for digits of this height."""
    return max(1.0, height * middle * float(np.exp(np.clip(rng.normal(0, 0.3), -0.6, 0.6))))


def pick(colors: Sequence[Color], rng: np.random.Generator, spread: float = 8) -> Color:
    """Choose a colour and vary it."""
    chosen = np.array(colors[int(rng.integers(len(colors)))]) + rng.normal(0, spread, 3)
    red, green, blue = np.clip(chosen, 0, 255).tolist()
    return red, green, blue


def line(
    canvas: Canvas, start: tuple[float, float], end: tuple[float, float], color: Color, width: float
) -> None:
    """Draw a straight line."""
    draw(canvas, [np.array([start, end], np.float64)], width, color)


def rules(
    canvas: Canvas, step: float, color: Color, width: float, offset: float, *, squared: bool = False
) -> None:
    """Draw the rules of ruled or squared paper."""
    height, across = canvas.shape[:2]
    for y in np.arange(offset % step, height, step):
        line(canvas, (-5, y), (across + 5, y), color, width)
    for x in np.arange((offset * 1.7) % step, across, step) if squared else ():
        line(canvas, (x, -5), (x, height + 5), color, width)


def rectangle(
    canvas: Canvas,
    corners: tuple[float, float, float, float],
    color: Color,
    width: float,
    sides: str = "ltrb",
) -> None:
    """Draw sides of a rectangle of left, top, right and bottom."""
    left, top, right, bottom = corners
    ends = {
        "l": ((left, top), (left, bottom)),
        "t": ((left, top), (right, top)),
        "r": ((right, top), (right, bottom)),
        "b": ((left, bottom), (right, bottom)),
    }
    for side in sides:
        line(canvas, *ends[side], color, width)
