"""Print and handwriting told apart: print repeats itself, to the pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.components import Components

_THUMBNAIL_SIDE = 12  # of the pictures in which pieces are compared, pixels
_TWIN_CORRELATION = 0.97  # correlation from which two pieces are the same letter
_TWIN_SIZE_PIXELS, _TWIN_SIZE_SHARE = (
    1.5,
    0.02,
)  # pixels, and share of its height, by which a twin may differ in size
_FONT_HEIGHT_TOLERANCE, _FONT_STROKE_TOLERANCE = (
    1.5,
    0.15,
)  # pixels, and log of the ratio, by which letters of one font differ
_PASSES = 3  # what was found to be print tells what else is
_TOUCHING_HEIGHT_RATIO = 1.4  # times as high are letters that touch
_MIN_TWINS = 6  # twins that tell how high a page's print is
_LOGISTIC_WEIGHTS = np.array([9.7, 1.15, 0.95, -3.1, 3.25])  # fitted to made pages, as is the next
_LOGISTIC_BIAS = -6.9


def print_probability(
    pieces: Components, dark: NDArray[np.uint8], words: NDArray[np.int64], lines: NDArray[np.int64]
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
    same_stroke = np.abs(strokes[:, None] - strokes) <= _FONT_STROKE_TOLERANCE
    alike = same_stroke & (np.abs(heights[:, None] - heights) <= _FONT_HEIGHT_TOLERANCE)
    touching = (
        same_stroke & (heights[:, None] <= _TOUCHING_HEIGHT_RATIO * heights) & (heights[:, None] >= heights)
    )
    tallest = np.zeros(words.max(initial=-1) + 1)
    np.maximum.at(tallest, words, heights)
    straight, level = (
        _mean_by_word(pieces.axis_aligned, words, pieces.edge),
        _mean_by_word(_baseline_agreement(pieces, lines), words),
    )
    print_ = _has_twin(pieces, dark)
    for _ in range(_PASSES):
        font, blot = (
            np.log1p(np.maximum(like @ print_.astype(np.float32) - print_, 0)) for like in (alike, touching)
        )
        usual = np.percentile(heights[print_], 75) if print_.sum() >= _MIN_TWINS else 1.0
        taller = np.clip(np.log(tallest / usual), -0.5, 0.7)
        features = np.stack(
            [straight, _mean_by_word(font, words), _mean_by_word(blot, words), taller, level], 1
        )
        likely = 1 / (1 + np.exp(-(features @ _LOGISTIC_WEIGHTS + _LOGISTIC_BIAS)))
        print_ = likely[words] > 0.5
    return np.asarray(likely, np.float64)


def _has_twin(pieces: Components, dark: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which pieces (n,) are there once more, of the same size and shape."""
    shapes = np.zeros((len(pieces.boxes), _THUMBNAIL_SIDE * _THUMBNAIL_SIDE), np.float32)
    for shape, number, (x, y, w, h) in zip(shapes, pieces.numbers, pieces.boxes.tolist(), strict=True):
        window = np.s_[y : y + h, x : x + w]
        alone = dark[window] * (pieces.labels[window] == number)
        shape[:] = cv2.resize(alone, (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA).ravel()
    shapes -= shapes.mean(1, keepdims=True)
    shapes /= np.maximum(np.linalg.norm(shapes, axis=1, keepdims=True), 1e-6)
    same = shapes @ shapes.T > _TWIN_CORRELATION
    for size in pieces.boxes[:, 2:].T:
        same &= np.abs(size[:, None] - size) <= _TWIN_SIZE_PIXELS + _TWIN_SIZE_SHARE * size[:, None]
    np.fill_diagonal(same, False)
    return np.asarray(same.any(1))


def _baseline_agreement(pieces: Components, lines: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of the others on its line that end as low as a piece, (n,)."""
    feet = pieces.boxes[:, 1] + pieces.boxes[:, 3]
    reach = np.maximum(1.2, 0.03 * pieces.boxes[:, 3])
    same = (np.abs(feet[:, None] - feet) <= reach[:, None]) & (lines[:, None] == lines)
    return np.asarray((same.sum(1) - 1) / np.maximum(np.bincount(lines)[lines] - 1, 1), np.float64)


def _mean_by_word(
    values: NDArray[np.float64], words: NDArray[np.int64], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Weighted mean of each word."""
    weights = np.ones(len(values)) if weights is None else weights
    return np.bincount(words, values * weights) / np.maximum(np.bincount(words, weights), 1e-9)
