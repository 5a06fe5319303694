"""Kinds of larger pictures: pages, boards and notes with one number or several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.accuracy.picture_canvas import (
    BRIGHT,
    DARK,
    Canvas,
    Color,
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
    rectangle,
    row_of_digits,
    rules,
)
from benchmarks.accuracy.picture_damage import (
    blotches,
    clean,
    coffee,
    desk,
    folds,
    gradient,
    laid_on,
    office_marks,
    scanned,
)
from benchmarks.accuracy.picture_kinds import BOX_COLORS, RULE_COLORS, Drawn, draw_boxes
from inkwise.training.synthesis.allographs import Stroke

_WHITE: tuple[Color, ...] = ((252, 252, 252), (240, 238, 232), (228, 230, 232))
_TINTS: tuple[Color, ...] = (
    *((250, 240, 150), (245, 200, 210), (190, 215, 240), (195, 230, 190)),
    *((205, 170, 125), (250, 205, 140), (215, 200, 235)),
)
_BOARDS: tuple[Color, ...] = ((48, 50, 52), (35, 70, 55), (30, 34, 40), (50, 80, 70))
_CHALKS: tuple[Color, ...] = ((225, 225, 220), (235, 225, 150), (225, 170, 180), (165, 200, 225))


def write_rows(
    canvas: Canvas,
    hand: Handwriting,
    rng: np.random.Generator,
    *,
    rows: int,
    height: float,
    colors: Sequence[Color] = DARK,
    area: tuple[float, float, float, float] | None = None,
    digits: tuple[int, int] = (3, 6),
    pen: float = 0.085,
    pairs: float = 0.0,
    tops: Sequence[float] | None = None,
    grain: bool = False,
) -> tuple[str, ...]:
    """Write rows of one number, or with the probability `pairs` of two, in one hand and pen.

    Args:
        canvas: what to write on.
        hand: the writers.
        rng: source of randomness.
        rows: number of rows, fewer if the area is too low.
        height: of the digits, pixels.
        colors: one is chosen for all rows.
        area: left, top, right and bottom to stay in; by default, the canvas without a margin.
        digits: fewest and most digits of a number.
        pen: width of the pen in digit heights.
        pairs: probability of a second number on a row.
        tops: baselines of the rows, by default at random.
        grain: write with chalk.

    Returns:
        The digits of each row.
    """
    tall, wide = canvas.shape[:2]
    left, top, right, bottom = area or (0.08 * wide, 0.08 * tall, 0.92 * wide, 0.92 * tall)
    rows = max(1, min(rows, int((bottom - top) / (1.5 * height))))
    writer, color, width = hand.writer(rng), pick(colors, rng), pen_width(height, rng, pen)
    slack = (bottom - top) / rows - 1.3 * height
    indent = rng.uniform(left, left + 0.4 * (right - left)) if rng.random() < 0.6 else None
    written = []
    for row in range(rows):
        y = top + (row + 1) * (bottom - top) / rows - rng.uniform(0.2, 0.8) * max(slack, 0) - 0.15 * height
        x = indent if indent is not None else rng.uniform(left, left + 0.5 * (right - left))
        texts: list[str] = []
        for _ in range(2 if rng.random() < pairs else 1):
            text = random_digits(rng, *digits)
            strokes = _fitting(hand, text, height, rng, writer, right - x)
            if strokes is None and texts:
                break
            if strokes is None:
                x, text = left, text[:2]
                strokes = joined(row_of_digits(hand, text, height, rng, writer=writer))
            base = tops[row] if tops is not None else y
            placed = moved(strokes, x + width / 2, base)
            draw(canvas, placed, width, color, grain=rng if grain else None)
            x = extent_of(placed)[2] + rng.uniform(2.5, 5) * height
            texts.append(text)
        written.append("".join(texts))
    return tuple(written)


def _fitting(
    hand: Handwriting,
    text: str,
    height: float,
    rng: np.random.Generator,
    writer: dict[str, list[list[Stroke]]],
    room: float,
) -> list[Stroke] | None:
    """Return the strokes of a number, or None if it is wider than the room."""
    strokes = joined(row_of_digits(hand, text, height, rng, writer=writer))
    return strokes if extent_of(strokes)[2] + 0.1 * height < room else None


# ---- two sizes on a picture


def large_over_small(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    canvas = blank(rng.uniform(900, 1600), rng.uniform(700, 1200), rng.uniform(228, 255))
    tall, wide = canvas.shape[:2]
    large, small = rng.uniform(0.12, 0.22) * tall, rng.uniform(0.045, 0.075) * tall
    areas = [
        (0.06 * wide, 0.06 * tall, 0.94 * wide, 0.5 * tall),
        (0.06 * wide, 0.55 * tall, 0.94 * wide, 0.94 * tall),
    ]
    heights = [large, small] if rng.random() < 0.75 else [small, large]
    lines = [
        write_rows(canvas, hand, rng, rows=1, height=height, area=area)
        for height, area in zip(heights, areas, strict=True)
    ]
    return (clean(canvas) if rng.random() < 0.3 else scanned(canvas, rng)), (*lines[0], *lines[1])


def large_alone(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    canvas = blank(rng.uniform(800, 1600), rng.uniform(600, 1300), rng.uniform(228, 255))
    height = rng.uniform(0.12, 0.6) * canvas.shape[0]
    most = max(1, min(6, int(0.8 * canvas.shape[1] / height)))
    lines = write_rows(canvas, hand, rng, rows=1, height=height, digits=(1, most), colors=DARK[:3])
    return (clean(canvas) if rng.random() < 0.3 else scanned(canvas, rng)), lines


# ---- pages


def _page(rng: np.random.Generator) -> tuple[Canvas, float]:
    """Return an empty A4 page and its resolution in pixels a millimetre."""
    unit = float(rng.choice([150, 200])) / 25.4
    return blank(210 * unit, 297 * unit, pick(_WHITE, rng, 2)), unit


def plain_page(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    canvas, unit = _page(rng)
    rows, height = int(rng.integers(3, 8)), rng.uniform(5, 11) * unit
    lines = write_rows(canvas, hand, rng, rows=rows, height=height, pairs=0.2)
    return scanned(gradient(canvas, rng), rng), lines


def _on_rules(hand: Handwriting, rng: np.random.Generator, *, squared: bool) -> Drawn:
    canvas, unit = _page(rng)
    step = (5.0 if squared else rng.uniform(7, 10)) * unit
    offset = rng.uniform(0, step)
    rule = pick(RULE_COLORS[1:], rng)
    rules(canvas, step, rule, max(1.0, rng.uniform(0.1, 0.3) * unit), offset, squared=squared)
    if not squared and rng.random() < 0.4:
        x = rng.uniform(18, 28) * unit
        line(canvas, (x, 0), (x, canvas.shape[0]), pick(RULE_COLORS[3:], rng), 0.3 * unit)
    height = step * (rng.uniform(0.85, 1.6) if squared else rng.uniform(0.45, 0.75))
    rows = int(rng.integers(3, 8))
    every = max(2 if squared else 1, int(canvas.shape[0] * 0.8 / step / rows))
    tops = offset + step * (np.arange(rows) * every + 3) - rng.uniform(0.03, 0.12) * step
    area = 30 * unit, 0.05 * canvas.shape[0], 195 * unit, 0.98 * canvas.shape[0]
    lines = write_rows(canvas, hand, rng, rows=rows, height=height, pairs=0.2, tops=tops.tolist(), area=area)
    return scanned(gradient(canvas, rng), rng), lines


def ruled_page(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    return _on_rules(hand, rng, squared=False)


def squared_page(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    return _on_rules(hand, rng, squared=True)


def boxed_page(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    canvas, unit = _page(rng)
    height, rows, joint = rng.uniform(5, 8) * unit, int(rng.integers(3, 8)), rng.random() < 0.5
    color, boxes, writer = pick(DARK, rng), pick(BOX_COLORS, rng), hand.writer(rng)
    pen, left, lines = pen_width(height, rng), rng.uniform(20, 60) * unit, []
    for y in np.linspace(30, 290 - 3.2 * height / unit, rows) * unit:
        text = random_digits(rng, 3, 7)
        draw_boxes(
            *(canvas, hand, text, (left, float(y)), height, rng),
            joint=joint,
            color=color,
            pen=pen,
            boxes=boxes,
            writer=writer,
        )
        lines.append(text)
    return scanned(canvas, rng), tuple(lines)


def rotated_page(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    image, lines = (plain_page if rng.random() < 0.5 else ruled_page)(hand, rng)
    return np.ascontiguousarray(np.rot90(image, int(rng.integers(1, 4)))), lines


# ---- pens, papers and boards


def _several(
    hand: Handwriting, rng: np.random.Generator, paper: Sequence[Color], colors: Sequence[Color]
) -> tuple[Canvas, tuple[str, ...]]:
    """Write one to three numbers on a small sheet."""
    height, rows = rng.uniform(45, 110), int(rng.integers(1, 4))
    canvas = blank(rng.uniform(6, 9) * height, (2.2 * rows + rng.uniform(0, 1.5)) * height, pick(paper, rng))
    tall, wide = canvas.shape[:2]
    lines: tuple[str, ...] = ()
    for row in range(rows):
        area = (
            0.05 * wide,
            tall * (0.04 + 0.92 * row / rows),
            0.95 * wide,
            tall * (0.04 + 0.92 * (row + 1) / rows),
        )
        lines += write_rows(canvas, hand, rng, rows=1, height=height, colors=colors, area=area, digits=(1, 5))
    return canvas, lines


def two_people(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    """Write a number a row, each by another person with another pen."""
    canvas = blank(rng.uniform(600, 1100), rng.uniform(420, 900), pick(_WHITE, rng, 2))
    tall, wide = canvas.shape[:2]
    rows = int(rng.integers(2, 4))
    lines: tuple[str, ...] = ()
    for row in range(rows):
        area = (
            0.06 * wide,
            tall * (0.05 + 0.9 * row / rows),
            0.94 * wide,
            tall * (0.05 + 0.9 * (row + 1) / rows),
        )
        height, pen = tall / rows * rng.uniform(0.25, 0.5), rng.uniform(0.05, 0.13)
        lines += write_rows(
            canvas, hand, rng, rows=1, height=height, colors=DARK + BRIGHT, area=area, pen=pen, digits=(2, 5)
        )
    return scanned(canvas, rng), lines


def coloured_pens(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    canvas, lines = _several(hand, rng, _WHITE, BRIGHT)
    return (clean(canvas) if rng.random() < 0.3 else scanned(canvas, rng)), lines


def tinted_paper(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    canvas, lines = _several(hand, rng, _TINTS, (*DARK[:3], *BRIGHT[:5:2]))
    return scanned(gradient(canvas, rng), rng), lines


def chalkboard(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    canvas = blank(rng.uniform(600, 1400), rng.uniform(450, 1000), pick(_BOARDS, rng))
    smear = blotches(canvas.shape, rng.uniform(30, 120), rng) * rng.uniform(4, 22)
    canvas = np.asarray(canvas + smear[..., None], np.float32)
    tall, wide = canvas.shape[:2]
    rows = int(rng.integers(1, 4))
    height = tall / rows * rng.uniform(0.2, 0.5)
    most = max(1, min(5, int(0.7 * wide / height)))
    lines = write_rows(
        canvas, hand, rng, rows=rows, height=height, colors=_CHALKS, digits=(1, most), pen=0.1, grain=True
    )
    return scanned(gradient(canvas, rng), rng, blur=1.2, noise=6), lines


def whiteboard(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    canvas = blank(rng.uniform(900, 1600), rng.uniform(600, 1100), pick(_WHITE, rng, 2))
    tall, wide = canvas.shape[:2]
    canvas += blotches(canvas.shape, 60, rng)[..., None] * np.float32(rng.uniform(0, 6))
    rows = int(rng.integers(1, 5))
    lines: tuple[str, ...] = ()
    for row in range(rows):
        area = (
            0.1 * wide,
            tall * (0.08 + 0.84 * row / rows),
            0.9 * wide,
            tall * (0.08 + 0.84 * (row + 1) / rows),
        )
        height = min(tall / rows * rng.uniform(0.28, 0.42), 0.16 * wide)
        lines += write_rows(
            canvas,
            hand,
            rng,
            rows=1,
            height=height,
            area=area,
            digits=(2, 5),
            colors=(BRIGHT[0], BRIGHT[1], BRIGHT[2], DARK[0]),
        )
    if rng.random() < 0.35:
        frame = rng.uniform(0.01, 0.03) * wide
        rectangle(canvas, (0, 0, wide, tall), (150, 152, 155), frame)
    return scanned(gradient(canvas, rng, 0.4), rng, blur=1.2), lines


def sticky_note(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    side, rows = rng.uniform(320, 620), int(rng.integers(1, 4))
    note = blank(side, side * rng.uniform(0.95, 1.05), pick(_TINTS[:4] + _TINTS[5:6], rng))
    height = side * rng.uniform(0.13, 0.22)
    lines = write_rows(note, hand, rng, rows=rows, height=height, colors=DARK[:3], digits=(1, 4))
    ground = desk(side * rng.uniform(1.4, 2.2), side * rng.uniform(1.4, 2), rng)
    photo = laid_on(gradient(note, rng), ground, rng, bend=0.02, turn=0.2)
    return scanned(gradient(photo, rng), rng, blur=1.2, noise=6), lines


# ---- used paper


def _slip(hand: Handwriting, rng: np.random.Generator) -> tuple[Canvas, float, tuple[str, ...]]:
    """Write two to four numbers on a page of about A6."""
    canvas = blank(rng.uniform(600, 1000), rng.uniform(800, 1300), pick(_WHITE, rng, 2))
    height = canvas.shape[1] * rng.uniform(0.05, 0.09)
    area = 0.17 * canvas.shape[1], 0.14 * canvas.shape[0], 0.93 * canvas.shape[1], 0.86 * canvas.shape[0]
    rows = int(rng.integers(2, 5))
    return canvas, height, write_rows(canvas, hand, rng, rows=rows, height=height, area=area)


def stains(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    canvas, height, lines = _slip(hand, rng)
    return scanned(coffee(canvas, rng, height * rng.uniform(2.2, 4)), rng), lines


def office_page(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    canvas, _, lines = _slip(hand, rng)
    return scanned(office_marks(canvas, rng), rng), lines


def folded(hand: Handwriting, rng: np.random.Generator) -> Drawn:
    canvas, _, lines = _slip(hand, rng)
    return scanned(folds(canvas, rng), rng), lines
