"""Synthetic non-digits: scribbles, print, blots, patterns, noise, touching and cropped digits."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from inkwise._util.errors import DataError
from inkwise.preprocessing import image_to_glyph, strokes_to_glyph, to_glyphs
from inkwise.training.synthesis.degradation import (
    crop_to_ink,
    ink_coverage,
    photographed_glyph,
    simulate_photo,
)

Glyphs = NDArray[np.uint8]
Glyph = NDArray[np.uint8]

LOOK_ALIKES = frozenset("0OoQD1Iil|2Zz5Ss6b8B9gq")
"""Letters and symbols that look like a digit regardless of size and position; never used as non-digits."""

_PRINTED_CHARACTERS = "ACEFGHJKLMNPRTUVWXYacdefhjkmnprtuvwxy#$%&*+=?@<>[]{}~^-_"


def synthesize_negatives(count: int, rng: np.random.Generator, *, printed: bool = True) -> Glyphs:
    """Glyphs (count, 28, 28) uint8 of scribbles, blots, patterns, noise and, if `printed`, characters."""
    shares = np.array(_GENERATOR_SHARES)
    if not printed:
        shares[[maker in _PRINTERS for maker in _GENERATORS]] = 0
    makers = rng.choice(len(_GENERATORS), count, p=shares / shares.sum())
    made = [_retry(_GENERATORS[maker], rng) for maker in makers]
    return np.array(made, np.uint8).reshape(-1, 28, 28)


def corrupt_digits(glyphs: Glyphs, labels: NDArray[np.str_], count: int, rng: np.random.Generator) -> Glyphs:
    """Glyphs (count, 28, 28) uint8 of two or three touching digits, or of a cropped digit.

    Args:
        glyphs: (n, 28, 28) uint8; those without ink are ignored.
        labels: (n,) str, their digits.
        count: number of glyphs to make.
        rng: draws the digits and the corruption.

    Raises:
        DataError: no glyph holds ink.
    """
    inked = glyphs.any((1, 2))
    glyphs, labels = glyphs[inked], labels[inked]
    if not len(glyphs):
        raise DataError("no digit holds ink, so none can be corrupted")
    made: list[Glyph] = []
    while len(made) < count:
        if rng.random() < 0.6:
            chosen = rng.integers(len(glyphs), size=rng.integers(2, 4))
            corrupted: Glyph | None = _side_by_side([glyphs[number] for number in chosen], rng)
        else:
            number = int(rng.integers(len(glyphs)))
            corrupted = _cut_off(glyphs[number], str(labels[number]), rng)
        read = None if corrupted is None else _to_glyph(corrupted)
        if read is not None:
            made.append(read)
    return np.array(made, np.uint8).reshape(-1, 28, 28)


def _retry(maker: Callable[[np.random.Generator], Glyph | None], rng: np.random.Generator) -> Glyph:
    while True:
        glyph = maker(rng)
        if glyph is not None and glyph.any():
            return glyph


def _scribble(rng: np.random.Generator) -> Glyph | None:
    """One to four strokes that turn at random; with few turns it would be a 1 or a 7."""
    strokes = []
    for _ in range(rng.integers(1, 5)):
        steps = int(rng.integers(20, 120))
        turning = np.cumsum(rng.normal(0, rng.uniform(0.15, 0.7), steps)) + rng.uniform(-0.3, 0.3)
        heading = rng.uniform(0, 2 * np.pi) + np.cumsum(turning) * rng.uniform(0.05, 0.5)
        path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1), 0)
        strokes.append(path + rng.normal(0, 12, 2))
    points = np.concatenate(strokes)
    if len(strokes) == 1 and np.ptp(points, 0).max() > 0.8 * steps:
        return None
    return strokes_to_glyph(strokes, float(rng.uniform(1.5, 4)))


def _zigzag(rng: np.random.Generator) -> Glyph | None:
    """A zigzag, as of scratched-out text."""
    turns = int(rng.integers(5, 16))
    x = np.linspace(0, rng.uniform(0.3, 2), turns) + rng.normal(0, 0.06, turns)
    y = np.where(np.arange(turns) % 2, 0, 1) + rng.normal(0, 0.12, turns)
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return strokes_to_glyph([np.stack([x, y], 1) @ turn], float(rng.uniform(1.5, 4)))


def _font_character(rng: np.random.Generator) -> Glyph | None:
    """A character of Pillow's font."""
    sign = _PRINTED_CHARACTERS[rng.integers(len(_PRINTED_CHARACTERS))]
    image = Image.new("L", (96, 96))
    ImageDraw.Draw(image).text((48, 48), sign, 255, ImageFont.load_default(64), anchor="mm")
    return _warped(np.asarray(image), rng)


