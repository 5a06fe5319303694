"""Kinds of pictures with marks beside the digits: circles, dotted paper, printed labels, lines above sums."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.accuracy.picture_canvas import (
    DARK,
    Handwriting,
    blank,
    draw,
    extent_of,
    joined,
    line,
    moved,
    pen_width,
    pick,
    random_digits,
    row_of_digits,
)
from benchmarks.accuracy.picture_damage import clean, scanned
from benchmarks.accuracy.picture_kinds import RULE_COLORS, Drawn, around, number_on_paper

_LABELS = ("Total", "Amount", "Room", "Age", "Points", "Number of pages", "Price", "Code", "Year", "Quantity")


def circled(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    """Draw a circle around a number with the same pen."""
    text, height, strokes = number_on_paper(hand, rng, digits=(1, 4))
    left, top, right, bottom = extent_of(strokes)
    pen = pen_width(height, rng)
    turn = np.linspace(0, 2 * np.pi * rng.uniform(0.97, 1.06), 60) + rng.uniform(0, 2 * np.pi)
    wave = 1 + 0.03 * np.sin(2 * turn + rng.uniform(0, 6)) + np.linspace(0, rng.normal(0, 0.03), 60)
    room = np.sqrt(2) * np.array([right - left, bottom - top]) / 2 + pen + rng.uniform(0.12, 0.35) * height
    ring = np.stack([np.cos(turn), np.sin(turn)], 1) * room * wave[:, None]
    ring += [(left + right) / 2, (top + bottom) / 2]
    canvas, strokes = around([*strokes, ring], height, rng)
    draw(canvas, strokes, pen, pick(DARK, rng))
    return (clean(canvas) if rng.random() < 0.4 else scanned(canvas, rng)), (text,)


def dotted_paper(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    """Write on paper with a dot at each crossing of a grid."""
    text, height, strokes = number_on_paper(hand, rng, heights=(40, 110))
    canvas, strokes = around(strokes, height, rng, margin=(0.5, 1.5))
    step, color, width = height * rng.uniform(0.4, 1), pick(RULE_COLORS[:2], rng), rng.uniform(0.02, 0.05)
    first = rng.uniform(0, step, 2)
    for y in np.arange(first[0], canvas.shape[0], step):
        for x in np.arange(first[1], canvas.shape[1], step):
            draw(canvas, [np.array([[x, y]])], max(1.0, width * height), color)
    draw(canvas, strokes, pen_width(height, rng), pick(DARK, rng))
    return (clean(canvas) if rng.random() < 0.4 else scanned(canvas, rng)), (text,)


def printed_label(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    """Write one to four numbers, each after a printed word."""
    rows, height, writer = int(rng.integers(1, 5)), rng.uniform(34, 80), hand.writer(rng)
    font = ImageFont.load_default(height * rng.uniform(0.4, 0.75))
    pen, color, lines, x = pen_width(height, rng), pick(DARK, rng), [], 0.5 * height
    image = Image.new("RGB", (round(14 * height), round((2 * rows + 0.6) * height)), (246, 246, 246))
    labels = [str(label) + ":" for label in rng.choice(_LABELS, rows, replace=False)]
    for row, label in enumerate(labels):
        ImageDraw.Draw(image).text((x, (2 * row + 1.6) * height), label, (40, 40, 40), font, anchor="ls")
    canvas = np.array(image, np.float32)
    start = x + max(font.getlength(label) for label in labels) + rng.uniform(0.4, 1) * height
    for row in range(rows):
        lines.append(random_digits(rng, 1, 5))
        number = joined(row_of_digits(hand, lines[-1], height, rng, writer=writer))
        draw(canvas, moved(number, start, (2 * row + 1.6) * height), pen, color)
    return scanned(canvas, rng), tuple(lines)


def column_sum(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    """Write two to four numbers below each other, a line, and their sum."""
    terms = [random_digits(rng, 2, 4) for _ in range(int(rng.integers(2, 5)))]
    lines = [*terms, str(sum(map(int, terms)))]
    height, writer = rng.uniform(36, 90), hand.writer(rng)
    canvas = blank(8 * height, (1.6 * len(lines) + 1.2) * height, rng.uniform(228, 255))
    pen, color, right = pen_width(height, rng), pick(DARK, rng), 7 * height
    for row, text in enumerate(lines):
        number = joined(row_of_digits(hand, text, height, rng, writer=writer))
        y = (1.6 * row + 1.4 + 0.2 * (row == len(terms))) * height
        draw(canvas, moved(number, right - extent_of(number)[2], y), pen, color)
    y = (1.6 * len(terms) + 0.3) * height
    tilt = rng.normal(0, 0.04) * height
    line(canvas, (right - rng.uniform(4, 5) * height, y), (right + 0.4 * height, y + tilt), color, pen)
    return scanned(canvas, rng), tuple(lines)
