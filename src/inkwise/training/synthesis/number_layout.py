"""Layout of a number with its separators on a line."""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from inkwise._util.text import DIGITS
from inkwise.preprocessing.strokes import draw_strokes
from inkwise.training.synthesis.allographs import Stroke, add_allograph_mark, draw_allograph
from inkwise.training.synthesis.degradation import crop_to_ink
from inkwise.training.synthesis.line_layout import (
    DIGIT_HEIGHT,
    DigitInk,
    InkImage,
    LineCanvas,
    bracket_strokes,
    rasterize,
    scale_to_height,
    separator_strokes,
)
from inkwise.training.synthesis.number_pool import DigitSamples, DigitScans, NumberPool
from inkwise.training.synthesis.number_texts import OTHER, RAISED
from inkwise.training.synthesis.stroke_augmentation import augment_strokes

_MARKED_SHARE = 0.15  # share of the digits with an allograph mark
_ALLOGRAPH_SHARE = 0.35  # share of the digits in an allograph shape
_CROSSED_SEVEN_SHARE = 0.4  # share of the lines whose 7s are crossed
_STROKE_SHARE = 0.6  # share of the lines drawn from strokes; the others consist of scanned digits
_DRAWN_SHARE = 0.5  # share of the lines whose points, commas, dashes, slashes and brackets are geometric
_PRINTED_SHARE = 0.4  # share of the words that are printed
_MIDDLES = {  # height of a separator's middle above the baseline, in heights of a digit, and its deviation
    **{".": (0.03, 0.05), ",": (-0.04, 0.1), ":": (0.32, 0.09), "-": (0.45, 0.09), "'": (0.95, 0.08)},
    **{"+": (0.45, 0.07), "=": (0.42, 0.07), "*": (0.6, 0.15)},
}
_USUAL_MIDDLE = (0.5, 0.05)  # of all others
_SHAPES = {  # x,y of the corners of each stroke, in hundredths of the height
    "€": ("82,18 60,3 32,12 18,50 32,90 60,98 84,84", "2,38 62,36", "2,60 58,58"),
    "£": ("75,20 62,3 42,8 35,30 40,60 30,90 12,98 10,92 45,90 80,98", "14,54 62,52"),
}


