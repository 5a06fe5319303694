"""Synthesis of handwritten numbers from single digits, as training data of the line reader."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing import binarize
from inkwise.preprocessing.line_image import tall_stroke_height, to_line_image
from inkwise.preprocessing.strokes import draw_strokes
from inkwise.training.synthesis.allographs import Stroke, add_allograph_mark, draw_allograph
from inkwise.training.synthesis.degradation import (
    InkCoverage,
    crop_to_ink,
    ink_coverage,
    ruled_paper,
    simulate_camera,
    simulate_illumination,
    simulate_pen,
)
from inkwise.training.synthesis.digit_pool import DigitPool, StrokeSample
from inkwise.training.synthesis.line_layout import (
    DIGIT_HEIGHT,
    DigitInk,
    lay_out_line,
    rasterize,
    scale_to_height,
)
from inkwise.training.synthesis.stroke_augmentation import augment_strokes

_MARKED_SHARE = 0.15  # share of the digits with an allograph mark
_ALLOGRAPH_SHARE = 0.35  # share of the digits in an allograph shape
_CROSSED_SEVEN_SHARE = 0.4  # share of the lines of scanned digits whose 7s are crossed
_WORD_SHARE = 0.03  # share of the lines that are words without digits
_WHOLE_NUMBER_SHARE = 0.08  # share of the lines that are whole numbers of one writer
_STROKE_SHARE = 0.5  # share of the lines drawn from strokes; the others consist of scanned digits


def compose_line(pool: DigitPool, rng: np.random.Generator) -> tuple[NDArray[np.uint8], str]:
    """A line image (32, w) uint8, normalized from a synthetic photo, and its digits; words have none."""
    while True:
        if rng.random() < _WORD_SHARE and pool.letters:
            text = ""
            cover = _word_coverage(pool, rng)
        elif rng.random() < _WHOLE_NUMBER_SHARE and pool.numbers:
            strokes, text = pool.numbers[rng.integers(len(pool.numbers))]
            cover = whole_number_coverage(strokes, rng)
        else:
            text = random_number(rng)
            cover = line_coverage(text, pool, rng)
        ink = binarize(simulate_line_photo(cover, rng), ink_expected=True)
        found = to_line_image(ink)
        if found is not None and found.ink.shape[1] >= 8 * len(text):
            return found.ink, text


def random_number(rng: np.random.Generator) -> str:
    """One to ten digits, with repeated digits and trailing zeros.

    In half of the numbers the first digit follows F. Benford, "The law of anomalous numbers", 1938.
    """
    count = 1 + int(rng.binomial(9, rng.choice([0.25, 0.45, 0.8], p=[0.35, 0.5, 0.15])))
    digits = rng.integers(0, 10, count)
    if rng.random() < 0.5:
        digits[0] = int(10 ** rng.random())
    if rng.random() < 0.3:
        digits[count - int(rng.integers(0, min(4, count) + 1)) :] = 0
    for at in range(1, count):
        if rng.random() < 0.08:
            digits[at] = digits[at - 1]
    return "".join(map(str, digits))


def line_coverage(text: str, pool: DigitPool, rng: np.random.Generator) -> InkCoverage:
    """Ink coverage of a number in one handwriting, (h, w) float32, digits some 64 pixels high, cropped."""
    pen = random_pen_width(rng)
    pieces = (_digits_from_strokes if rng.random() < _STROKE_SHARE else _digits_from_glyphs)(
        text, pool, pen, rng
    )
    line = lay_out_line(text, pieces, pen, pool.symbols, rng)
    return ink_coverage(slant(line, rng))


def _word_coverage(pool: DigitPool, rng: np.random.Generator) -> InkCoverage:
    """Ink coverage of letters in a row, as of a number."""
    pen = random_pen_width(rng)
    letters = rng.integers(0, len(pool.letters), 1 + int(rng.binomial(9, 0.4)))
    drawings = [augment_strokes(pool.letters[letter], rng) for letter in letters]
    pieces = [rasterize(scale_to_height(strokes, float(rng.uniform(35, 75))), pen) for strokes in drawings]
    return ink_coverage(slant(lay_out_line("-" * len(pieces), pieces, pen, pool.symbols, rng), rng))


def random_pen_width(rng: np.random.Generator) -> float:
    """Width of a pen for digits `DIGIT_HEIGHT` high, pixels."""
    return float(np.clip(np.exp(rng.normal(np.log(0.075), 0.35)), 0.035, 0.2)) * DIGIT_HEIGHT


def slant(canvas: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shear and stretch a line as a whole, as a writer slants all digits alike."""
    height, width = canvas.shape
    shear, stretch = rng.normal(-0.2, 0.25), np.exp(rng.normal(0.1, 0.2))
    matrix = np.array([[stretch, shear, max(0.0, -shear) * height], [0, 1, 0]])
    size = int(stretch * width + abs(shear) * height), height
    return cv2.warpAffine(canvas, matrix, size)


