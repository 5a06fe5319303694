"""Synthetic pages with handwritten numbers, scanned or photographed, and the positions of the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.common.handwriting_sets import load_unipen, suspect_labels
from inkwise._util.text import DIGITS
from inkwise.preprocessing import Box
from inkwise.training.synthesis.allographs import Stroke
from inkwise.training.synthesis.degradation import simulate_pen
from inkwise.training.synthesis.line_layout import DIGIT_HEIGHT, rasterize, scale_to_height
from inkwise.training.synthesis.number_texts import random_digits

KINDS = ("plain", "ruled", "squared", "text", "form", "table")
WIDTH, HEIGHT = 1654, 2339  # A4 at 200 dpi
MM = 200 / 25.4  # pixels
_MAX_BAR_ASPECT = 0.1  # maximum thickness of a bar relative to its length
_FONTS = (
    "LiberationSans-Regular",
    "LiberationSerif-Regular",
    "DejaVuSans",
    "DejaVuSerif",
    "DejaVuSansMono-Bold",
)
_TEXT = (
    "amount date name street total of the page received number account and please write here invoice item in "
    "for customer signature price sum paid meter reading city Form Order Ref Mr to by with each not"
)
_WORDS = _TEXT.split()

Ink = NDArray[np.uint8]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
WriterStrokes = list[dict[str, list[list[Stroke]]]]
"""Samples of each digit, by writer."""


@dataclass(frozen=True)
class PageNumber:
    """A number on a page: what is written, and the box of its ink."""

    text: str
    box: Box


@dataclass(frozen=True, eq=False)
class SyntheticPage:
    """An image (h, w) uint8 of a page of one of KINDS, and its handwritten numbers."""

    kind: str
    grey: Ink
    numbers: list[PageNumber]


@dataclass
class _PageCanvas:
    """A4 page before imaging: ink 0..255 of pen and print, and each number with the hull of its ink."""

    pen: Ink = field(default_factory=lambda: np.zeros((HEIGHT, WIDTH), np.uint8))
    print: Ink = field(default_factory=lambda: np.zeros((HEIGHT, WIDTH), np.uint8))
    numbers: list[tuple[str, NDArray[np.float32]]] = field(default_factory=list)


def read_writers(digits: Path, part: str, unreadable: Sequence[int] = ()) -> WriterStrokes:
    """Load the writers of one part, "train", "validation" or "test", who wrote every digit.

    Unreadable samples are left out: those marked as suspect, and straight bars not labelled 1, whose other
    strokes were lost. `unreadable` are the indices within the file of more of them.
    """
    # a wrong label would count as a misreading
    strokes = load_unipen(digits, part).select(~suspect_labels(digits, part, unreadable))
    assert strokes.writers is not None
    writers = [
        {
            digit: [
                strokes.samples[i]
                for i in np.flatnonzero((strokes.writers == w) & (strokes.labels == digit))
                if digit == "1" or not is_straight(strokes.samples[i])
            ]
            for digit in DIGITS
        }
        for w in np.unique(strokes.writers)
    ]
    return [writer for writer in writers if all(writer.values())]


def is_straight(strokes: list[Stroke]) -> bool:
    """Return whether the strokes form one straight bar."""
    points = np.concatenate(strokes).astype(float)
    along, across = np.linalg.svd(points - points.mean(0), compute_uv=False)
    return bool(across < _MAX_BAR_ASPECT * along)


def synthetic_pages(writers: WriterStrokes, count: int, seed: int) -> Iterator[SyntheticPage]:
    """Yield pages of all kinds in turn, reproducibly; half photographed, half scanned."""
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        kind = KINDS[index % len(KINDS)]
        sheet = _PageCanvas()
        rules = _LAYOUTS[kind](sheet, writers, rng)
        paper: NDArray[np.float32] = 1 - rules.astype(np.float32) / np.float32(255)
        ink = np.maximum(
            sheet.pen * np.float32(rng.uniform(0.55, 1)), sheet.print * np.float32(rng.uniform(0.7, 1))
        )
        paper *= 1 - ink / 255 * np.float32(rng.uniform(0.6, 0.92))
        grey, matrix = (_photographed if index // len(KINDS) % 2 else _scanned)(paper, rng)
        yield SyntheticPage(
            kind, grey, [PageNumber(text, _box(points, matrix)) for text, points in sheet.numbers]
        )


def _box(points: NDArray[np.float32], matrix: NDArray[np.float64]) -> Box:
    x, y, w, h = cv2.boundingRect(cv2.perspectiveTransform(points[None], matrix)[0])
    return x, y, w, h


# ---- content of the page


def _plain(sheet: _PageCanvas, writers: WriterStrokes, rng: np.random.Generator) -> Ink:
    height = rng.uniform(30, 66)
    _rows(sheet, writers, np.arange(200, HEIGHT - 200, height * rng.uniform(2.2, 4)), height, rng)
    return np.zeros((HEIGHT, WIDTH), np.uint8)


def _ruled(sheet: _PageCanvas, writers: WriterStrokes, rng: np.random.Generator) -> Ink:
    step = rng.uniform(7.5, 10) * MM
    rows = np.arange(200, HEIGHT - 120, step)
    height = step * rng.uniform(0.45, 0.72)
    _rows(sheet, writers, rows[:: 1 + int(rng.integers(2))], height, rng, loose=0.04)
    rules = np.zeros((HEIGHT, WIDTH), np.uint8)
    dark, thick = int(rng.uniform(30, 170)), int(rng.integers(1, 4))
    for y in rows:
        cv2.line(rules, (0, round(y)), (WIDTH, round(y)), dark, thick)
    if rng.random() < 0.5:
        cv2.line(rules, (150, 0), (150, HEIGHT), dark, thick)
    return rules


def _squared(sheet: _PageCanvas, writers: WriterStrokes, rng: np.random.Generator) -> Ink:
    step = 5 * MM
    rows = np.arange(200, HEIGHT - 120, step)
    height = step * rng.uniform(0.8, 1.5)
    _rows(sheet, writers, rows[:: int(rng.integers(3, 5))], height, rng, loose=0.06)
    rules = np.zeros((HEIGHT, WIDTH), np.uint8)
    dark, thick = int(rng.uniform(25, 130)), int(rng.integers(1, 3))
    for y in np.arange(200 % step, HEIGHT, step):
        cv2.line(rules, (0, round(y)), (WIDTH, round(y)), dark, thick)
    for x in np.arange(20, WIDTH, step):
        cv2.line(rules, (round(x), 0), (round(x), HEIGHT), dark, thick)
    return rules


def _text(sheet: _PageCanvas, writers: WriterStrokes, rng: np.random.Generator) -> Ink:
    font, small = _font(rng, rng.uniform(9, 12)), _font(rng, rng.uniform(14, 24))
    _print(sheet, small, 150, 110, _sentence(rng, 4))
    y = 220.0
    while y < HEIGHT - 560:
        for _ in range(int(rng.integers(3, 9))):
            _print(sheet, font, 150, y, _sentence(rng, int(rng.integers(8, 13))))
            y += 1.7 * font.size
        height = rng.uniform(32, 62)
        y += height * 2.2
        _rows(sheet, writers, np.array([y]), height, rng, loose=0)
        y += height * 1.2
    return np.zeros((HEIGHT, WIDTH), np.uint8)


def _form(sheet: _PageCanvas, writers: WriterStrokes, rng: np.random.Generator) -> Ink:
    font, head = _font(rng, rng.uniform(9, 13)), _font(rng, rng.uniform(16, 26))
    _print(sheet, head, 160, 120, _sentence(rng, 3))
    _print(
        sheet,
        font,
        1050,
        130,
        f"No. {rng.integers(10**6)}   {rng.integers(1, 29)}.{rng.integers(1, 13)}.2024",
    )
    step = rng.uniform(95, 150)
    frame = rng.random() < 0.5
    for y in np.arange(330, HEIGHT - 200, step):
        height = rng.uniform(30, 0.55 * step)
        for x in (160, 900):
            label = " ".join(rng.choice(_WORDS, 1 + int(rng.integers(2)))).capitalize() + ":"
            right = _print(sheet, font, x, y - 1.1 * font.size, label)
            left, end = max(right + 25, x + 220), x + 640
            if frame:
                cv2.rectangle(
                    sheet.print, (round(left), round(y - 0.62 * step)), (end, round(y + 12)), 255, 2
                )
            else:
                cv2.line(sheet.print, (round(left), round(y + 6)), (end, round(y + 6)), 255, 2)
            if rng.random() < 0.8:
                _write(sheet, writers, left + 14, y, height, rng, width=end - left - 28)
    return np.zeros((HEIGHT, WIDTH), np.uint8)


def _table(sheet: _PageCanvas, writers: WriterStrokes, rng: np.random.Generator) -> Ink:
    font = _font(rng, rng.uniform(9, 13))
    step, columns = rng.uniform(70, 120), int(rng.integers(3, 6))
    xs = np.linspace(150, WIDTH - 150, columns + 1)
    ys = np.arange(300, HEIGHT - 200, step)
    thick = int(rng.integers(1, 5))
    for y in ys:
        cv2.line(sheet.print, (150, round(y)), (WIDTH - 150, round(y)), 255, thick)
    for x in xs:
        cv2.line(sheet.print, (round(x), 300), (round(x), round(ys[-1])), 255, thick)
    _print(sheet, _font(rng, 20), 150, 150, _sentence(rng, 3))
    height = rng.uniform(0.42, 0.6) * step
    for row, y in enumerate(ys[:-1]):
        for column, x in enumerate(xs[:-1]):
            if row == 0 or (column == 0 and columns < 5):
                _print(
                    sheet, font, x + 14, y + step / 2 - font.size / 2, str(rng.choice(_WORDS)).capitalize()
                )
            elif rng.random() < 0.7:
                _write(sheet, writers, x + 16, y + step - 14, height, rng, width=xs[1] - xs[0] - 34)
    return np.zeros((HEIGHT, WIDTH), np.uint8)


_LAYOUTS = dict(zip(KINDS, (_plain, _ruled, _squared, _text, _form, _table), strict=True))


def _rows(
    sheet: _PageCanvas,
    writers: WriterStrokes,
    baselines: NDArray[np.float64],
    height: float,
    rng: np.random.Generator,
    loose: float = 0.15,
) -> None:
    """Write separate numbers on these baselines."""
    for y in baselines:
        x = rng.uniform(170, 500)
        while rng.random() < 0.8 and x < WIDTH - 500:
            x = (
                _write(sheet, writers, x, y + rng.normal(0, loose) * height, height, rng)
                + rng.uniform(2.5, 7) * height
            )


def _write(
    sheet: _PageCanvas,
    writers: WriterStrokes,
    x: float,
    y: float,
    height: float,
    rng: np.random.Generator,
    width: float = 1e9,
) -> float:
    """Write a number on baseline y, shortened to `width`; return its right end."""
    text, mark = random_digits(rng), str(rng.choice(["", "", ".", ","]))
    while True:
        cover = _cover(text, mark, writers[rng.integers(len(writers))], rng)
        scale = height / 64
        rows, columns = cover.shape
        size: tuple[int, int] = max(1, round(columns * scale)), max(1, round(rows * scale))
        if size[0] <= min(width, WIDTH - 60 - x):
            break
        text = text[: max(1, len(text) // 2)]
    small = np.asarray(cv2.resize(cover, size, interpolation=cv2.INTER_AREA), np.float32)
    ink = np.asarray(simulate_pen(small, rng) * 255, np.uint8)
    left, top = round(x), round(y - size[1])
    room = round(0.45 * height)
    if sheet.pen[
        max(top - room, 0) : top + size[1] + room, max(left - room, 0) : left + size[0] + room
    ].any():
        return x + size[0]  # too close to another number
    window = sheet.pen[top : top + size[1], left : left + size[0]]
    np.maximum(window, ink[: window.shape[0], : window.shape[1]], out=window)
    ys, xs = np.nonzero(ink > 60)
    points = cv2.convexHull(np.stack([xs + left, ys + top], 1).astype(np.int32))[:, 0]
    sheet.numbers.append((_grouped(text, mark), points.astype(np.float32)))
    return x + size[0]


def _grouped(text: str, mark: str) -> str:
    """Separate thousands by a mark."""
    return f"{int('1' + text):,}"[1:].removeprefix(",").replace(",", mark)


def _cover(
    text: str, mark: str, writer: dict[str, list[list[Stroke]]], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Render a number in one writer's digits, (h, w) in 0..1, with slant and thousands separators."""
    gap, pen = (
        rng.uniform(0.1, 0.4) * DIGIT_HEIGHT,
        DIGIT_HEIGHT * float(np.exp(rng.normal(np.log(0.085), 0.2))),
    )
    slant = np.array([[1, rng.normal(-0.1, 0.12)], [0, 1]])
    strokes: list[Stroke] = []
    x = 0.0
    for at, digit in enumerate(text):
        if mark and at and (len(text) - at) % 3 == 0:
            strokes.append(np.array([[x, 0.0], [x - (6 if mark == "," else 0), 12 if mark == "," else 1]]))
            x += gap
        turned = np.eye(2) + rng.normal(0, 0.08, (2, 2))  # variation between samples
        sample: list[Stroke] = [
            stroke @ turned.T for stroke in writer[digit][rng.integers(len(writer[digit]))]
        ]
        sample = scale_to_height(sample, DIGIT_HEIGHT * float(np.exp(rng.normal(0, 0.06))))
        foot = np.concatenate(sample)[:, 1].max() + rng.normal(0, 0.04) * DIGIT_HEIGHT
        strokes += [(stroke - [0, foot]) @ slant.T + [x, 0] for stroke in sample]
        x = float(np.concatenate(strokes)[:, 0].max()) + gap + rng.normal(0, 0.04) * DIGIT_HEIGHT
    return np.asarray(rasterize(strokes, pen).ink / np.float32(255), np.float32)