@dataclass
class Hand:
    """One handwriting: where the ink of its digits comes from, and its habits.

    Attributes:
        pool: samples; one of its writers is chosen.
        pen: width of the pen, pixels.
        rng: draws the habits and all samples.
        varied: whether some digits get the shape of another allograph.
    """

    pool: NumberPool
    pen: float
    rng: np.random.Generator
    varied: bool = True

    def __post_init__(self) -> None:
        """Draw the habits."""
        rng, hands, scans = self.rng, self.pool.hands, self.pool.scans
        self.samples: DigitSamples = hands[rng.integers(len(hands))] if hands else []
        self.scans: DigitScans | None = None
        if scans and (not hands or rng.random() >= _STROKE_SHARE):
            self.scans = scans[rng.integers(len(scans))]
        share = _ALLOGRAPH_SHARE if self.varied else 0.0
        self.own_allographs = {digit for digit in DIGITS if rng.random() < share}
        self.crossed_sevens = self.varied and rng.random() < _CROSSED_SEVEN_SHARE
        self.geometric = not self.pool.separators or rng.random() < _DRAWN_SHARE
        self.stretch = np.array([np.exp(rng.normal(0, 0.15)), 1])
        self.separator_scale = np.exp(rng.normal(-0.15, 0.2))

    def digit(self, digit: str, height: float) -> DigitInk:
        """The ink of a digit of this height, pixels."""
        if self.scans is not None:
            return self._scan(digit, height)
        rng = self.rng
        if digit in self.own_allographs and rng.random() < 0.8:
            sample = draw_allograph(digit, rng)
        else:
            sample = self._sample(int(digit))
        if (digit == "7" and self.crossed_sevens) or (self.varied and rng.random() < _MARKED_SHARE):
            sample = add_allograph_mark(sample, digit, rng)
        strokes = [stroke * self.stretch for stroke in augment_strokes(sample, rng)]
        return rasterize(scale_to_height(strokes, height), self.pen)

    def _sample(self, digit: int) -> list[Stroke]:
        own, rng = self.samples[digit], self.rng
        while not own:
            own = self.pool.hands[rng.integers(len(self.pool.hands))][digit]
        return own[rng.integers(len(own))]

    def _scan(self, digit: str, height: float) -> DigitInk:
        """A scanned digit, distorted a little, a thick stroke thinned to the pen's width."""
        assert self.scans is not None
        rng, own = self.rng, self.scans[int(digit)]
        while not own:
            own = self.pool.scans[rng.integers(len(self.pool.scans))][int(digit)]
        cropped = own[rng.integers(len(own))]
        h, w = cropped.shape
        scale = height / max(h, 0.8 * w)
        wide = scale * np.exp(rng.normal(0, 0.1))
        ink = cv2.resize(cropped, None, fx=wide, fy=scale, interpolation=cv2.INTER_CUBIC)
        ink = cv2.copyMakeBorder(ink, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=0)
        ink = thin(distort(np.asarray(ink, np.uint8), rng), self.pen)
        if digit == "7" and self.crossed_sevens:
            points = np.argwhere(ink >= 128)[:, ::-1].astype(np.float64)
            draw_strokes(ink, [add_allograph_mark([points], digit, rng)[-1]], self.pen)
        return DigitInk(crop_to_ink(ink))

    def separator(self, kind: str, size: float) -> list[Stroke]:
        """Strokes of a separator beside digits `size` pixels high, from x = 0, on the baseline y = 0."""
        rng = self.rng
        if self.geometric and kind in ".,-/:":
            return [stroke * (size / DIGIT_HEIGHT) for stroke in separator_strokes(kind, rng)]
        if self.geometric and kind in "()":
            pair = bracket_strokes(rng)
            return [stroke * (size / DIGIT_HEIGHT) for stroke in pair["()".index(kind)]]
        if kind in _SHAPES:
            corners = [
                np.array([point.split(",") for point in line.split()], float) for line in _SHAPES[kind]
            ]
            sample = [smooth(line / 100 + rng.normal(0, 0.03, line.shape)) for line in corners]
            sample = [stroke * rng.uniform(0.9, 1.3) for stroke in sample]
        else:
            samples = self.pool.separators[kind]
            sample = samples[rng.integers(len(samples))]
        strokes = [stroke * size * self.separator_scale for stroke in augment_strokes(sample, rng)]
        points = np.concatenate(strokes)
        low, extent = points.min(0), np.ptp(points, 0)
        scale = min(1.0, 1.8 * size / max(extent.max(), 1e-6))
        middle, deviation = _MIDDLES.get(kind, _USUAL_MIDDLE)
        top = -rng.normal(middle, deviation) * size - extent[1] * scale / 2
        return [(stroke - low) * scale + np.array([0, top]) for stroke in strokes]


def smooth(corners: Stroke) -> Stroke:
    """A smooth curve through points (k, 2)."""
    along = np.linspace(0, len(corners) - 1, 10 * len(corners))
    dense = np.stack([np.interp(along, np.arange(len(corners)), corners[:, axis]) for axis in (0, 1)], 1)
    padded = np.concatenate([np.repeat(dense[:1], 4, 0), dense, np.repeat(dense[-1:], 4, 0)])
    return np.stack([np.convolve(padded[:, axis], np.full(9, 1 / 9), "valid") for axis in (0, 1)], 1)


