"""A form of four fields, empty and filled in with synthetic handwriting, as skewed scans."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from inkwise.recognition.adaptation import reference_strokes

Picture = NDArray[np.uint8]
Box = tuple[int, int, int, int]

WIDTH, HEIGHT = 1240, 1754  # A4 at 150 dpi

FIELDS: dict[str, tuple[str, Box, int]] = {
    "meter": ("comb", (440, 380, 432, 72), 6),
    "year": ("comb", (440, 560, 288, 72), 4),
    "code": ("digit", (440, 740, 80, 80), 1),
    "amount": ("number", (440, 920, 400, 88), 1),
}
"""Kind, box in pixels, and cells of each field."""

_LENGTHS = {"meter": 6, "year": 4, "code": 1, "amount": 4}
_PRINT = {
    90: ("Municipal Water Works, Department 7", 46),
    165: ("Yearly reading of the meter. Please use a dark pen and write in the boxes.", 26),
    330: ("Number on the meter", 30),
    510: ("Year of the reading", 30),
    690: ("Code of the district", 30),
    870: ("Amount due, without cents", 30),
    1150: ("By signing I declare that what is written above is right to the best of my knowledge;", 26),
    1190: ("a wrong reading is put right with the next bill. Questions? Call us between 8 and 12,", 26),
    1230: ("or write to waterworks at example dot org, quoting the number on the meter.", 26),
    1640: ("Form WW-114 / edition of May", 22),
}
_SHAKE = (0.5, 2.6)  # standard deviation of the points of a hand, in units of which a digit is 20 high
_MAX_SKEW = 2.5  # degrees


def random_values(rng: np.random.Generator) -> dict[str, str]:
    """Return what is written in each field of a page."""
    return {name: "".join(map(str, rng.integers(1, 10, length))) for name, length in _LENGTHS.items()}


def empty_form() -> Picture:
    """Return the empty form (HEIGHT, WIDTH) uint8."""
    image = Image.new("L", (WIDTH, HEIGHT), 250)
    draw = ImageDraw.Draw(image)
    for y, (text, size) in _PRINT.items():
        draw.text((140, y), text, fill=40, font=ImageFont.load_default(size))
    for _, (x, y, w, h), cells in FIELDS.values():
        draw.rectangle([x, y, x + w, y + h], outline=60, width=3)
        for cell in range(1, cells):
            across = x + cell * w // cells
            draw.line([across, y, across, y + h], fill=60, width=2)
    return np.asarray(image).copy()


def filled_form(values: dict[str, str], rng: np.random.Generator) -> Picture:
    """Return a skewed scan of the form with these values, in one hand."""
    page = empty_form()
    shake, slant = rng.uniform(*_SHAKE), rng.normal(0, 0.12)
    for name, text in values.items():
        kind, (x, y, w, h), cells = FIELDS[name]
        step = w / cells if kind == "comb" else 0.6 * h
        height = 0.62 * h
        for place, digit in enumerate(text):
            left = x + place * step + (0 if kind == "comb" else 0.25 * h) + (step - height / 2) / 2
            for stroke in reference_strokes()[int(digit)]:
                points = np.array(stroke) + rng.normal(0, shake, 2) * 0.5
                points += cv2.GaussianBlur(rng.normal(0, shake, points.shape), (1, 5), 1)
                points[:, 0] += slant * (10 - points[:, 1])
                ink = np.rint(16 * (points * height / 20 + (left, y + (h - height) / 2))).astype(np.int32)
                cv2.polylines(page, [ink[:, None]], False, 45, 5, cv2.LINE_AA, 4)
    turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), rng.uniform(-_MAX_SKEW, _MAX_SKEW), 0.97)
    skewed = cv2.warpAffine(page, turn, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderValue=250)
    return np.asarray(np.clip(skewed + rng.normal(0, 4, skewed.shape), 0, 255), np.uint8)