def _font(rng: np.random.Generator, points: float) -> ImageFont.FreeTypeFont:
    """Load a random installed font, else Pillow's default, of a size in points."""
    size = points * 200 / 72
    name = str(rng.choice([*_FONTS, ""]))
    try:
        font: Font = ImageFont.truetype(name + ".ttf", size) if name else ImageFont.load_default(size)
    except OSError:
        font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _print(sheet: _PageCanvas, font: ImageFont.FreeTypeFont, x: float, y: float, text: str) -> float:
    """Print a line of text; return its right end."""
    picture = Image.fromarray(sheet.print)
    ImageDraw.Draw(picture).text((x, y), text, 255, font)
    sheet.print[:] = np.asarray(picture)
    return x + font.getlength(text)


def _sentence(rng: np.random.Generator, words: int) -> str:
    """Return random words with occasional numbers."""
    parts = [
        str(rng.integers(10 ** int(rng.integers(1, 6)))) if rng.random() < 0.12 else str(w)
        for w in rng.choice(_WORDS, words)
    ]
    return " ".join(parts).capitalize() + "."


# ---- imaging


def _scanned(paper: NDArray[np.float32], rng: np.random.Generator) -> tuple[Ink, NDArray[np.float64]]:
    """Scan a page with skew under a white or a black lid."""
    turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), rng.uniform(-10, 10), rng.uniform(0.9, 1))
    matrix = np.vstack([turn, [0, 0, 1]])
    lid = 1.0 if rng.random() < 0.7 else 0.12
    grey = cv2.warpPerspective(paper, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderValue=lid)
    return _simulate_camera(grey * np.float32(rng.uniform(215, 252)), rng, rng.uniform(0, 6)), matrix


