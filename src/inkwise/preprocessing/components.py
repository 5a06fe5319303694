"""Connected components of a page's ink, and the grouping of neighbours on a text line."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.ruling_lines import RuledInk

_MIN_HEIGHT = 6  # minimum height of a component, pixels
_MAX_HEIGHT_RATIO = 2.4  # maximum ratio of the heights of neighbouring digits
_MAX_PUNCTUATION_GAP = 0.45  # maximum gap between a digit and a dot or dash, in digit heights
_MAX_DARKNESS_RATIO = 2.2  # maximum ratio of the darkness of neighbours; stains are paler than writing
_MIN_VERTICAL_OVERLAP = 0.4  # minimum vertical overlap of neighbours, as a share of the lower one's height
_MAX_COMB_CELL_WIDTH = 1.8  # maximum cell width of a digit comb, in digit heights; wider cells are a table's
_COMB_WALL_OVERLAP = 0.5  # minimum vertical overlap of adjacent walls of a comb, as a share of their height
_COMB_TOLERANCE = 0.25  # maximum difference of the tops and heights of adjacent cells, in their heights
_MAX_COMB_GAP = 0.6  # maximum gap of adjacent cells, in their widths
_MAX_COMB_ASPECT = 1.3  # maximum ratio of width to height of a cell of a comb
_AXIS_TOLERANCE = 0.1  # tangent of the angle up to which an edge counts as horizontal or vertical


@dataclass(frozen=True, eq=False)
class Components:
    """Connected components of the height of a digit, and the small ones of punctuation.

    Attributes:
        labels: (H, W) int32, label of the component at each pixel, 0 for background.
        numbers: (n,) labels of the components.
        boxes: (n, 4) int64, x, y, w, h.
        small: (m,) labels of the components below the minimum height.
        small_boxes: (m, 4) int64, x, y, w, h.
        axis_aligned: (n,) share of the edge that is horizontal or vertical.
        edge: (n,) length of the edge, pixels.
        area: (n,) area, pixels.
        darkness: (n,) mean darkness of the ink, 0..255.
    """

    labels: NDArray[np.int32]
    numbers: NDArray[np.int64]
    boxes: NDArray[np.int64]
    small: NDArray[np.int64]
    small_boxes: NDArray[np.int64]
    axis_aligned: NDArray[np.float64]
    edge: NDArray[np.float64]
    area: NDArray[np.float64]
    darkness: NDArray[np.float64]


def find_components(found: RuledInk) -> Components:
    """Find the connected components of a page's ink; gaps of one pixel are closed."""
    joined = cv2.morphologyEx(found.ink, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    heights, is_ink = stats[:, cv2.CC_STAT_HEIGHT], np.arange(count) > 0
    tall = np.flatnonzero(is_ink & (heights >= _MIN_HEIGHT))
    small = np.flatnonzero(is_ink & (heights < _MIN_HEIGHT) & (stats[:, cv2.CC_STAT_AREA] >= 4))
    y, x = np.nonzero(cv2.subtract(joined, cv2.erode(joined, np.ones((3, 3), np.uint8))))
    across, down = cv2.spatialGradient(found.dark)
    gx, gy = np.abs(across[y, x].astype(np.int32)), np.abs(down[y, x].astype(np.int32))
    of = labels[y, x]
    edge = np.bincount(of, minlength=count)
    straight = np.bincount(of[np.minimum(gx, gy) <= _AXIS_TOLERANCE * np.maximum(gx, gy)], minlength=count)
    area = stats[:, cv2.CC_STAT_AREA]
    inked = found.ink > 0
    own = labels[inked]
    darkness = np.bincount(own, found.dark[inked], count) / np.maximum(np.bincount(own, minlength=count), 1)
    return Components(
        labels,
        tall,
        stats[tall, :4].astype(np.int64),
        small,
        stats[small, :4].astype(np.int64),
        straight[tall] / np.maximum(edge[tall], 1),
        edge[tall].astype(np.float64),
        area[tall].astype(np.float64),
        darkness[tall],
    )


def join_neighbours(
    parts: Components,
    groups: NDArray[np.int64],
    kinds: NDArray[np.integer],
    vertical_rules: NDArray[np.int32],
    gap: float,
) -> NDArray[np.int64]:
    """Merge the groups of neighbours on a text line.

    Args:
        parts: n components.
        groups: (n,) group of each box before the merge.
        kinds: (n,) only neighbours of the same kind are merged.
        vertical_rules: (m, 4) boxes of vertical rules; walls of table cells separate neighbours.
        gap: maximum gap between neighbours, in heights of the higher one.

    Returns:
        (n,) group of each box, numbered from 0.
    """
    boxes, order = parts.boxes, np.argsort(parts.boxes[:, 0], kind="stable")
    left, top, width, height = boxes[order].T
    right, bottom = left + width, top + height
    reach = np.searchsorted(left, right + gap * _MAX_HEIGHT_RATIO * height, "right")
    counts = np.maximum(reach - np.arange(len(order)) - 1, 0)
    one = np.repeat(np.arange(len(order)), counts)
    other = one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(counts) - counts, counts)
    high, low = np.maximum(height[one], height[other]), np.minimum(height[one], height[other])
    beside = np.minimum(bottom[one], bottom[other]) - np.maximum(top[one], top[other])
    between = left[other] - right[one]
    gaps = np.where(high <= _MAX_HEIGHT_RATIO * low, gap, min(gap, _MAX_PUNCTUATION_GAP)) * high
    shade = np.log(np.maximum(parts.darkness, 1))
    near = (
        (between <= gaps)
        & (beside >= _MIN_VERTICAL_OVERLAP * low)
        & (kinds[order[one]] == kinds[order[other]])
        & (np.abs(shade[order[one]] - shade[order[other]]) <= np.log(_MAX_DARKNESS_RATIO))
    )
    one, other = one[near], other[near]
    free = ~_separated_by_rule(boxes[order[one]], boxes[order[other]], vertical_rules)
    return _merge_groups(groups, order[one[free]], order[other[free]])


