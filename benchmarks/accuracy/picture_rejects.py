"""Kinds of pictures that must not be accepted: corrected and crossed-out digits, and no digit at all."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.accuracy.picture_canvas import (
    BRIGHT,
    DARK,
    Canvas,
    Handwriting,
    blank,
    digit_strokes,
    draw,
    extent_of,
    joined,
    moved,
    pen_width,
    pick,
    random_digits,
    row_of_digits,
)
from benchmarks.accuracy.picture_damage import blotches, clean, gradient, scanned
from benchmarks.accuracy.picture_kinds import Drawn, around
from inkwise.preprocessing.strokes import draw_strokes
from inkwise.training.synthesis.allographs import Stroke

_MIN_SHOWN = 0.35  # share of each of two digits that the other one must leave free
_TEXT = "invoice please write name street city signature total page order thank you open closed left"
_WORDS = _TEXT.split()


def corrected(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    """Write a digit over another one, alone or within a number, so that both can be seen."""
    text, height, writer = random_digits(rng, 1, 5), rng.uniform(50, 140), hand.writer(rng)
    at, pen = int(rng.integers(len(text))), pen_width(height, rng)
    while True:
        below, above = rng.choice([*"23456789"], 2, replace=False).tolist()
        text = text[:at] + below + text[at + 1 :]
        digits = row_of_digits(hand, text, height, rng, writer=writer)
        left, _, right, _ = extent_of(digits[at])
        over = digit_strokes(writer, above, height, rng)
        middle = extent_of(over)[0] / 2 + extent_of(over)[2] / 2
        over = moved(over, (left + right) / 2 - middle + rng.normal(0, 0.04) * height, 0)
        if min(_shown(digits[at], over, pen), _shown(over, digits[at], pen)) > _MIN_SHOWN:
            break
    canvas, strokes = around([*joined(digits), *over], height, rng)
    color = pick(DARK, rng)
    draw(canvas, strokes[: -len(over)], pen, color)
    draw(canvas, strokes[-len(over) :], pen * rng.uniform(1, 1.5), color)
    return scanned(canvas, rng), ()


def _shown(strokes: list[Stroke], others: list[Stroke], pen: float) -> float:
    """Return the share of strokes that lie further than one and a half pens from other strokes."""
    left, top, right, bottom = extent_of([*strokes, *others])
    near = np.zeros((int(bottom - top) + 1, int(right - left) + 1), np.uint8)
    draw_strokes(near, moved(others, -left, -top), 3 * pen)
    ink = np.zeros_like(near)
    draw_strokes(ink, moved(strokes, -left, -top), 1)
    return float((near[ink > 0] == 0).mean())


def crossed_out(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    """Cross out one digit of a number, or all, with a zigzag, a cross or several lines."""
    text, height = random_digits(rng, 1, 5), rng.uniform(50, 140)
    digits = row_of_digits(hand, text, height, rng)
    at = int(rng.integers(len(text)))
    crossed = joined(digits if rng.random() < 0.35 else digits[at : at + 1])
    left, top, right, bottom = extent_of(crossed)
    edge = 0.12 * height
    left, right = left - edge, right + edge
    kind = rng.integers(3)
    if kind == 0:
        turns = int(rng.integers(7, 12))
        across = np.linspace(left, right, turns)
        up = np.where(np.arange(turns) % 2, top, bottom) + rng.normal(0, 0.06, turns) * height
        lines = [np.stack([across, up], 1)]
    elif kind == 1:
        lines = [
            np.array([[left, top - edge], [right, bottom + edge]]),
            np.array([[left, bottom + edge], [right, top - edge]]),
        ]
    else:
        places = np.linspace(top + 0.25 * height, bottom - 0.25 * height, int(rng.integers(3, 5)))
        lines = [np.array([[left, y], [right, y - rng.uniform(0, 0.15) * height]]) for y in places]
    canvas, strokes = around([*joined(digits), *lines], height, rng)
    draw(canvas, strokes, pen_width(height, rng), pick(DARK, rng))
    return scanned(canvas, rng), ()


def letters(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    """Write a letter or a word of letters that cannot be taken for digits."""
    height, x, strokes = rng.uniform(40, 140), 0.0, []
    for letter in hand.word(1 if rng.random() < 0.4 else int(rng.integers(3, 8)), height, rng):
        strokes += moved(letter, x, 0)
        x = extent_of(strokes)[2] + rng.uniform(0.12, 0.3) * height
    canvas, strokes = around(strokes, height, rng)
    draw(canvas, strokes, pen_width(height, rng), pick(DARK, rng))
    return scanned(canvas, rng), ()


def drawings(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    """Draw a scribble, a face, a house, a star, a flower, a tree or an arrow."""
    size = rng.uniform(80, 260)
    shape = _SHAPES[rng.integers(len(_SHAPES))](rng)
    turned = np.eye(2) + rng.normal(0, 0.07, (2, 2))
    canvas, strokes = around([stroke @ turned * size for stroke in shape], size, rng, margin=(0.2, 0.9))
    draw(canvas, strokes, pen_width(size, rng, 0.04), pick(DARK + BRIGHT, rng))
    return (clean(canvas) if rng.random() < 0.5 else scanned(canvas, rng)), ()


def _circle(x: float, y: float, radius: float, start: float = 0, end: float = 2 * np.pi) -> Stroke:
    turn = np.linspace(start, end, 40)
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], 1)


def _scribble(rng: np.random.Generator) -> list[Stroke]:
    points = np.cumsum(rng.normal(0, 1, (int(rng.integers(25, 50)), 2)), 0)
    low, extent = points.min(0), np.ptp(points, 0)
    fine = np.linspace(0, len(points) - 1, 400)
    smooth = np.stack([np.interp(fine, np.arange(len(points)), column) for column in points.T], 1)
    smooth = cv2.GaussianBlur(smooth.astype(np.float32), (1, 0), sigmaX=0.1, sigmaY=5).astype(np.float64)
    return [(smooth - low) / extent.max()]


def _face(rng: np.random.Generator) -> list[Stroke]:
    mouth = _circle(0.5, 0.5, 0.25, 0.15 * np.pi, 0.85 * np.pi)
    return [_circle(0.5, 0.5, 0.5), _circle(0.32, 0.36, 0.05), _circle(0.68, 0.36, 0.05), mouth]


def _house(rng: np.random.Generator) -> list[Stroke]:
    walls = [[0, 1], [0, 0.45], [0.5, 0], [1, 0.45], [1, 1], [0, 1]]
    door, window = [[0.4, 1], [0.4, 0.7], [0.6, 0.7], [0.6, 1]], [[0.7, 0.6], [0.85, 0.6], [0.85, 0.75]]
    window = [*window, [0.7, 0.75], [0.7, 0.6]]
    return [np.array(part, np.float64) for part in (walls, [[0, 0.45], [1, 0.45]], door, window)]


def _star(rng: np.random.Generator) -> list[Stroke]:
    turn = np.arange(6) * 0.8 * np.pi - np.pi / 2
    return [np.stack([0.5 + 0.5 * np.cos(turn), 0.5 + 0.5 * np.sin(turn)], 1)]


def _flower(rng: np.random.Generator) -> list[Stroke]:
    turn = np.arange(6) * np.pi / 3
    petals = [_circle(0.5 + 0.22 * np.cos(a), 0.3 + 0.22 * np.sin(a), 0.12) for a in turn]
    return [*petals, _circle(0.5, 0.3, 0.1), np.array([[0.5, 0.65], [0.48, 1.1]])]


def _tree(rng: np.random.Generator) -> list[Stroke]:
    trunk = [np.array([[x, 0.6], [x, 1.0]]) for x in (0.44, 0.56)]
    crown = [_circle(x, y, 0.2) for x, y in ((0.3, 0.42), (0.5, 0.25), (0.7, 0.42), (0.5, 0.45))]
    return [*trunk, *crown]


def _arrow(rng: np.random.Generator) -> list[Stroke]:
    return [np.array([[0, 0.5], [1, 0.5]]), np.array([[0.8, 0.36], [1, 0.5], [0.8, 0.64]])]


_SHAPES = (_scribble, _scribble, _face, _house, _star, _flower, _tree, _arrow)


def print_or_blank(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    """Return printed words without digits, or paper without any writing."""
    canvas = blank(rng.uniform(200, 1100), rng.uniform(150, 900), rng.uniform(190, 255))
    if rng.random() < 0.6:
        canvas = _printed(canvas, rng)
    else:
        canvas += blotches(canvas.shape, rng.uniform(20, 200), rng)[..., None] * rng.uniform(0, 10)
    return scanned(gradient(canvas, rng), rng, noise=7), ()


def _printed(canvas: Canvas, rng: np.random.Generator) -> Canvas:
    image = Image.fromarray(clean(canvas))
    size = rng.uniform(14, 40)
    font, y = ImageFont.load_default(size), size
    while y < image.height - 1.5 * size:
        words = " ".join(rng.choice(_WORDS, int(rng.integers(2, 8)))).capitalize()
        ImageDraw.Draw(image).text((size, y), words, (30, 30, 30), font)
        y += 1.6 * size
    return np.asarray(image, np.float32)
