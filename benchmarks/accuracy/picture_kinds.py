"""Kinds of small pictures: one digit or one number, drawn, photographed or scanned."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from benchmarks.accuracy.picture_canvas import (
    BRIGHT,
    DARK,
    Canvas,
    Color,
    Handwriting,
    blank,
    digit_strokes,
    draw,
    extent_of,
    joined,
    line,
    moved,
    pen_width,
    pick,
    random_digits,
    rectangle,
    row_of_digits,
    rules,
)
from benchmarks.accuracy.picture_damage import (
    Picture,
    clean,
    desk,
    glare,
    gradient,
    laid_on,
    scanned,
    scanner_edges,
    shadow,
)
from inkwise.training.synthesis.allographs import Stroke
from inkwise.training.synthesis.line_layout import rasterize

Drawn = tuple[Picture, tuple[str, ...]]
"""A picture (h, w) or (h, w, 3) uint8, and the digits of each of its lines."""
Kind = Callable[[Handwriting, np.random.Generator], Drawn]

BOX_COLORS: tuple[Color, ...] = ((30, 30, 30), (120, 120, 120), (70, 100, 170), (215, 120, 60))
RULE_COLORS: tuple[Color, ...] = ((105, 105, 105), (160, 160, 160), (130, 160, 215), (215, 150, 150))


def around(
    strokes: list[Stroke],
    height: float,
    rng: np.random.Generator,
    color: Color | float | None = None,
    margin: tuple[float, float] = (0.3, 1.3),
) -> tuple[Canvas, list[Stroke]]:
    """Return paper around strokes, with margins in digit heights, and the strokes moved onto it."""
    left, top, right, bottom = extent_of(strokes)
    beside, above, after, below = (rng.uniform(*margin, 4) * height).tolist()
    paper = rng.uniform(225, 255) if color is None else color
    canvas = blank(right - left + beside + after, bottom - top + above + below, paper)
    return canvas, moved(strokes, beside - left, above - top)


def number_on_paper(
    hand: Handwriting,
    rng: np.random.Generator,
    *,
    digits: tuple[int, int] = (1, 6),
    heights: tuple[float, float] = (40, 140),
    gaps: tuple[float, float] = (0.16, 0.42),
) -> tuple[str, float, list[Stroke]]:
    """Return the text, height and strokes of a random number."""
    text, height = random_digits(rng, *digits), rng.uniform(*heights)
    return text, height, joined(row_of_digits(hand, text, height, rng, gaps=gaps))


# ---- drawn on a screen


def _on_large_canvas(hand: Handwriting, rng: np.random.Generator, *, smooth: bool) -> Drawn:
    width, text = rng.uniform(260, 1000), random_digits(rng, 1, 1 if rng.random() < 0.7 else 4)
    size = width, float(np.clip(width * rng.uniform(0.5, 1), 200, 1000))
    strokes = joined(row_of_digits(hand, text, 100, rng))
    left, top, right, bottom = extent_of(strokes)
    scale = min(rng.uniform(0.3, 0.85) * size[1] / (bottom - top), 0.85 * size[0] / max(right - left, 1))
    drawn = [(stroke - (left, top)) * scale for stroke in strokes]
    room = np.array(size) - np.array([right - left, bottom - top]) * scale
    inverse = rng.random() < 0.15
    canvas = blank(*size, 0 if inverse else 255)
    dark = float(rng.uniform(0, 90)) if smooth else 0.0
    tone = 255.0 if inverse else dark
    draw(canvas, moved(drawn, *(room * rng.uniform(0.1, 0.9, 2))), 1, (tone, tone, tone), smooth=smooth)
    return clean(canvas), (text,)


def pencil(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    return _on_large_canvas(hand, rng, smooth=False)


def hair_line(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    return _on_large_canvas(hand, rng, smooth=True)


def thick_marker(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    height, share, writer = rng.uniform(80, 240), rng.uniform(0.15, 0.28), hand.writer(rng)
    count, text, x, strokes = int(rng.integers(1, 4)), "", 0.0, []
    while len(text) < count:
        digit = random_digits(rng, 1, 1)
        sample = digit_strokes(writer, digit, height, rng)
        if _holes(sample, share * height) != _holes(sample, 0.03 * height):
            continue  # the loops of a readable digit stay open
        sample = moved(sample, x - extent_of(sample)[0], 0)
        strokes += sample
        x, text = extent_of(sample)[2] + (0.12 + 1.25 * share) * height, text + digit
    color = pick(DARK[:3] + BRIGHT[:3], rng)
    canvas, strokes = around(strokes, height, rng, margin=(0.4, 1.3))
    draw(canvas, strokes, share * height, color)
    return (clean(canvas) if rng.random() < 0.5 else scanned(canvas, rng)), (text,)


def _holes(strokes: list[Stroke], pen: float) -> int:
    """Count the loops that are wide enough to be seen."""
    ink = cv2.copyMakeBorder(rasterize(strokes, pen).ink, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    count, _, stats, _ = cv2.connectedComponentsWithStats((ink < 128).astype(np.uint8), connectivity=4)
    return int((stats[1:count, cv2.CC_STAT_AREA] >= 0.001 * ink.size).sum())


def narrow_gaps(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    text, height = random_digits(rng, 2, 6), rng.uniform(40, 160)
    pen = round(pen_width(height, rng))
    gap = pen / height + 0.01  # strokes are lines without width
    digits = row_of_digits(hand, text, height, rng, gaps=(gap, gap + 0.07))
    margin = (0.3, 1.3) if rng.random() < 0.7 else (1.5, 5)
    canvas, strokes = around(joined(digits), height, rng, margin=margin)
    draw(canvas, strokes, pen, pick(DARK, rng))
    return (clean(canvas) if rng.random() < 0.4 else scanned(canvas, rng)), (text,)


# ---- frames and boxes


def _framed(hand: Handwriting, rng: np.random.Generator, digits: tuple[int, int]) -> Drawn:
    text, height, strokes = number_on_paper(hand, rng, digits=digits, heights=(50, 170))
    canvas, strokes = around(strokes, height, rng, margin=(0.4, 1.1))
    pen, color = pen_width(height, rng), pick(DARK, rng)
    draw(canvas, strokes, pen, color)
    tall, wide = canvas.shape[:2]
    thick = float(rng.integers(1, max(3, round(1.3 * pen))))
    inset = 0.0 if rng.random() < 0.3 else rng.uniform(0.05, 0.22) * height
    sides = str(rng.choice(["ltrb", "ltrb", "ltrb", "rb", "lt", "l", "b", "tb"]))
    frame = color if rng.random() < 0.4 else pick(BOX_COLORS, rng)
    rectangle(canvas, (inset, inset, wide - 1 - inset, tall - 1 - inset), frame, thick, sides)
    if rng.random() < 0.15:
        within = inset + thick + 0.06 * height
        rectangle(canvas, (within, within, wide - 1 - within, tall - 1 - within), frame, thick, sides)
    return (clean(canvas) if rng.random() < 0.5 else scanned(canvas, rng)), (text,)


def digit_in_frame(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    return _framed(hand, rng, (1, 1))


def number_in_frame(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    return _framed(hand, rng, (2, 6))


def draw_boxes(
    canvas: Canvas,
    hand: Handwriting,
    text: str,
    corner: tuple[float, float],
    height: float,
    rng: np.random.Generator,
    *,
    joint: bool,
    color: Color,
    pen: float,
    boxes: Color,
    writer: dict[str, list[list[Stroke]]] | None = None,
    empty: int = 0,
) -> float:
    """Write one digit a box, then draw empty boxes; return the right end."""
    writer = writer or hand.writer(rng)
    wide, tall = height * rng.uniform(1.15, 1.5), height * rng.uniform(1.3, 1.6)
    between = 0.0 if joint else height * rng.uniform(0.1, 0.4)
    thick = float(max(1, round(height * rng.uniform(0.015, 0.06))))
    x, y = corner
    for digit in [*text, *" " * empty]:
        rectangle(canvas, (x, y, x + wide, y + tall), boxes, thick)
        if digit != " ":
            strokes = digit_strokes(writer, digit, height, rng)
            left, top, right, bottom = extent_of(strokes)
            scale = min(1, 0.8 * wide / max(right - left, 1))
            middle = np.array([left + right, top + bottom]) / 2
            to = np.array([x + wide / 2, y + tall / 2]) + rng.normal(0, 0.03, 2) * height
            draw(canvas, [(stroke - middle) * scale + to for stroke in strokes], pen, color)
        x += wide + between
    return x - between


def _boxed(hand: Handwriting, rng: np.random.Generator, *, joint: bool) -> Drawn:
    text, height = random_digits(rng, 1, 8), rng.uniform(28, 90)
    empty = int(rng.integers(1, 4)) if rng.random() < 0.2 else 0
    margin = rng.uniform(0.15, 1, 2) * height
    canvas = blank((len(text) + empty) * 2.3 * height + 4 * height, 4 * height, rng.uniform(230, 255))
    color, boxes = pick(DARK, rng), pick(BOX_COLORS, rng)
    pen = pen_width(height, rng)
    corner = float(margin[0]), float(margin[1])
    right = draw_boxes(
        canvas, hand, text, corner, height, rng, joint=joint, color=color, pen=pen, boxes=boxes, empty=empty
    )
    ink = np.flatnonzero((np.ptp(canvas, 1) > 1).any(1))
    canvas = canvas[: ink[-1] + round(margin[1]) + 1, : round(right + margin[0]) + 1]
    return (clean(canvas) if rng.random() < 0.4 else scanned(canvas, rng)), (text,)


def joined_boxes(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    return _boxed(hand, rng, joint=True)


def separate_boxes(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    return _boxed(hand, rng, joint=False)


def table_cell(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    """Cut a cell from a table, with parts of the table's rules at its edges."""
    text, height, strokes = number_on_paper(hand, rng, digits=(1, 2), heights=(24, 80))
    canvas, strokes = around(strokes, height, rng, rng.uniform(200, 250), margin=(0.2, 0.8))
    color, pen = pick(DARK, rng), pen_width(height, rng)
    draw(canvas, strokes, pen, color)
    tall, wide = canvas.shape[:2]
    thick = max(1.0, rng.uniform(0.02, 0.09) * height)
    tone = (rng.uniform(20, 120),) * 3
    tilt = rng.normal(0, 0.03, 4) * height
    for side in rng.permutation(4)[: int(rng.integers(1, 5))]:
        at = rng.uniform(0, 0.6) * thick
        near, far = (at, (wide if side < 2 else tall) - at)
        place = near if side % 2 else far
        start, end = (place, place + tilt[side])
        if side < 2:
            line(canvas, (start, -5), (end, tall + 5), tone, thick)
        else:
            line(canvas, (-5, start), (wide + 5, end), tone, thick)
    return scanned(canvas, rng), (text,)