def join_combs(
    parts: Components, groups: NDArray[np.int64], cells: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Merge the groups in adjacent cells (m, 4) of a comb, a row of boxes with a digit each.

    Returns:
        (n,) group of each box, numbered from 0; and whether each group stands in a comb.
    """
    in_comb = np.zeros(len(groups), bool)
    middles = parts.boxes[:, :2] + parts.boxes[:, 2:] / 2
    low, high = cells[:, :2], cells[:, :2] + cells[:, 2:]
    inside = ((middles[:, None] >= low) & (middles[:, None] <= high)).all(2)  # (n, m)
    x, y, w, h = cells.T.astype(np.float64)
    gap = np.maximum.outer(x, x) - np.minimum.outer(x + w, x + w)
    row = (np.abs(y[:, None] - y) <= _COMB_TOLERANCE * h) & (np.abs(h[:, None] - h) <= _COMB_TOLERANCE * h)
    comb = row & (gap <= _MAX_COMB_GAP * w) & (w <= _MAX_COMB_ASPECT * h) & (x[:, None] != x)
    one, other = np.nonzero(inside.astype(int) @ comb @ inside.T.astype(int))
    in_comb[one] = True
    joined = _merge_groups(groups, one, other)
    return joined, np.bincount(joined, in_comb) == np.bincount(joined)


def _separated_by_rule(
    one: NDArray[np.int64], other: NDArray[np.int64], vertical_rules: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Whether a rule separates each pair of boxes (n, 4); walls of combs and squared paper do not."""
    if not len(vertical_rules):
        return np.zeros(len(one), bool)
    x, top, width, length = vertical_rules.T
    middle, bottom = x + width / 2, top + length
    apart = np.abs(np.subtract.outer(middle, middle))
    overlap = np.minimum.outer(bottom, bottom) - np.maximum.outer(top, top)
    apart[(overlap < _COMB_WALL_OVERLAP * length[:, None]) | (apart < 6)] = np.inf
    wide = apart.min(1)[:, None] > _MAX_COMB_CELL_WIDTH * np.maximum(one[:, 3], other[:, 3])  # (rules, n)
    centre = (one[:, 1] + one[:, 3] / 2 + other[:, 1] + other[:, 3] / 2) / 2
    between = (one[:, 0] + one[:, 2] - 3 <= middle[:, None]) & (middle[:, None] <= other[:, 0] + 3)
    beside = (top[:, None] <= centre) & (centre <= bottom[:, None])
    return (between & beside & wide).any(0)


def _merge_groups(
    groups: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Merge the groups of each pair of boxes by union-find; groups (n,) are numbered from 0."""
    parent = list(range(int(groups.max(initial=-1)) + 1))

    def root(group: int) -> int:
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    for a, b in zip(groups[one].tolist(), groups[other].tolist(), strict=True):
        parent[root(a)] = root(b)
    return renumber(np.array([root(group) for group in groups.tolist()], np.int64))


def renumber(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number groups (n,) from 0, in the order of their numbers; np.unique would import masked arrays."""
    return (np.cumsum(np.bincount(groups) > 0) - 1)[groups]
