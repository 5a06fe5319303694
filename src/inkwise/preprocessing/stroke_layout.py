"""Layout of pen strokes: text lines, and the numbers of each line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.segmentation import group_into_lines
from inkwise.preprocessing.strokes import Strokes, group_strokes, to_stroke_arrays

_TALL_QUANTILE = 0.75  # quantile of the heights of strokes that is the height of the writing
_MIN_LINK_HEIGHT = 0.3  # height as which a lower stroke counts, in heights of the writing
_MIN_LINK_OVERLAP = 0.3  # vertical overlap of strokes of a line, as a share of the lower one's height
_MAX_LINK_GAP = 4.0  # horizontal gap between strokes that are linked, in heights of the writing
_MIN_TALL_HEIGHT = 0.4  # height of the lowest digit, in heights of the writing; lower are bars and dashes
_MIN_STACK_OVERLAP = 0.5  # horizontal overlap of stacked strokes, as a share of the narrower one's width
_MAX_STACK_GAP = 0.1  # vertical gap between stacked strokes, as a share of the sum of their heights
_MIN_LETTER_GAP = 0.2  # gap between letters, in the same heights; 1 letter in 200 has a wider one inside
_MIN_NUMBER_GAP = 1.3  # gap between numbers, in heights of tall digits; 1 number in 200 has a wider gap


def find_stroke_numbers(strokes: Strokes, *, stacked: bool) -> list[list[list[int]]]:
    """Find the numbers of a drawing.

    Args:
        strokes: as for `group_strokes`.
        stacked: whether a stroke right above another one, as the upper circle of an 8, is of its line.

    Returns:
        Indices of the strokes of each number: lines from the top, numbers and strokes from the left.

    Raises:
        InkwiseError: A stroke is malformed.
    """
    points = to_stroke_arrays(strokes)
    if not points:
        return []
    boxes = np.array([[*stroke.min(0), *np.ptp(stroke, 0)] for stroke in points])
    words = _join_low_words(_link_strokes(boxes, stacked), boxes)
    lines = group_into_lines(np.array([_bounding_box(boxes[word]) for word in words]))
    return [
        _split_line([index for word in line for index in words[word]], points, _MIN_NUMBER_GAP)
        for line in lines
    ]


def _link_strokes(boxes: NDArray[np.float64], stacked: bool) -> list[list[int]]:
    """Group strokes, given by their boxes (n, 4), that follow one another on a line."""
    x, y, w, h = boxes.T
    height = _writing_height(boxes)
    margin = np.maximum(_MIN_LINK_HEIGHT * height - h, 0) / 2
    top, bottom = y - margin, y + h + margin
    labels = np.arange(len(boxes))
    for index in range(1, len(boxes)):
        before = slice(index)
        overlap = np.minimum(bottom[before], bottom[index]) - np.maximum(top[before], top[index])
        gap = np.maximum(x[before], x[index]) - np.minimum(x[before] + w[before], x[index] + w[index])
        least = np.minimum((bottom - top)[before], bottom[index] - top[index])
        linked = (overlap >= _MIN_LINK_OVERLAP * least) & (gap <= _MAX_LINK_GAP * height)
        if stacked:
            above = np.maximum(y[before], y[index]) - np.minimum(y[before] + h[before], y[index] + h[index])
            near = above <= _MAX_STACK_GAP * (h[before] + h[index])
            linked |= near & (-gap >= _MIN_STACK_OVERLAP * np.minimum(w[before], w[index]))
        labels[np.isin(labels, labels[before][linked])] = index
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]


def _join_low_words(words: list[list[int]], boxes: NDArray[np.float64]) -> list[list[int]]:
    """Join words lower than a digit, such as the bar of a 5, to the nearest word with one."""
    outlines = np.array([_bounding_box(boxes[word]) for word in words])
    tall = np.flatnonzero(outlines[:, 3] >= _MIN_TALL_HEIGHT * _writing_height(boxes))
    joined = {index: list(words[index]) for index in tall.tolist()}
    for index in np.setdiff1d(np.arange(len(words)), tall).tolist():
        x, y, w, h = outlines[index]
        left, top, width, height = outlines[tall].T
        across = np.maximum(np.maximum(left - x - w, x - left - width), 0)
        along = np.maximum(np.maximum(top - y - h, y - top - height), 0)
        joined[int(tall[np.hypot(across, along).argmin()])] += words[index]
    return list(joined.values())


def split_letters(strokes: Strokes) -> list[list[int]]:
    """Split strokes of one line at gaps that are too wide for one letter; return the indices of each part.

    Raises:
        InkwiseError: A stroke is malformed.
    """
    points = to_stroke_arrays(strokes)
    return _split_line([*range(len(points))], points, _MIN_LETTER_GAP)


def _split_line(indices: list[int], points: list[NDArray[np.float64]], min_gap: float) -> list[list[int]]:
    """Split the strokes of a line at gaps between its digits, of at least `min_gap` heights."""
    found = group_strokes([points[index] for index in indices])
    groups = [[indices[position] for position in group] for group in found]
    outlines = [np.concatenate([points[index] for index in group]) for group in groups]
    heights = np.array([np.ptp(outline[:, 1]) for outline in outlines])
    max_gap = min_gap * float(np.median(heights[heights >= _MIN_TALL_HEIGHT * heights.max()]))
    numbers: list[list[int]] = []
    right = -np.inf
    for group, outline in zip(groups, outlines, strict=True):
        if numbers and outline[:, 0].min() - right <= max_gap:
            numbers[-1] += group
        else:
            numbers.append(group)
        right = max(right, outline[:, 0].max())
    return numbers


def _writing_height(boxes: NDArray[np.float64]) -> float:
    return float(np.quantile(boxes[:, 3], _TALL_QUANTILE))


def _bounding_box(boxes: NDArray[np.float64]) -> list[float]:
    low, high = boxes[:, :2].min(0), (boxes[:, :2] + boxes[:, 2:]).max(0)
    return [*low.tolist(), *(high - low).tolist()]