def whole_number_coverage(strokes: list[Stroke], rng: np.random.Generator) -> InkCoverage:
    """Ink coverage of a whole number with another slant and pen."""
    matrix = np.array([[np.exp(rng.normal(0, 0.12)), rng.normal(0, 0.15)], [rng.normal(0, 0.02), 1]])
    scale = DIGIT_HEIGHT / max(tall_stroke_height(strokes), 1e-6)
    turned = [stroke @ matrix.T * scale for stroke in strokes]
    points = np.concatenate(turned)
    low, (width, height) = points.min(0), np.ptp(points, 0).tolist()
    canvas = np.zeros((int(height) + 41, int(width) + 41), np.uint8)
    draw_strokes(canvas, [stroke - low + 20 for stroke in turned], random_pen_width(rng))
    return ink_coverage(canvas)


def _digits_from_strokes(text: str, pool: DigitPool, pen: float, rng: np.random.Generator) -> list[DigitInk]:
    """Digits of one writer, stretched alike and augmented individually."""
    hand = pool.samples_by_writer[rng.integers(len(pool.samples_by_writer))]
    stretch = np.array([np.exp(rng.normal(0, 0.15)), 1])
    own = {digit for digit in dict.fromkeys(text) if rng.random() < _ALLOGRAPH_SHARE}  # in allograph shapes
    pieces = []
    for digit, height in zip(text, _digit_heights(text, rng), strict=True):
        sample = draw_allograph(digit, rng) if digit in own else _pick_sample(int(digit), hand, pool, rng)
        if rng.random() < _MARKED_SHARE:
            sample = add_allograph_mark(sample, digit, rng)
        strokes = [stroke * stretch for stroke in augment_strokes(sample, rng)]
        pieces.append(rasterize(scale_to_height(strokes, height), pen))
    return pieces


def _pick_sample(
    digit: int, writer_samples: list[list[StrokeSample]], pool: DigitPool, rng: np.random.Generator
) -> StrokeSample:
    """A sample by this writer, or by another if this writer has none of the digit."""
    own = writer_samples[digit]
    while not own:
        own = pool.samples_by_writer[rng.integers(len(pool.samples_by_writer))][digit]
    return own[rng.integers(len(own))]


def _digit_heights(text: str, rng: np.random.Generator) -> list[float]:
    """Height of each digit, pixels; trailing zeros are often small."""
    heights = DIGIT_HEIGHT * np.exp(rng.normal(0, rng.uniform(0.04, 0.16), len(text)))
    if rng.random() < 0.3:
        heights[len(text.rstrip("0")) :] *= rng.uniform(0.45, 0.9)
    return [float(height) for height in np.clip(heights, 25, 90)]


def _digits_from_glyphs(text: str, pool: DigitPool, pen: float, rng: np.random.Generator) -> list[DigitInk]:
    """Scanned digits, each distorted a little, thick strokes thinned to the pen's width."""
    pieces = []
    barred = rng.random() < _CROSSED_SEVEN_SHARE
    for digit, height in zip(text, _digit_heights(text, rng), strict=True):
        glyphs = pool.glyphs[int(digit)]
        glyph = glyphs[rng.integers(len(glyphs))]
        cropped = crop_to_ink(glyph)
        h, w = cropped.shape
        scale = height / max(h, 0.8 * w)
        wide = scale * np.exp(rng.normal(0, 0.1))
        ink = cv2.resize(cropped, None, fx=wide, fy=scale, interpolation=cv2.INTER_CUBIC)
        ink = cv2.copyMakeBorder(ink, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=0)
        ink = _thin(_distort(np.asarray(ink, np.uint8), rng), pen)
        if digit == "7" and barred:
            points = np.argwhere(ink >= 128)[:, ::-1].astype(np.float64)
            draw_strokes(ink, [add_allograph_mark([points], digit, rng)[-1]], pen)
        pieces.append(DigitInk(crop_to_ink(ink)))
    return pieces


