"""Shapes of the characters of a line: high ones, and strokes of uneven width."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.background import quantile
from inkwise.preprocessing.segmentation import Character

_MIN_CHARACTER_HEIGHT = 0.5  # minimum height of characters that are compared, relative to the highest
_MAX_STROKE_RATIO = 1.2  # maximum ratio of the thickest strokes of a line to its usual ones
_MIN_LINE_ASPECT = 1.5  # minimum ratio of width to height of a line that may be crossed out
_MIN_CROSSING = 0.75  # minimum length of a stroke that crosses it out, as a share of its width
_MAX_CROSSING_GAP = 2  # maximum gap in such a stroke, pixels of a line image
_MAX_USUAL_HEIGHT = 1.08  # maximum height of a character that is surely no slash, in heights of the others


def has_uneven_strokes(inks: Sequence[NDArray[np.uint8]]) -> bool:
    """Whether the strokes of one character are thicker than those of the others, as if it were corrected.

    Args:
        inks: (h, w) uint8, cropped to the ink of each character.
    """
    highest = max(map(len, inks), default=0)
    widths = [_stroke_width(ink) for ink in inks if len(ink) >= _MIN_CHARACTER_HEIGHT * highest]
    if len(widths) < 2:
        return False
    usual = quantile(np.array(widths), 0.5) if len(widths) > 2 else min(widths)
    return max(widths) > _MAX_STROKE_RATIO * usual


def is_crossed_out(ink: NDArray[np.uint8]) -> bool:
    """Whether a straight stroke runs through most of a line of ink (h, w) uint8 of several characters."""
    _, _, width, height = cv2.boundingRect((ink >= 128).astype(np.uint8))
    if width < _MIN_LINE_ASPECT * height:
        return False
    length = round(_MIN_CROSSING * width)
    lines = cv2.HoughLinesP(
        (ink >= 128).astype(np.uint8), 1, np.pi / 360, length // 2, None, length, _MAX_CROSSING_GAP
    )
    return lines is not None


def may_hold_slash(characters: Sequence[Character]) -> bool:
    """Whether a narrow character within the line is higher than usual, as a slash may be."""
    usual = quantile(np.array([character.box[3] for character in characters]), 0.5)
    return any(
        h > max(_MAX_USUAL_HEIGHT * usual, w) for _, _, w, h in (part.box for part in characters[1:-1])
    )


def _stroke_width(ink: NDArray[np.uint8]) -> float:
    """Mean stroke width of ink (h, w) uint8, pixels; across a stroke the distance to paper averages w/4."""
    mask = cv2.resize((ink >= 128).astype(np.uint8), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    framed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(framed, cv2.DIST_L2, 5)
    inside = distance[distance > 0]
    return max(2 * float(inside.mean()) - 1, 0.5) if inside.size else 0.5