def lay_out_number(text: str, hand: Hand) -> InkImage:
    """The ink of a number with its separators, (H, W) uint8.

    Args:
        text: characters of `NUMBER_CHARACTERS`.
        hand: the handwriting; its generator draws gaps, slope and sizes.
    """
    rng, canvas = hand.rng, LineCanvas(len(text) + 4 * text.count(OTHER), hand.pen, hand.rng)
    joined = 0.8 if rng.random() < 0.2 else 0.0  # probability of a ligature: some writers rarely lift the pen
    sizes = _sizes(text, rng)
    space = rng.uniform(0.35, 0.9) * DIGIT_HEIGHT
    raised = 0.0
    raised_from = canvas.right
    for at, (character, size) in enumerate(zip(text, sizes, strict=True)):
        if character == RAISED:
            raised, raised_from = rng.uniform(0.3, 0.65), canvas.right
        elif character in DIGITS:
            canvas.write_digit(hand.digit(character, size), character, joined, raised * DIGIT_HEIGHT)
        elif character == " ":
            canvas.skip(space * rng.uniform(0.8, 1.2))
        elif character == OTHER:
            canvas.skip(rng.uniform(0.05, 0.3) * DIGIT_HEIGHT if at else 0)
            _write_other(canvas, hand)
        elif character == "½":
            _write_half(canvas, hand)
        else:
            if raised and rng.random() < 0.8:
                _underline(canvas, raised_from, rng, raised)
            raised = 0.0
            strokes = hand.separator(character, DIGIT_HEIGHT)
            if character in "-=" and at == len(text) - 1 and rng.random() < 0.4:  # a closing line
                long, rise = rng.uniform(1.2, 4), max(0.0, rng.normal(0.1, 0.3))
                strokes = [stroke @ np.array([[long, -rise * long], [0, 1]]) for stroke in strokes]
            canvas.write_strokes(strokes)
    if raised and rng.random() < 0.7:
        _underline(canvas, raised_from, rng, raised)
    return crop_to_ink(canvas.canvas)


def _sizes(text: str, rng: np.random.Generator) -> list[float]:
    """Height of each character, pixels; trailing zeros are often small, as are raised digits."""
    heights = DIGIT_HEIGHT * np.exp(rng.normal(0, rng.uniform(0.04, 0.16), len(text)))
    if rng.random() < 0.3:
        heights[len(text.rstrip("0")) :] *= rng.uniform(0.45, 0.9)
    if RAISED in text:
        heights[text.index(RAISED) :] *= rng.uniform(0.45, 0.8)
    return [float(height) for height in np.clip(heights, 25, 90)]


def _underline(canvas: LineCanvas, left: float, rng: np.random.Generator, raised: float) -> None:
    """Draw one or two lines below raised digits."""
    y = canvas.baseline(canvas.right) - raised * DIGIT_HEIGHT + rng.uniform(4, 14)
    for line in range(1 + int(rng.random() < 0.2)):
        points = np.array([[left + rng.uniform(-4, 8), y], [canvas.right + rng.uniform(-4, 8), y]])
        draw_strokes(canvas.canvas, [points + np.array([0, 8 * line]) + rng.normal(0, 2, (2, 2))], canvas.pen)


def _write_half(canvas: LineCanvas, hand: Hand) -> None:
    """Write one half: a small 1, a bar, a small 2 below it."""
    rng, size = hand.rng, hand.rng.uniform(0.4, 0.6) * DIGIT_HEIGHT
    one, two = hand.digit("1", size), hand.digit("2", size)
    canvas.skip(rng.uniform(2, 10))
    left, foot = canvas.right, canvas.baseline(canvas.right)
    slanted = rng.random() < 0.6
    middle = foot - DIGIT_HEIGHT * rng.uniform(0.42, 0.55)
    canvas.paste(one.ink, left, middle - one.ink.shape[0] - rng.uniform(0, 6))
    shift = one.ink.shape[1] * (0.9 if slanted else 0) + rng.uniform(0, 8)
    canvas.paste(two.ink, left + shift, middle + rng.uniform(0, 8))
    right = left + shift + two.ink.shape[1]
    bar = np.array([[left, middle], [right, middle]])
    if slanted:
        centre, reach = left + shift, DIGIT_HEIGHT * rng.uniform(0.4, 0.6)
        bar = np.array([[centre - 0.4 * reach, middle + reach], [centre + 0.5 * reach, middle - reach]])
    draw_strokes(canvas.canvas, [bar + rng.normal(0, 2, (2, 2))], hand.pen)
    canvas.reach(right)