def _photographed(paper: NDArray[np.float32], rng: np.random.Generator) -> tuple[Ink, NDArray[np.float64]]:
    """Photograph a page: perspective, optional background, light gradient and shadow."""
    corners = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float32)
    angle, middle = np.deg2rad(rng.uniform(-10, 10)), corners.mean(0)
    ground = rng.random() < 0.7
    shrink = rng.uniform(0.7, 0.82) if ground else 1.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * shrink
    bend = rng.uniform(-0.05, 0.05, (4, 2)) if ground else rng.uniform(-0.012, 0.012, (4, 2))
    if not ground:
        turn = np.array([[1, 0.0], [0, 1]]) * 1.03
    seen = (corners - middle) @ turn.T + middle + bend * (WIDTH, HEIGHT)
    matrix = np.asarray(cv2.getPerspectiveTransform(corners, seen.astype(np.float32)), np.float64)
    grey = cv2.warpPerspective(paper, matrix, (WIDTH, HEIGHT), borderValue=-1)
    table = cv2.resize(rng.normal(0, 0.06, (HEIGHT // 40, WIDTH // 8)).astype(np.float32), (WIDTH, HEIGHT))
    grey = np.where(grey < 0, rng.uniform(0.1, 0.55) + table, grey)
    y, x = np.meshgrid(
        np.linspace(-1, 1, HEIGHT, dtype=np.float32),
        np.linspace(-1, 1, WIDTH, dtype=np.float32),
        indexing="ij",
    )
    angle = rng.uniform(0, 2 * np.pi)
    across = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
    light = 1 + np.float32(rng.uniform(0, 0.3)) * across
    if rng.random() < 0.5:  # shadow
        light *= 1 - np.float32(rng.uniform(0.15, 0.5)) / (
            1 + np.exp((across - rng.uniform(-0.7, 0.7)) / np.float32(rng.uniform(0.02, 0.3)))
        )
    light /= light.max()
    return _simulate_camera(grey * light * np.float32(rng.uniform(190, 250)), rng, rng.uniform(1, 8)), matrix


def _simulate_camera(grey: NDArray[np.float32], rng: np.random.Generator, noise: float) -> Ink:
    """Add blur, noise and JPEG compression."""
    blurred = cv2.GaussianBlur(grey, (0, 0), rng.uniform(0.4, 1.1))
    noisy = blurred + rng.standard_normal(grey.shape, np.float32) * np.float32(noise)
    picture = np.clip(noisy, 0, 255).astype(np.uint8)
    _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 96))])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
