"""Synthesis of pictures of numbers with their separators, as training data of the line reader."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing import binarize
from inkwise.preprocessing.layout import find_regions
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
_RULED_SHARE = 0.12  # share of the pictures of which preprocessing has removed a rule
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
    """A picture of ink: clean, photographed, photographed and binarized, or without the rule below it."""
    if rng.random() < _RULED_SHARE:
        return _without_rule(cover, rng)
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


def _without_rule(cover: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8] | None:
    """A number on a rule that preprocessing has removed, with the parts of digits that lay along it."""
    height = int(np.exp(rng.uniform(np.log(30), np.log(70))))
    width = max(8, round(cover.shape[1] * height / cover.shape[0]))
    side = int(rng.uniform(0.8, 2) * height)
    ink = cv2.copyMakeBorder(
        cv2.resize(cover, (width, height), interpolation=cv2.INTER_AREA),
        *(height, height, side, side),
        cv2.BORDER_CONSTANT,
        value=0,
    )
    rule = np.zeros(ink.shape, np.uint8)
    y, tilt = height * rng.normal(1.98, 0.06), rng.normal(0, 0.01) * width
    thickness = max(1, round(height * rng.uniform(0.02, 0.1)))
    cv2.line(rule, (0, round(y - tilt)), (ink.shape[1], round(y + tilt)), 1, thickness)
    dark = np.maximum(ink * rng.uniform(0.4, 0.95), rule * rng.uniform(0.25, 0.9))
    grey = rng.uniform(150, 250) * (1 - dark) + rng.normal(0, rng.uniform(0, 6), ink.shape)
    regions = [
        region for region in find_regions(np.clip(grey, 0, 255).astype(np.uint8)) if region.reason is None
    ]
    main = max(regions, key=lambda region: region.box[2], default=None)
    found = None if main is None or main.box[2] < 0.9 * width else to_line_image(main.ink)
    if main is None or found is None:
        return None
    return frame_line(
        255 - main.ink,
        found.left,
        found.top,
        found.scale,
        found.ink.shape[1],
        LINE_HEIGHT * rng.uniform(0.9, 1.1),
    )


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