def _hershey_character(rng: np.random.Generator) -> Glyph | None:
    """A character of the Hershey fonts, which consist of strokes."""
    sign = _PRINTED_CHARACTERS[rng.integers(len(_PRINTED_CHARACTERS))]
    faces = (
        cv2.FONT_HERSHEY_SIMPLEX,
        cv2.FONT_HERSHEY_DUPLEX,
        cv2.FONT_HERSHEY_COMPLEX,
        cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
        cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
    )
    canvas = np.zeros((96, 120), np.uint8)
    face = faces[rng.integers(len(faces))]
    cv2.putText(canvas, sign, (30, 64), face, 2, 255, int(rng.integers(2, 9)), cv2.LINE_AA)
    return _warped(canvas, rng)


def _warped(canvas: NDArray[np.uint8], rng: np.random.Generator) -> Glyph | None:
    """Slant, stretch and photograph a character."""
    height, width = canvas.shape
    shear, stretch = rng.normal(0, 0.2), np.exp(rng.normal(0, 0.25))
    matrix = np.array([[stretch, shear, 0], [rng.normal(0, 0.08), 1, 0]])
    matrix[:, 2] = np.array([width, height]) - matrix[:, :2] @ [width / 2, height / 2]
    warped = cv2.warpAffine(canvas, matrix, (2 * width, 2 * height))
    original = image_to_glyph(np.pad(crop_to_ink(warped), 4))
    return None if original is None else photographed_glyph(ink_coverage(warped), original, rng)


