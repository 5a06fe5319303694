"""Synthesis of pictures of numbers with their separators, as training data of the line reader."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing import binarize
from inkwise.preprocessing.line_image import LINE_HEIGHT, to_line_image
from inkwise.training.synthesis.degradation import ink_coverage
from inkwise.training.synthesis.line_synthesis import (
    random_pen_width,
    simulate_line_photo,
    slant,
    whole_number_coverage,
)
from inkwise.training.synthesis.number_layout import Hand, lay_out_number
from inkwise.training.synthesis.number_pool import NumberPool
from inkwise.training.synthesis.number_texts import random_number_text

PICTURE_HEIGHT = 48
"""Height of a picture of a number, pixels."""

WIDTH_STEP = 16
"""Widths of pictures are multiples of it, so that batches need no padding, pixels."""

_WHOLE_NUMBER_SHARE = 0.1  # share of the lines that are whole numbers of one writer
_BINARIZED_SHARE = 0.35  # share of the pictures that are binarized
_CLEAN_SHARE = 0.12  # share of the pictures without a camera, as drawn on a screen
_MAX_WIDTH = 640  # pixels
_MIN_WIDTH_PER_CHARACTER = 8  # pixels


def compose_number(pool: NumberPool, rng: np.random.Generator) -> tuple[NDArray[np.uint8], str]:
    """A picture (48, w) uint8 of a number, mostly dark on light, and its text."""
    while True:
        if rng.random() < _WHOLE_NUMBER_SHARE:
            strokes, text = pool.numbers[rng.integers(len(pool.numbers))]
            cover = whole_number_coverage(strokes, rng)
        else:
            text = random_number_text(rng)
            cover = ink_coverage(slant(lay_out_number(text, Hand(pool, random_pen_width(rng), rng)), rng))
        picture = _to_picture(cover, rng)
        if picture is not None and picture.shape[1] >= _MIN_WIDTH_PER_CHARACTER * (len(text) + 1):
            return picture, text


def _to_picture(cover: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8] | None:
    """A picture of ink: clean, photographed, or photographed and binarized."""
    if rng.random() < _CLEAN_SHARE:
        margin = int(rng.uniform(0.05, 0.4) * len(cover))
        framed = cv2.copyMakeBorder(cover, *4 * [margin + 1], cv2.BORDER_CONSTANT, value=0)
        return to_width(255 - np.asarray(255 * framed, np.uint8))
    photo = simulate_line_photo(cover, rng)
    if rng.random() >= _BINARIZED_SHARE:
        return to_width(photo)
    ink = binarize(photo, ink_expected=True)
    found = to_line_image(ink)
    if found is None:
        return None
    rows = LINE_HEIGHT * rng.uniform(0.8, 1.2)
    return frame_line(255 - ink, found.left, found.top, found.scale, found.ink.shape[1], rows)


def frame_line(
    grey: NDArray[np.uint8], left: float, top: float, scale: float, width: int, rows: float
) -> NDArray[np.uint8] | None:
    """The part of a picture that a line image shows, with `rows` of its rows in 48."""
    zoom = scale * PICTURE_HEIGHT / rows
    top -= (rows - LINE_HEIGHT) / 2 / scale
    small = cv2.resize(grey, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA) if zoom < 1 else grey
    fx, fy = small.shape[1] / grey.shape[1], small.shape[0] / grey.shape[0]
    columns = _quantized(width * PICTURE_HEIGHT / rows)
    stretch = columns / (width * PICTURE_HEIGHT / rows)
    matrix = np.array([[zoom * stretch / fx, 0, -left * zoom * stretch], [0, zoom / fy, -top * zoom]])
    framed = cv2.warpAffine(small, matrix, (columns, PICTURE_HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(framed, np.uint8) if columns <= _MAX_WIDTH else None


def to_width(grey: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """A picture resized to 48 rows and the nearest width; None if it is too wide."""
    height, width = grey.shape
    columns = _quantized(width * PICTURE_HEIGHT / height)
    if columns > _MAX_WIDTH:
        return None
    method = cv2.INTER_AREA if height > PICTURE_HEIGHT else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (columns, PICTURE_HEIGHT), interpolation=method), np.uint8)


def _quantized(width: float) -> int:
    return max(2, round(width / WIDTH_STEP)) * WIDTH_STEP
