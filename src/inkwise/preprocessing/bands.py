"""Bands of the opposite polarity: parts of a picture in which paper and ink have swapped brightness."""

from __future__ import annotations

from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.background import downscale, quantile

_SIDE = 256  # longer side at which edges of bands are found, pixels
_MIN_STEP = 60  # minimum change of brightness at the edge of a band, grey levels
_MIN_EDGE_SHARE = 0.75  # minimum share of the edge along which the brightness changes by as much
_EDGE_END = 0.12  # share of the edge, at both ends, along which it changes everywhere; a 0 is round
_MAX_BLUR = 0.015  # maximum width of a blurred edge, as a share of the picture's width
_MIN_WIDTH = 0.08  # minimum width of a band, as a share of the picture's width; lines are narrower
_MIN_INNER_WIDTH = 0.3  # minimum width of a band between others, or of one of two; strokes are narrower
_MIN_CONTRAST = 128  # minimum difference between the papers of a pair of bands and of the middle, grey levels
_MIN_INK_SHARE = 0.01  # minimum share of a band that is ink
_MAX_INK_SHARE = 0.45  # maximum share of it
_MIN_ONE_SIDED = 0.9  # minimum share of a band's ink on one side of its paper: all darker, or all lighter


def unify_polarity(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undo the inversion of bands across a picture (H, W) uint8, or return it as it is.

    A band reaches from side to side. At its edge nearly every row (or column) changes its brightness, and its
    ink is lighter than its paper where that of the band beside it is darker; a pair of bands on opposite
    sides may also be without ink. The result is light on dark: the distance of each pixel from the paper of
    its band.
    """
    for axis in (1, 0):
        lines = grey if axis else grey.T
        parts = np.split(lines, _band_edges(lines), axis=1)
        bands, edges = parts[::2], parts[1::2]
        widths = [band.shape[1] / lines.shape[1] for band in bands]
        inner = widths[1:-1] or widths
        if not edges or min(widths) < _MIN_WIDTH or min(inner) < _MIN_INNER_WIDTH:
            continue
        papers = [round(quantile(band, 0.5)) for band in bands]
        if _are_inverted([*map(_ink_sign, bands, papers)], papers):
            off = [cv2.absdiff(*pair) for pair in zip(bands, map(np.full_like, bands, papers), strict=True)]
            # A blurred edge is neither paper nor ink: strokes go on across it.
            across = (
                np.repeat(np.maximum(left[:, -1:], right[:, :1]), edge.shape[1], axis=1)
                for left, right, edge in zip(off, off[1:], edges, strict=False)
            )
            unified = np.hstack([off[0], *chain(*zip(across, off[1:], strict=True))])
            return np.ascontiguousarray(unified if axis else unified.T)
    return grey


def _band_edges(grey: NDArray[np.uint8]) -> list[int]:
    """First columns of edges from top to bottom, and of the bands after them; a sharp edge is empty."""
    small = downscale(grey, _SIDE / max(grey.shape)).astype(np.int16)
    apart = 1 + round(_MAX_BLUR * small.shape[1])
    steps = np.abs(small[:, apart:] - small[:, :-apart]) >= _MIN_STEP
    end = max(1, round(_EDGE_END * len(steps)))
    straight = (steps.mean(0) >= _MIN_EDGE_SHARE) & steps[:end].all(0) & steps[-end:].all(0)
    runs = np.flatnonzero(np.diff(np.concatenate([[False], straight, [False]]))).reshape(-1, 2)
    scale = grey.shape[1] / small.shape[1]
    # The run of a sharp edge is as long as the distance of the compared columns; blur changes its length.
    middle, blur = runs.mean(1) + apart / 2, np.abs(np.diff(runs)[:, 0] - apart)
    return np.rint(scale * np.stack([middle - blur, middle + blur], axis=1)).astype(int).ravel().tolist()


def _ink_sign(band: NDArray[np.uint8], paper: int) -> int | None:
    """Sign of the ink of a band: 1 lighter than its paper, -1 darker, 0 without ink; None if both."""
    off = band.astype(np.int16) - paper
    lighter, darker = (np.count_nonzero(sign * off >= _MIN_STEP) / off.size for sign in (1, -1))
    if max(lighter, darker) < _MIN_INK_SHARE:
        return 0
    if lighter + darker > _MAX_INK_SHARE or max(lighter, darker) < _MIN_ONE_SIDED * (lighter + darker):
        return None
    return 1 if lighter > darker else -1


def _are_inverted(signs: list[int | None], papers: list[int]) -> bool:
    """Whether bands of these signs of ink and these papers have both polarities, or enclose ink as a pair."""
    if None in signs:
        return False
    first, middle, last = papers[0], papers[len(papers) // 2], papers[-1]
    paired = (
        len(papers) == 3 and signs[1] != 0 and min(abs(first - middle), abs(last - middle)) >= _MIN_CONTRAST
    )
    return paired or {-1, 1} <= {*signs}
