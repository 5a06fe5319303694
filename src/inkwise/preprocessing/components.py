"""Connected components of a page's ink, and the grouping of neighbours on a text line."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.pairs import merge_groups, pairs_within
from inkwise.preprocessing.ruling_lines import RuledInk

MAX_COMPONENTS = 20_000
"""Maximum number of components of the height of a digit; a dense page of print has half as many."""

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
        small_centres: (m, 2) float64, x and y of their centres, sorted by y.
        axis_aligned: (n,) share of the edge that is horizontal or vertical.
        edge: (n,) length of the edge, pixels.
        area: (n,) area, pixels.
        darkness: (n,) mean darkness of the ink, 0..255.
    """

    labels: NDArray[np.int32]
    numbers: NDArray[np.int64]
    boxes: NDArray[np.int64]
    small: NDArray[np.int64]
    small_centres: NDArray[np.float64]
    axis_aligned: NDArray[np.float64]
    edge: NDArray[np.float64]
    area: NDArray[np.float64]
    darkness: NDArray[np.float64]

    def select(self, chosen: NDArray[np.bool_]) -> Components:
        """Some of the components (n,), with all small ones."""
        names = "numbers", "boxes", "axis_aligned", "edge", "area", "darkness"
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})


def find_components(found: RuledInk) -> Components:
    """Find the connected components of a page's ink; gaps of one pixel are closed.

    Of more than MAX_COMPONENTS, the highest are kept.
    """
    joined = cv2.morphologyEx(found.ink, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    heights, is_ink = stats[:, cv2.CC_STAT_HEIGHT], np.arange(count) > 0
    tall = np.flatnonzero(is_ink & (heights >= _MIN_HEIGHT))
    if len(tall) > MAX_COMPONENTS:
        tall = np.sort(tall[np.argsort(-heights[tall], kind="stable")[:MAX_COMPONENTS]])
    small = np.flatnonzero(is_ink & (heights < _MIN_HEIGHT) & (stats[:, cv2.CC_STAT_AREA] >= 4))
    centres = stats[small, :2] + stats[small, 2:4] / 2
    by_row = np.argsort(centres[:, 1], kind="stable")
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
        small[by_row],
        centres[by_row],
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
    boxes = parts.boxes
    left, top, width, height = boxes.T
    right, bottom = left + width, top + height
    shade = np.log(np.maximum(parts.darkness, 1))
    spacing = _rule_spacing(vertical_rules)
    for one, other in pairs_within(top, bottom, top):
        swapped = left[other] < left[one]
        one, other = np.where(swapped, other, one), np.where(swapped, one, other)
        high, low = np.maximum(height[one], height[other]), np.minimum(height[one], height[other])
        beside = np.minimum(bottom[one], bottom[other]) - np.maximum(top[one], top[other])
        gaps = np.where(high <= _MAX_HEIGHT_RATIO * low, gap, min(gap, _MAX_PUNCTUATION_GAP)) * high
        near = (
            (left[other] - right[one] <= gaps)
            & (beside >= _MIN_VERTICAL_OVERLAP * low)
            & (kinds[one] == kinds[other])
            & (np.abs(shade[one] - shade[other]) <= np.log(_MAX_DARKNESS_RATIO))
            & (one != other)
        )
        one, other = one[near], other[near]
        free = ~_separated_by_rule(boxes[one], boxes[other], vertical_rules, spacing)
        groups = merge_groups(groups, one[free], other[free])
    return groups


def join_combs(
    parts: Components, groups: NDArray[np.int64], cells: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Merge the groups in adjacent cells (m, 4) of a comb, a row of boxes with a digit each.

    Returns:
        (n,) group of each box, numbered from 0; and whether each group stands in a comb.
    """
    x, y, w, h = cells.T.astype(np.float64)
    column, row = (parts.boxes[:, :2] + parts.boxes[:, 2:] / 2).T
    content = np.full(len(cells), -1)  # one component of each cell
    inside = []
    for cell, part in pairs_within(y, y + h, row):
        within = (x[cell] <= column[part]) & (column[part] <= (x + w)[cell])
        inside.append((cell[within], part[within]))
        content[cell[within]] = part[within]
    in_row, adjacent = np.zeros((2, len(cells)), bool)
    for other, one in pairs_within(y - _COMB_TOLERANCE * h, y + _COMB_TOLERANCE * h, y):
        gap = np.maximum(x[one], x[other]) - np.minimum((x + w)[one], (x + w)[other])
        comb = (np.abs(h[one] - h[other]) <= _COMB_TOLERANCE * h[other]) & (gap <= _MAX_COMB_GAP * w[other])
        comb &= (w[other] <= _MAX_COMB_ASPECT * h[other]) & (x[one] != x[other])
        comb &= (content[one] >= 0) & (content[other] >= 0)
        one, other = one[comb], other[comb]
        in_row[one] = adjacent[one] = adjacent[other] = True
        groups = merge_groups(groups, content[one], content[other])
    in_comb = np.zeros(len(groups), bool)
    for cell, part in inside:
        in_comb[part[in_row[cell]]] = True
        groups = merge_groups(groups, content[cell[adjacent[cell]]], part[adjacent[cell]])
    return groups, np.bincount(groups, in_comb) == np.bincount(groups)


def _rule_spacing(vertical_rules: NDArray[np.int32]) -> NDArray[np.float64]:
    """Distance (m,) of each vertical rule to the nearest one beside it; infinite without such a rule."""
    x, top, width, length = vertical_rules.T
    middle, bottom = x + width / 2, top + length
    spacing = np.full(len(x), np.inf)
    for one, other in pairs_within(top, bottom, top):
        overlap = np.minimum(bottom[one], bottom[other]) - np.maximum(top[one], top[other])
        apart = np.abs(middle[one] - middle[other])
        for rule in (one, other):
            beside = (overlap >= _COMB_WALL_OVERLAP * length[rule]) & (apart >= 6)
            np.minimum.at(spacing, rule[beside], apart[beside])
    return spacing


def _separated_by_rule(
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    vertical_rules: NDArray[np.int32],
    spacing: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Whether a rule separates each pair of boxes (n, 4); walls of combs and squared paper do not."""
    x, top, width, length = vertical_rules.T
    least = _MAX_COMB_CELL_WIDTH * np.maximum(one[:, 3], other[:, 3])
    centre = (one[:, 1] + one[:, 3] / 2 + other[:, 1] + other[:, 3] / 2) / 2
    separated = np.zeros(len(one), bool)
    for pair, rule in pairs_within(one[:, 0] + one[:, 2] - 3, other[:, 0] + 3, x + width / 2):
        beside = (top[rule] <= centre[pair]) & (centre[pair] <= top[rule] + length[rule])
        separated[pair[beside & (spacing[rule] > least[pair])]] = True
    return separated