def _write_other(canvas: LineCanvas, hand: Hand) -> None:
    """Write a printed word, a word of up to four letters by hand, or a symbol."""
    rng, pool = hand.rng, hand.pool
    if rng.random() < _PRINTED_SHARE:
        canvas.write_digit(DigitInk(crop_to_ink(printed_word(rng))), "x", 0)
        canvas.skip(rng.uniform(0.05, 0.3) * DIGIT_HEIGHT)
        return
    if rng.random() < 0.2:
        letters = [pool.symbols[rng.integers(len(pool.symbols))]]
    else:
        writer = pool.words[rng.integers(len(pool.words))]
        letters = [writer[rng.integers(len(writer))] for _ in range(int(rng.integers(1, 5)))]
    for letter in letters:
        height = float(rng.uniform(35, 75))
        canvas.write_digit(rasterize(scale_to_height(augment_strokes(letter, rng), height), hand.pen), "x", 0)
    canvas.skip(rng.uniform(0.05, 0.3) * DIGIT_HEIGHT)


def printed_word(rng: np.random.Generator) -> InkImage:
    """The ink (h, w) uint8 of a printed word, sometimes with a point or a colon."""
    letters = "".join(rng.choice([*string.ascii_lowercase], int(rng.integers(2, 9))))
    shapes = (letters, letters.capitalize(), letters.capitalize(), letters.upper())
    text = shapes[rng.integers(4)] + ("", "", ":", ":", ".")[rng.integers(5)]
    size = float(rng.uniform(0.7, 1.2)) * DIGIT_HEIGHT
    fonts = _font_files()
    which = int(rng.integers(-1, len(fonts)))
    font = ImageFont.truetype(str(fonts[which]), size) if which >= 0 else ImageFont.load_default(size)
    left, top, right, bottom = map(int, font.getbbox(text))
    image = Image.new("L", (right - left + 8, bottom - top + 8))
    ImageDraw.Draw(image).text((4 - left, 4 - top), text, fill=255, font=font)
    return np.array(image)


@cache
def _font_files() -> list[Path]:
    """Fonts of letters that matplotlib brings."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    files = [*folder.glob("DejaVuS*.ttf"), *folder.glob("STIXGeneral*.ttf")]
    return sorted(path for path in files if "Display" not in path.name)


def distort(ink: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Rotate, slant and bend the ink of a digit a little.

    P. Simard, D. Steinkraus & J. Platt, "Best practices for convolutional neural networks applied to visual
    document analysis", ICDAR 2003.
    """
    edge = round(0.15 * len(ink))
    ink = cv2.copyMakeBorder(ink, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=0)
    height, width = ink.shape
    y, x = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    turn, slant = rng.normal(0, 0.06), rng.normal(0, 0.1)
    knots = rng.normal(0, 0.03 * len(ink), (2, 4, 4))
    bend_x, bend_y = (cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC) for field in knots)
    from_x = x + (turn + slant) * (y - height / 2) + bend_x
    from_y = y - turn * (x - width / 2) + bend_y
    bent = cv2.remap(ink, from_x.astype(np.float32), from_y.astype(np.float32), cv2.INTER_LINEAR)
    return bent if bent.max() >= 128 else ink


def thin(ink: NDArray[np.uint8], pen: float) -> NDArray[np.uint8]:
    """Thin strokes to the width of a pen, pixels, if they are wider."""
    inside = cv2.distanceTransform((ink >= 128).astype(np.uint8), cv2.DIST_L2, 3)
    width = 4 * float(inside[inside > 0].mean()) if inside.any() else 0.0
    size = int(width - pen)
    if size < 1:
        return ink
    narrow = cv2.erode(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size + 1, size + 1)))
    return narrow if narrow.max() >= 128 else ink