def _blot(rng: np.random.Generator) -> Glyph | None:
    """A filled speck, dot, block or blob."""
    kind = rng.integers(4)
    if kind == 3:  # a few pixels, which normalization enlarges to a glyph
        speck = np.zeros((24, 24), np.uint8)
        x, y, radius = (rng.uniform((11, 11, 1), (13, 13, 4)) * 16).astype(int).tolist()
        cv2.circle(speck, (x, y), radius, 255, cv2.FILLED, cv2.LINE_AA, shift=4)
        return image_to_glyph(speck)
    canvas = np.zeros((80, 80), np.uint8)
    if kind == 0:
        axes = rng.integers(12, 30, 2).tolist()
        cv2.ellipse(canvas, (40, 40), axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
    elif kind == 1:
        box = cv2.boxPoints(((40, 40), tuple(rng.uniform(20, 50, 2).tolist()), float(rng.uniform(0, 90))))
        cv2.fillPoly(canvas, [np.rint(box).astype(np.int32)], 255)
    else:
        field = cv2.GaussianBlur(rng.standard_normal((80, 80), np.float32), (0, 0), rng.uniform(5, 12))
        near = np.hypot(*(np.indices((80, 80)) - 40)) < 36
        canvas[(field > 0) & near] = 255
    # not binarized, as binarization keeps only the edge of thick ink, and a ring is a 0
    return _to_glyph(canvas)


def _geometric_pattern(rng: np.random.Generator) -> Glyph | None:
    """Parallel bars, a grid, rings."""
    canvas = np.zeros((96, 96), np.uint8)
    step, thick = int(rng.integers(10, 30)), int(rng.integers(2, 9))
    kind = rng.integers(3)
    if kind == 2:
        for radius in range(step, 44, max(step, thick + 6)):
            cv2.circle(canvas, (48, 48), radius, 255, thick)
        return image_to_glyph(canvas) if step + max(step, thick + 6) < 44 else None
    for place in range(int(rng.integers(4, 12)), 92, step):
        cv2.line(canvas, (8, place), (88, place), 255, thick)
        if kind == 1:
            cv2.line(canvas, (place, 8), (place, 88), 255, thick)
    matrix = cv2.getRotationMatrix2D((48, 48), float(rng.uniform(0, 180)), 1)
    turned = cv2.warpAffine(canvas, matrix, (96, 96))
    # as one character, as segmentation would split bars that do not touch
    return _to_glyph(turned)


def _noise(rng: np.random.Generator) -> Glyph | None:
    """Noise of any grain, as an image or as one component."""
    side = int(rng.integers(20, 90))
    noise = rng.standard_normal((side, side), np.float32)
    grain = rng.uniform(0, 5)
    if grain > 0.4:
        noise = cv2.GaussianBlur(noise, (0, 0), grain)
    noise = (noise - noise.mean()) / noise.std()
    picture = np.clip(128 + 60 * noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        return _to_glyph(np.asarray((noise > rng.uniform(0, 2)) * 255, np.uint8))
    return image_to_glyph(picture)


def _empty_sheet(rng: np.random.Generator) -> Glyph | None:
    """Apparent ink on an empty sheet."""
    sheet = np.zeros((int(rng.integers(20, 90)), int(rng.integers(20, 90))), np.float32)
    return image_to_glyph(simulate_photo(sheet, rng))


def _to_glyph(ink: NDArray[np.uint8]) -> Glyph | None:
    """All the ink of an image (h, w) uint8, light on dark, as one glyph."""
    x, y, w, h = cv2.boundingRect((ink >= 128).astype(np.uint8))
    return to_glyphs(ink[y : y + h, x : x + w][None])[0] if w else None


def _side_by_side(digits: list[Glyph], rng: np.random.Generator) -> Glyph:
    """Touching or overlapping digits, (h, w) uint8."""
    parts = [crop_to_ink(digit) for digit in digits]
    canvas = np.zeros((40, sum(part.shape[1] for part in parts) + 4), np.uint8)
    x = 2
    for part in parts:
        y = int(rng.integers(4, 40 - part.shape[0]))
        window = canvas[y : y + part.shape[0], x : x + part.shape[1]]
        np.maximum(window, part, out=window)
        x += max(2, part.shape[1] - int(rng.integers(0, 5)))
    return canvas


_CUT_SIDES = {"0": "tblr", "2": "tb", "5": "tb"}
"""Halves (top, bottom, left, right) that may be missing so that the rest is no digit."""


def _cut_off(glyph: Glyph, label: str, rng: np.random.Generator) -> Glyph | None:
    """A digit without about half of its ink, (28, 28) uint8, or None if the rest could be a digit."""
    sides = _CUT_SIDES.get(label)
    if not sides:
        return None
    x, y, w, h = cv2.boundingRect(glyph)
    if min(w, h) < 8:
        return None
    side = sides[rng.integers(len(sides))]
    share = rng.uniform(0.4, 0.6)
    parts: dict[str, slice | tuple[slice, slice]] = {
        "t": np.s_[: y + round(share * h)],
        "b": np.s_[y + round((1 - share) * h) :],
        "l": np.s_[:, : x + round(share * w)],
        "r": np.s_[:, x + round((1 - share) * w) :],
    }
    cut = glyph.copy()
    cut[parts[side]] = 0
    return cut


_GENERATORS: tuple[Callable[[np.random.Generator], Glyph | None], ...] = (
    _scribble,
    _zigzag,
    _font_character,
    _hershey_character,
    _blot,
    _geometric_pattern,
    _noise,
    _empty_sheet,
)
_GENERATOR_SHARES = (0.25, 0.1, 0.2, 0.26, 0.06, 0.05, 0.07, 0.01)
_PRINTERS = (_font_character, _hershey_character)
