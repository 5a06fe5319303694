"""Pairs of neighbours, found by sorting: all pairs of a picture's components may not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

CHUNK_PAIRS = 1 << 20
"""Maximum number of pairs that are held at once, unless one interval has more; bounds the memory."""


def pairs_within(
    low: NDArray[np.number], high: NDArray[np.number], values: NDArray[np.number]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the indices of each interval and of each value within it, ends included, in chunks.

    Args:
        low: (n,) lower ends of the intervals.
        high: (n,) their upper ends.
        values: (m,) the values.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.searchsorted(ordered, low, "left")
    counts = np.maximum(np.searchsorted(ordered, high, "right") - first, 0)
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        before = int(ends[start] - counts[start])
        stop = max(start + 1, int(np.searchsorted(ends, before + CHUNK_PAIRS, "right")))
        chunk = slice(start, stop)
        one = np.repeat(np.arange(start, stop), counts[chunk])
        shift = first[chunk] - (ends[chunk] - counts[chunk] - before)
        yield one, order[np.arange(len(one)) + np.repeat(shift, counts[chunk])]
        start = stop


def merge_groups(
    groups: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Merge the groups (n,) of each pair of members; the result is numbered from 0.

    Each group takes the lowest number that it reaches, until no pair is of two groups.
    """
    parent = np.arange(groups.max(initial=-1) + 1)
    one, other = groups[one], groups[other]
    while len(one):
        low, high = np.minimum(one, other), np.maximum(one, other)
        np.minimum.at(parent, high, low)
        while ((root := parent[parent]) != parent).any():
            parent = root
        one, other = parent[one], parent[other]
        apart = one != other
        one, other = one[apart], other[apart]
    return renumber(parent[groups])


def renumber(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number groups (n,) from 0, in the order of their numbers; np.unique would import masked arrays."""
    return (np.cumsum(np.bincount(groups) > 0) - 1)[groups]
