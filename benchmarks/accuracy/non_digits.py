"""Synthetic images and strokes without a digit, which a reader must not accept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

SIZES = ((28, 28), (64, 64), (160, 120), (120, 200), (400, 400))
"""Height and width of the images in pixels."""

Ink = NDArray[np.float32]
"""Ink coverage (h, w), from 0 for bare paper to 1."""


def non_digit_images(kind: str, count: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Yield grey images (h, w) uint8 of a kind, alternating sizes and polarity."""
    rng = np.random.default_rng((seed, *kind.encode()))
    for number in range(count):
        yield _render(KINDS[kind](SIZES[number % len(SIZES)], rng), bool(number // len(SIZES) % 2), rng)


def non_digit_strokes(kind: str, count: int, seed: int) -> Iterator[list[NDArray[np.float64]]]:
    """Yield lists of strokes (k, 2) of a kind; empty lists for "empty"."""
    rng = np.random.default_rng((seed, 1, *kind.encode()))
    for _ in range(count if kind in STROKES else 0):
        yield STROKES[kind](rng)


def _render(ink: Ink, dark_paper: bool, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Render ink with random grey levels, a light gradient and sensor noise."""
    paper, pen = rng.uniform(200, 255), rng.uniform(0, 90)
    light = 1 - rng.uniform(0, 0.2) * np.linspace(0, 1, ink.shape[1])
    grey = (paper + (pen - paper) * ink) * light + rng.normal(0, rng.uniform(0, 3), ink.shape)
    picture = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    return 255 - picture if dark_paper else picture


def _empty(size: tuple[int, int], _: np.random.Generator) -> Ink:
    return np.zeros(size, np.float32)


def _dot(size: tuple[int, int], rng: np.random.Generator) -> Ink:
    ink, (height, width) = np.zeros(size, np.float32), size
    middle = round(rng.uniform(0.2, 0.8) * width), round(rng.uniform(0.2, 0.8) * height)
    cv2.circle(ink, middle, round(rng.uniform(0.01, 0.06) * min(size)), 1.0, cv2.FILLED, cv2.LINE_AA)
    return ink


def _noise(size: tuple[int, int], rng: np.random.Generator) -> Ink:
    """Uniform noise, specks or blotches."""
    drawn = rng.random(size, np.float32)
    kind = rng.integers(3)
    if kind == 0:
        return drawn
    if kind == 1:
        return (drawn < rng.uniform(0.02, 0.5)).astype(np.float32)
    smooth = cv2.GaussianBlur(drawn, (0, 0), rng.uniform(0.02, 0.06) * min(size))
    return np.asarray(smooth > np.quantile(smooth, rng.uniform(0.5, 0.8)), np.float32)


def _scribble(size: tuple[int, int], rng: np.random.Generator) -> Ink:
    ink, (height, width) = np.zeros(size, np.float32), size
    pen = max(1, round(rng.uniform(0.015, 0.06) * min(size)))
    place = np.array([0.15 * width, 0.15 * height]), np.array([0.7 * width, 0.7 * height])
    for stroke in _scribble_strokes(rng):
        points = np.rint(place[0] + stroke * place[1]).astype(np.int32)[:, None]
        cv2.polylines(ink, [points], False, 1.0, pen, cv2.LINE_AA)
    return ink


def _solid(size: tuple[int, int], rng: np.random.Generator) -> Ink:
    """A filled ellipse or rectangle with an aspect ratio of at most 2."""
    ink, (height, width) = np.zeros(size, np.float32), size
    half = rng.uniform(0.15, 0.48) * min(size)
    across, down = round(half * rng.uniform(0.5, 1)), round(half * rng.uniform(0.5, 1))
    x, y = width // 2, height // 2
    if rng.random() < 0.5:
        cv2.ellipse(ink, (x, y), (across, down), 0, 0, 360, 1.0, cv2.FILLED, cv2.LINE_AA)
    else:
        cv2.rectangle(ink, (x - across, y - down), (x + across, y + down), 1.0, cv2.FILLED)
    return ink


def _stripes(size: tuple[int, int], rng: np.random.Generator) -> Ink:
    """Parallel bars at a random angle over the whole image; every third image is a grid."""
    y, x = np.indices(size, np.float32)
    period, share = rng.uniform(4, max(5, 0.2 * min(size))), rng.uniform(0.2, 0.6)
    angle = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)])
    turned = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    bars = [((along / period) % 1 < share) for along in turned]
    return np.asarray(bars[0] | bars[1] if rng.random() < 1 / 3 else bars[0], np.float32)


def _scribble_strokes(rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """One to three strokes in the unit square: tangles, coils or zigzags of many turns."""
    kind = rng.integers(3)
    if kind == 0:
        return [_smooth(rng.random((rng.integers(12, 25), 2))) for _ in range(rng.integers(1, 4))]
    turns = rng.integers(4, 9)
    along = np.linspace(0, 1, 24 * turns)
    if kind == 1:
        angle = 2 * np.pi * turns * along
        return [0.5 + 0.5 * along[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)]
    corners = np.stack([np.arange(2 * turns) % 2.0, np.linspace(0, 1, 2 * turns)], 1)
    return [corners + rng.normal(0, 0.06, corners.shape)]


def _smooth(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth a polyline by three steps of Chaikin's corner cutting (1974)."""
    for _ in range(3):
        near, far = corners[:-1], corners[1:]
        corners = np.stack([0.75 * near + 0.25 * far, 0.25 * near + 0.75 * far], 1).reshape(-1, 2)
    return corners


def _tap(rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """A tap of the pen: one point, possibly repeated."""
    return [np.repeat(rng.uniform(0, 300, (1, 2)), rng.integers(1, 5), 0)]


KINDS: dict[str, Callable[[tuple[int, int], np.random.Generator], Ink]] = {
    "empty": _empty,
    "dot": _dot,
    "noise": _noise,
    "scribble": _scribble,
    "solid": _solid,
    "stripes": _stripes,
}

STROKES: dict[str, Callable[[np.random.Generator], list[NDArray[np.float64]]]] = {
    "empty": lambda _: [],
    "dot": _tap,
    "scribble": _scribble_strokes,
}
