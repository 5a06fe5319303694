"""Classification of print and handwriting: printed letters repeat almost pixel by pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.components import Components

_THUMBNAIL_SIDE = 12  # side of the thumbnails that are compared, pixels
_TWIN_CORRELATION = 0.97  # minimum correlation of two components that are the same letter
_TWIN_SIZE_PIXELS, _TWIN_SIZE_SHARE = 1.5, 0.02  # maximum difference of their sizes, pixels and share
_TWIN_BLOCK, _TWIN_REACH = (
    512,
    2048,
)  # components compared at once, and the nearest in size they are compared to
_FONT_HEIGHT_TOLERANCE = 1  # maximum difference in height of letters of a font, pixels
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
    heights = components.boxes[:, 3]
    strokes = np.log(2 * components.area / np.maximum(components.edge, 1))
    alike = _SimilarStrokes(
        heights, strokes, heights - _FONT_HEIGHT_TOLERANCE, heights + _FONT_HEIGHT_TOLERANCE
    )
    touching = _SimilarStrokes(
        heights, strokes, np.ceil(heights / _TOUCHING_HEIGHT_RATIO).astype(np.int64), heights
    )
    tallest = np.zeros(words.max(initial=-1) + 1)
    np.maximum.at(tallest, words, heights)
    straight = _mean_by_word(components.axis_aligned, words, components.edge)
    baseline = _mean_by_word(_baseline_agreement(components, lines), words)
    print_ = _has_twin(components, dark)
    for _ in range(_PASSES):
        font, blot = (np.log1p(similar.count(print_) - print_) for similar in (alike, touching))
        usual = np.percentile(heights[print_], 75) if print_.sum() >= _MIN_TWINS else 1.0
        taller = np.clip(np.log(tallest / usual), -0.5, 0.7)
        features = np.stack(
            [straight, _mean_by_word(font, words), _mean_by_word(blot, words), taller, baseline], 1
        )
        likely = 1 / (1 + np.exp(-(features @ _LOGISTIC_WEIGHTS + _LOGISTIC_BIAS)))
        print_ = likely[words] > 0.5
    return likely


class _SimilarStrokes:
    """The components of about the same stroke width as each one, within a range of heights."""

    def __init__(
        self,
        heights: NDArray[np.int64],
        strokes: NDArray[np.float64],
        low: NDArray[np.int64],
        high: NDArray[np.int64],
    ) -> None:
        """Sort the components by height, pixels, and log stroke width; low and high are ranges of heights."""
        span = 4 * (np.abs(strokes).max() + 1)  # keys of one height lie apart from those of the next
        keys = heights * span + strokes
        self._order = np.argsort(keys, kind="stable")
        counts = high - low + 1
        self._one = np.repeat(np.arange(len(heights)), counts)
        height = np.arange(len(self._one)) - np.repeat(np.cumsum(counts) - counts - low, counts)
        middle = height * span + strokes[self._one]
        self._first = np.searchsorted(keys[self._order], middle - _FONT_STROKE_TOLERANCE, "left")
        self._last = np.searchsorted(keys[self._order], middle + _FONT_STROKE_TOLERANCE, "right")

    def count(self, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Count the chosen ones among those similar to each component, which is one of them."""
        before = np.concatenate([[0], np.cumsum(chosen[self._order])])
        counts = before[self._last] - before[self._first]
        return np.bincount(self._one, counts, len(chosen)).astype(np.float64)


def _has_twin(components: Components, dark: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each component has another of the same size and shape on the page, (n,).

    On a page of more components than _TWIN_REACH it is looked for among those nearest in size.
    """
    shapes = np.zeros((len(components.boxes), _THUMBNAIL_SIDE * _THUMBNAIL_SIDE), np.float32)
    order = np.lexsort((components.boxes[:, 2], components.boxes[:, 3]))
    boxes = components.boxes[order]
    for shape, number, (x, y, w, h) in zip(shapes, components.numbers[order], boxes.tolist(), strict=True):
        window = np.s_[y : y + h, x : x + w]
        alone = dark[window] * (components.labels[window] == number)
        shape[:] = cv2.resize(alone, (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA).ravel()
    shapes -= shapes.mean(1, keepdims=True)
    shapes /= np.maximum(np.linalg.norm(shapes, axis=1, keepdims=True), 1e-6)
    twins = np.zeros(len(boxes), bool)
    for start in range(0, len(boxes), _TWIN_BLOCK):
        stop = min(start + _TWIN_BLOCK, len(boxes))
        near = slice(max(start - _TWIN_REACH, 0), stop + _TWIN_REACH)
        same = shapes[start:stop] @ shapes[near].T > _TWIN_CORRELATION
        for size in boxes[:, 2:].T:
            reach = _TWIN_SIZE_PIXELS + _TWIN_SIZE_SHARE * size[start:stop, None]
            same &= np.abs(size[start:stop, None] - size[near]) <= reach
        same[np.arange(stop - start), np.arange(start, stop) - near.start] = False
        twins[order[start:stop]] = same.any(1)
    return twins


def _baseline_agreement(components: Components, lines: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of the other components on its line with the same baseline, (n,)."""
    feet = components.boxes[:, 1] + components.boxes[:, 3]
    reach = np.maximum(1.2, 0.03 * components.boxes[:, 3])
    feet = feet + lines * 2 * (feet.max() + reach.max())  # lines lie apart
    ordered = np.sort(feet)
    same = np.searchsorted(ordered, feet + reach, "right") - np.searchsorted(ordered, feet - reach, "left")
    return (same - 1) / np.maximum(np.bincount(lines)[lines] - 1, 1)


def _mean_by_word(
    values: NDArray[np.float64], words: NDArray[np.int64], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Weighted mean of each word."""
    weights = np.ones(len(values)) if weights is None else weights
    return np.bincount(words, values * weights) / np.maximum(np.bincount(words, weights), 1e-9)
