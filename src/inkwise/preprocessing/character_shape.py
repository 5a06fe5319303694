"""Shapes of the characters of a line: slashes between digits, and strokes of uneven width."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.background import quantile
from inkwise.preprocessing.segmentation import Character

_MIN_CHARACTER_HEIGHT = 0.5  # minimum height of characters that are compared, relative to the highest
_MAX_STROKE_RATIO = 1.25  # maximum ratio of the thickest strokes of a line to its usual ones
_MIN_SLASH_HEIGHT = 1.15  # minimum height of a slash, in heights of the digits beside it
_MAX_USUAL_HEIGHT = 1.08  # maximum height of a character that is surely no slash, in heights of the others
_MIN_SLASH_SLOPE, _MAX_SLASH_SLOPE = 0.25, 1.3  # ratio of width to height of a slash
_MIN_STRAIGHTNESS = 0.97  # minimum correlation of the coordinates of a straight stroke


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


def find_slashes(characters: Sequence[Character]) -> list[bool]:
    """Tell which characters of a line are slashes between digits: straight, oblique and high."""
    if len(characters) < 3:  # a slash stands between digits
        return [False] * len(characters)
    straight = [_is_oblique(character) for character in characters]
    heights = [
        character.box[3] for character, oblique in zip(characters, straight, strict=True) if not oblique
    ]
    usual = quantile(np.array(heights), 0.5) if heights else np.inf
    inner = range(1, len(characters) - 1)
    return [
        index in inner and straight[index] and characters[index].box[3] >= _MIN_SLASH_HEIGHT * usual
        for index in range(len(characters))
    ]


def _is_oblique(character: Character) -> bool:
    """Whether a character is one straight stroke that rises to the right."""
    _, _, width, height = character.box
    if not _MIN_SLASH_SLOPE * height <= width <= _MAX_SLASH_SLOPE * height:
        return False
    y, x = np.nonzero(character.ink >= 128)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return False
    return bool(np.corrcoef(x, y)[0, 1] <= -_MIN_STRAIGHTNESS)


def _stroke_width(ink: NDArray[np.uint8]) -> float:
    """Mean stroke width of ink (h, w) uint8, pixels; across a stroke the distance to paper averages w/4."""
    mask = cv2.resize((ink >= 128).astype(np.uint8), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    framed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(framed, cv2.DIST_L2, 5)
    return max(2 * float(distance[distance > 0].mean()) - 1, 0.5)
