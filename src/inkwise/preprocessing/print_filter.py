"""Classification of print and handwriting: printed letters repeat almost pixel by pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.components import Components

_THUMBNAIL_SIDE = 12  # side of the thumbnails that are compared, pixels
_TWIN_CORRELATION = 0.97  # minimum correlation of two components that are the same letter
_TWIN_SIZE_PIXELS, _TWIN_SIZE_SHARE = 1.5, 0.02  # maximum difference of their sizes, pixels and share
_FONT_HEIGHT_TOLERANCE = 1.5  # maximum difference in height of letters of a font, pixels
_FONT_STROKE_TOLERANCE = 0.15  # maximum difference of the logarithm of their stroke widths
_PASSES = 3  # iterations: print that was found is evidence for more print
_TOUCHING_HEIGHT_RATIO = 1.4  # maximum ratio of the heights of touching letters and a single one
_MIN_TWINS = 6  # minimum number of twins that determine the height of print on a page
_LOGISTIC_WEIGHTS = np.array([9.7, 1.15, 0.95, -3.1, 3.25])  # fitted to synthetic pages, like the bias
_LOGISTIC_BIAS = -6.9


def print_probability(
    components: Components, dark: NDArray[np.uint8], words: NDArray[np.int64], lines: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Probability of print of each word, (words,) 0..1, by a logistic regression.

    Features: share of edges that are horizontal or vertical; number of letters with a twin on the page, of
    the same stroke width, that are as high (same font) or lower (touching letters); height relative to
    print; share of the line on a common baseline. A word alone on a page without print counts as written.

    Args:
        components: n components.
        dark: (H, W) uint8, darkness of the page.
        words: (n,) word of each component, from 0.
        lines: (n,) group of each component on its text line.
    """
    heights = components.boxes[:, 3].astype(np.float64)
    strokes = np.log(2 * components.area / np.maximum(components.edge, 1))
    same_stroke = np.abs(strokes[:, None] - strokes) <= _FONT_STROKE_TOLERANCE
    alike = same_stroke & (np.abs(heights[:, None] - heights) <= _FONT_HEIGHT_TOLERANCE)
    touching = (
        same_stroke & (heights[:, None] <= _TOUCHING_HEIGHT_RATIO * heights) & (heights[:, None] >= heights)
    )
    tallest = np.zeros(words.max(initial=-1) + 1)
    np.maximum.at(tallest, words, heights)
    straight = _mean_by_word(components.axis_aligned, words, components.edge)
    baseline = _mean_by_word(_baseline_agreement(components, lines), words)
    print_ = _has_twin(components, dark)
    for _ in range(_PASSES):
        font, blot = (
            np.log1p(np.maximum(like @ print_.astype(np.float32) - print_, 0)) for like in (alike, touching)
        )
        usual = np.percentile(heights[print_], 75) if print_.sum() >= _MIN_TWINS else 1.0
        taller = np.clip(np.log(tallest / usual), -0.5, 0.7)
        features = np.stack(
            [straight, _mean_by_word(font, words), _mean_by_word(blot, words), taller, baseline], 1
        )
        likely = 1 / (1 + np.exp(-(features @ _LOGISTIC_WEIGHTS + _LOGISTIC_BIAS)))
        print_ = likely[words] > 0.5
    return likely


def _has_twin(components: Components, dark: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each component has another of the same size and shape on the page, (n,)."""
    shapes = np.zeros((len(components.boxes), _THUMBNAIL_SIDE * _THUMBNAIL_SIDE), np.float32)
    for shape, number, (x, y, w, h) in zip(
        shapes, components.numbers, components.boxes.tolist(), strict=True
    ):
        window = np.s_[y : y + h, x : x + w]
        alone = dark[window] * (components.labels[window] == number)
        shape[:] = cv2.resize(alone, (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA).ravel()
    shapes -= shapes.mean(1, keepdims=True)
    shapes /= np.maximum(np.linalg.norm(shapes, axis=1, keepdims=True), 1e-6)
    same = shapes @ shapes.T > _TWIN_CORRELATION
    for size in components.boxes[:, 2:].T:
        same &= np.abs(size[:, None] - size) <= _TWIN_SIZE_PIXELS + _TWIN_SIZE_SHARE * size[:, None]
    np.fill_diagonal(same, False)
    return np.any(same, axis=1)


def _baseline_agreement(components: Components, lines: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of the other components on its line with the same baseline, (n,)."""
    feet = components.boxes[:, 1] + components.boxes[:, 3]
    reach = np.maximum(1.2, 0.03 * components.boxes[:, 3])
    same = (np.abs(feet[:, None] - feet) <= reach[:, None]) & (lines[:, None] == lines)
    return (same.sum(1) - 1) / np.maximum(np.bincount(lines)[lines] - 1, 1)


def _mean_by_word(
    values: NDArray[np.float64], words: NDArray[np.int64], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Weighted mean of each word."""
    weights = np.ones(len(values)) if weights is None else weights
    return np.bincount(words, values * weights) / np.maximum(np.bincount(words, weights), 1e-9)