def _distort(ink: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
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


def _thin(ink: NDArray[np.uint8], pen: float) -> NDArray[np.uint8]:
    """Thin strokes to the width of a pen, pixels, if they are wider."""
    inside = cv2.distanceTransform((ink >= 128).astype(np.uint8), cv2.DIST_L2, 3)
    width = 4 * float(inside[inside > 0].mean()) if inside.any() else 0.0
    size = int(width - pen)
    if size < 1:
        return ink
    thin = cv2.erode(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size + 1, size + 1)))
    return thin if thin.max() >= 128 else ink


def simulate_line_photo(cover: InkCoverage, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A grey image (H, W) uint8 of a line of ink on plain, ruled or printed paper."""
    height = float(np.exp(rng.uniform(np.log(24), np.log(64))))
    scale = height / cover.shape[0]
    size = max(8, round(cover.shape[1] * scale)), max(8, round(height))
    cover = simulate_pen(cv2.resize(cover, size, interpolation=cv2.INTER_AREA), rng)
    top, bottom = (rng.uniform(0.02, 0.5, 2) * height).astype(int).tolist()
    left, right = (rng.uniform(0.02, 0.9, 2) * height).astype(int).tolist()
    cover = cv2.copyMakeBorder(cover, top + 1, bottom + 1, left + 1, right + 1, cv2.BORDER_CONSTANT, value=0)
    paper = simulate_illumination(cover.shape, rng) * rng.uniform(120, 255)
    darkest = rng.uniform(0, 0.65)
    depth = float(paper.mean()) * (1 - darkest)  # grey levels between paper and ink
    if rng.random() < 0.6:
        paper = paper - security_pattern(cover.shape, rng) * rng.uniform(0.05, 0.3) * depth
    if rng.random() < 0.25:
        paper = paper - ruled_paper(cover.shape, rng) * rng.uniform(0.1, 0.9) * depth
    if rng.random() < 0.35:
        cover = np.maximum(cover, _form_line(cover.shape, top, bottom, rng))
    return simulate_camera(paper * (1 - cover * (1 - darkest)), rng)


def security_pattern(shape: tuple[int, ...], rng: np.random.Generator) -> InkCoverage:
    """The security pattern of a cheque: one or two sets of fine waves, (h, w) float32 in 0..1."""
    height, width = shape
    y, x = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    whole = np.zeros(shape, np.float32)
    for _ in range(int(rng.integers(1, 3))):
        angle = rng.normal(np.pi / 2, 0.4) if rng.random() < 0.7 else rng.uniform(0, np.pi)
        along, across = np.cos(angle) * y - np.sin(angle) * x, np.cos(angle) * x + np.sin(angle) * y
        waves = sum(
            rng.uniform(0, 5) * np.sin(2 * np.pi * along / rng.uniform(12, 90) + rng.uniform(0, 6.3))
            for _ in range(2)
        )
        step = rng.uniform(3, 11)
        phase = (across + waves + rng.uniform(0, 30) * (along / max(shape)) ** 2) / step
        sharp = rng.uniform(1, 8)
        whole = np.maximum(whole, ((0.5 + 0.5 * np.cos(2 * np.pi * phase)) ** sharp).astype(np.float32))
    if rng.random() < 0.3:
        grain = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), rng.uniform(0.6, 2))
        whole = whole * rng.uniform(0, 1) + np.clip(grain / (2 * grain.std()), -1, 1)
    return np.asarray(whole, np.float32)


def _form_line(shape: tuple[int, ...], top: int, bottom: int, rng: np.random.Generator) -> InkCoverage:
    """A form line below or above the number, or a side of its box; it may touch the digits."""
    height, width = shape
    lines = np.zeros(shape, np.uint8)
    thick = max(1, round(height * rng.uniform(0.01, 0.05)))
    tilt = rng.normal(0, 0.01) * width
    low = height - bottom * rng.uniform(0, 1.3) - 1
    high = top * rng.uniform(0, 1.2)
    for y in ([low], [high], [low, high])[int(rng.choice(3, p=[0.6, 0.2, 0.2]))]:
        cv2.line(lines, (0, round(y - tilt)), (width, round(y + tilt)), 1, thick)
    if rng.random() < 0.05:
        x = int(rng.choice([rng.uniform(0, 0.02), rng.uniform(0.98, 1)]) * width)
        cv2.line(lines, (x, 0), (x, height), 1, thick)
    return lines.astype(np.float32) * np.float32(rng.uniform(0.4, 1))
