"""From grey images and pen strokes to glyphs: binarization, layout, segmentation and normalization."""

import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.binarization import separate
from inkwise.preprocessing.normalization import SIDE, inks_to_glyphs, to_glyphs
from inkwise.preprocessing.segmentation import Box, Character, characters, single
from inkwise.preprocessing.strokes import Strokes, group_strokes, stroke_glyph

__all__ = [
    "SIDE",
    "Box",
    "Character",
    "Strokes",
    "character_glyphs",
    "characters",
    "group_strokes",
    "inks_to_glyphs",
    "picture_glyph",
    "separate",
    "single",
    "stroke_glyph",
    "to_glyphs",
]


def picture_glyph(grey: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The (28, 28) uint8 glyph of a grey (H, W) uint8 picture of one digit, or None without ink."""
    character = single(separate(grey))
    return None if character is None else np.asarray(to_glyphs(character.ink[None])[0])


def character_glyphs(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The (n, 28, 28) uint8 glyphs of what stands apart in one line of ink (H, W) uint8, from the left."""
    found = sorted((one for line in characters(ink) for one in line), key=lambda one: one.box[0])
    return inks_to_glyphs([one.ink for one in found])