# ---- papers


def _ruled(hand: Handwriting, rng: np.random.Generator, digits: tuple[int, int], *, squared: bool) -> Drawn:
    text, height, strokes = number_on_paper(hand, rng, digits=digits, heights=(36, 110))
    canvas, strokes = around(strokes, height, rng)
    pen = pen_width(height, rng, 0.1)
    step = height * (rng.uniform(0.35, 1) if squared else rng.uniform(0.45, 1.3))
    thin = max(1.0, min(rng.uniform(0.01, 0.035) * height, 0.6 * pen))
    rule = pick(RULE_COLORS, rng)
    rules(canvas, step, rule, thin, rng.uniform(0, step), squared=squared)
    draw(canvas, strokes, pen, pick(DARK, rng))
    return (clean(canvas) if rng.random() < 0.4 else scanned(canvas, rng)), (text,)


def ruled_digit(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    return _ruled(hand, rng, (1, 1), squared=False)


def ruled_number(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    return _ruled(hand, rng, (2, 6), squared=False)


def squared_small(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    return _ruled(hand, rng, (1, 6), squared=True)


def underlined(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    text, height, strokes = number_on_paper(hand, rng)
    canvas, strokes = around(strokes, height, rng, margin=(0.5, 1.2))
    pen, color = pen_width(height, rng), pick(DARK, rng)
    draw(canvas, strokes, pen, color)
    left, _, right, bottom = extent_of(strokes)
    y = bottom + pen + rng.uniform(0.06, 0.3) * height
    for _ in range(2 if rng.random() < 0.25 else 1):
        along = np.linspace(left - rng.uniform(0, 0.3) * height, right + rng.uniform(0, 0.3) * height, 9)
        wave = np.cumsum(rng.normal(0, 0.012, 9)) * height + rng.normal(0, 0.01) * (along - left)
        draw(canvas, [np.stack([along, y + np.maximum(wave, -0.03 * height)], 1)], pen, color)
        y += pen + rng.uniform(0.1, 0.16) * height
    return (clean(canvas) if rng.random() < 0.4 else scanned(canvas, rng)), (text,)


def _with_separators(hand: Handwriting, rng: np.random.Generator, text: str) -> Drawn:
    height = rng.uniform(36, 120)
    canvas, strokes = around(joined(row_of_digits(hand, text, height, rng)), height, rng)
    draw(canvas, strokes, pen_width(height, rng), pick(DARK, rng))
    return scanned(canvas, rng), ("".join(filter(str.isdigit, text)),)


def dates(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    day, month, year = int(rng.integers(1, 29)), int(rng.integers(1, 13)), int(rng.integers(1950, 2030))
    shown = str(year) if rng.random() < 0.5 else f"{year % 100:02}"
    padded = rng.random() < 0.5
    parts = [f"{day:02}" if padded else str(day), f"{month:02}" if padded else str(month), shown]
    if rng.random() < 0.2:
        parts.reverse()
    return _with_separators(hand, rng, str(rng.choice([".", "/", "-"])).join(parts))


def amounts(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    value = float(np.exp(rng.uniform(np.log(1), np.log(99_999))))
    text = f"{value:,.2f}"
    if rng.random() < 0.4:
        text = text.translate(str.maketrans(",.", ".,"))
    return _with_separators(hand, rng, text)


def real_strings(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    """Draw a date, time, phone number or amount as one person wrote it in one go."""
    text, strokes = hand.strings[rng.integers(len(hand.strings))]
    height = rng.uniform(36, 120)
    low, extent = np.concatenate(strokes).min(0), np.ptp(np.concatenate(strokes), 0)
    drawn = [(stroke - low) * (height / max(float(extent[1]), 1e-6)) for stroke in strokes]
    canvas, drawn = around(drawn, height, rng)
    draw(canvas, drawn, pen_width(height, rng, 0.07), pick(DARK, rng))
    return scanned(canvas, rng), ("".join(filter(str.isdigit, text)),)


# ---- light and cameras


def shadow_edge(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    text, height, strokes = number_on_paper(hand, rng, digits=(1, 5), heights=(40, 180))
    canvas, strokes = around(strokes, height, rng)
    draw(canvas, strokes, pen_width(height, rng, 0.1), pick(DARK[:3], rng))
    left, top, right, bottom = extent_of(strokes)
    at = rng.uniform(left, right), rng.uniform(top, bottom)
    return scanned(shadow(canvas, rng, at), rng, noise=7), (text,)


def dark_edges(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    text, height, strokes = number_on_paper(hand, rng, digits=(1, 6))
    canvas, strokes = around(strokes, height, rng, margin=(0.7, 1.8))
    draw(canvas, strokes, pen_width(height, rng), pick(DARK, rng))
    return scanned(scanner_edges(canvas, rng), rng), (text,)


def strong_jpeg(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    text, height, strokes = number_on_paper(hand, rng, heights=(26, 70))
    canvas, strokes = around(strokes, height, rng)
    draw(canvas, strokes, pen_width(height, rng, 0.1), pick(DARK, rng))
    return scanned(canvas, rng, quality=(6, 20)), (text,)


def low_resolution(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    text, height, strokes = number_on_paper(hand, rng, digits=(1, 5), heights=(11, 18))
    canvas, strokes = around(strokes, height, rng, margin=(0.4, 1.5))
    large = cv2.resize(canvas, None, fx=4, fy=4)
    draw(large, [stroke * 4 for stroke in strokes], 4 * pen_width(height, rng, 0.11), pick(DARK, rng))
    small = cv2.resize(large, canvas.shape[1::-1], interpolation=cv2.INTER_AREA)
    return (clean(small) if rng.random() < 0.5 else scanned(small, rng, blur=0.4)), (text,)


def phone_photo(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    """Photograph a slip of paper on a desk: perspective, blur, noise, light from one side."""
    text, height, strokes = number_on_paper(hand, rng, heights=(60, 140))
    sheet, strokes = around(strokes, height, rng, margin=(0.8, 2.2))
    draw(sheet, strokes, pen_width(height, rng), pick(DARK, rng))
    tall, wide = sheet.shape[:2]
    ground = desk(1.3 * wide + 0.2 * tall, 1.4 * tall + 0.25 * wide, rng)
    photo = gradient(laid_on(sheet, ground, rng, bend=0.04, turn=0.15), rng, 0.4)
    return scanned(photo, rng, blur=1.8, noise=9, quality=(50, 95)), (text,)


def lamp_glare(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    text, height, strokes = number_on_paper(hand, rng, heights=(50, 140))
    canvas, strokes = around(strokes, height, rng, rng.uniform(150, 215), margin=(0.6, 2))
    draw(canvas, strokes, pen_width(height, rng), pick(DARK[:3], rng))
    return scanned(glare(canvas, rng), rng), (text,)


def rotated_number(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    """Turn a number by 90, 180 or 270 degrees; two of its digits or more show which side is up."""
    text, height = random_digits(rng, 1, 3) + "".join(rng.choice(["3", "4", "7"], 2)), rng.uniform(40, 130)
    text = "".join(rng.permutation(list(text)))
    canvas, strokes = around(joined(row_of_digits(hand, text, height, rng)), height, rng)
    draw(canvas, strokes, pen_width(height, rng), pick(DARK, rng))
    return np.ascontiguousarray(np.rot90(scanned(canvas, rng), int(rng.integers(1, 4)))), (text,)
