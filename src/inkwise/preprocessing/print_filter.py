"""Print and handwriting told apart: print repeats itself, to the pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.components import Pieces

_SIDE = 12  # of the pictures in which pieces are compared, pixels
_TWIN = 0.97  # correlation from which two pieces are the same letter
_SIZE, _PART = 1.5, 0.02  # pixels, and share of its height, by which a twin may differ in size
_HEIGHT, _STROKE = 1.5, 0.15  # pixels, and log of the ratio, by which letters of one font differ
_PASSES = 3  # what was found to be print tells what else is
_TOUCHING = 1.4  # times as high are letters that touch
_ENOUGH = 6  # twins that tell how high a page's print is
_WEIGHTS = np.array([9.7, 1.15, 0.95, -3.1, 3.25])  # fitted to made pages, as is the next
_HAND = -6.9


def likely_printed(
    pieces: Pieces, dark: NDArray[np.uint8], words: NDArray[np.int64], lines: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How likely each word is printed, (words,) 0..1, by a logistic regression.

    It goes by the share of its edges that is level or upright; by how many letters that have a twin on the
    page are of as thick a stroke and as high, or lower, as letters that touch are higher than each; by its
    height beside theirs; and by how much of its line stands on one level.
    What is by itself on a page without print counts as written.

    Args:
        pieces: n of them.
        dark: (H, W) uint8, the page they are of.
        words: (n,) the word of each, from 0.
        lines: (n,) what of a line is near enough to be one with it.
    """
    heights = pieces.boxes[:, 3].astype(np.float64)
    strokes = np.log(2 * pieces.area / np.maximum(pieces.edge, 1))
    same_stroke = np.abs(strokes[:, None] - strokes) <= _STROKE
    alike = same_stroke & (np.abs(heights[:, None] - heights) <= _HEIGHT)
    touching = same_stroke & (heights[:, None] <= _TOUCHING * heights) & (heights[:, None] >= heights)
    tallest = np.zeros(words.max(initial=-1) + 1)
    np.maximum.at(tallest, words, heights)
    straight, level = _mean(pieces.straight, words, pieces.edge), _mean(_level(pieces, lines), words)
    print_ = _have_twins(pieces, dark)
    for _ in range(_PASSES):
        font, blot = (
            np.log1p(np.maximum(like @ print_.astype(np.float32) - print_, 0)) for like in (alike, touching)
        )
        usual = np.percentile(heights[print_], 75) if print_.sum() >= _ENOUGH else 1.0
        taller = np.clip(np.log(tallest / usual), -0.5, 0.7)
        features = np.stack([straight, _mean(font, words), _mean(blot, words), taller, level], 1)
        likely = 1 / (1 + np.exp(-(features @ _WEIGHTS + _HAND)))
        print_ = likely[words] > 0.5
    return np.asarray(likely, np.float64)


def _have_twins(pieces: Pieces, dark: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which pieces (n,) are there once more, of the same size and shape."""
    shapes = np.zeros((len(pieces.boxes), _SIDE * _SIDE), np.float32)
    for shape, number, (x, y, w, h) in zip(shapes, pieces.numbers, pieces.boxes.tolist(), strict=True):
        window = np.s_[y : y + h, x : x + w]
        alone = dark[window] * (pieces.labels[window] == number)
        shape[:] = cv2.resize(alone, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).ravel()
    shapes -= shapes.mean(1, keepdims=True)
    shapes /= np.maximum(np.linalg.norm(shapes, axis=1, keepdims=True), 1e-6)
    same = shapes @ shapes.T > _TWIN
    for size in pieces.boxes[:, 2:].T:
        same &= np.abs(size[:, None] - size) <= _SIZE + _PART * size[:, None]
    np.fill_diagonal(same, False)
    return np.asarray(same.any(1))


def _level(pieces: Pieces, lines: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of the others on its line that end as low as a piece, (n,)."""
    feet = pieces.boxes[:, 1] + pieces.boxes[:, 3]
    reach = np.maximum(1.2, 0.03 * pieces.boxes[:, 3])
    same = (np.abs(feet[:, None] - feet) <= reach[:, None]) & (lines[:, None] == lines)
    return np.asarray((same.sum(1) - 1) / np.maximum(np.bincount(lines)[lines] - 1, 1), np.float64)


def _mean(
    values: NDArray[np.float64], words: NDArray[np.int64], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Weighted mean of each word."""
    weights = np.ones(len(values)) if weights is None else weights
    return np.bincount(words, values * weights) / np.maximum(np.bincount(words, weights), 1e-9)
