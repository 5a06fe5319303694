"""Shapes of the characters of a line: high ones, and strokes of uneven width."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.background import quantile
from inkwise.preprocessing.segmentation import Character

_MIN_CHARACTER_HEIGHT = 0.5  # minimum height of characters that are compared, relative to the highest
_MAX_STROKE_RATIO = 1.25  # maximum ratio of the thickest strokes of a line to its usual ones
_MAX_USUAL_HEIGHT = 1.08  # maximum height of a character that is surely no slash, in heights of the others


def has_uneven_strokes(characters: Sequence[Character]) -> bool:
    """Whether the strokes of one character are thicker than those of the others, as if it were corrected."""
    highest = max((character.box[3] for character in characters), default=0)
    widths = [
        _stroke_width(character.ink)
        for character in characters
        if character.box[3] >= _MIN_CHARACTER_HEIGHT * highest
    ]
    if len(widths) < 2:
        return False
    usual = quantile(np.array(widths), 0.5) if len(widths) > 2 else min(widths)
    return max(widths) > _MAX_STROKE_RATIO * usual


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
    return max(2 * float(distance[distance > 0].mean()) - 1, 0.5)
