"""From grey images and pen strokes to glyphs: binarization, layout, segmentation and normalization."""

import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.binarization import binarize
from inkwise.preprocessing.normalization import GLYPH_SIDE, inks_to_glyphs, to_glyphs
from inkwise.preprocessing.segmentation import Box, Character, main_character, segment_characters
from inkwise.preprocessing.strokes import Strokes, group_strokes, strokes_to_glyph

__all__ = [
    "GLYPH_SIDE",
    "Box",
    "Character",
    "Strokes",
    "binarize",
    "characters_to_glyphs",
    "group_strokes",
    "image_to_glyph",
    "inks_to_glyphs",
    "main_character",
    "segment_characters",
    "strokes_to_glyph",
    "to_glyphs",
]


def image_to_glyph(grey: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The (28, 28) uint8 glyph of a grey (H, W) uint8 picture of one digit, or None without ink."""
    character = main_character(binarize(grey))
    return None if character is None else np.asarray(to_glyphs(character.ink[None])[0])


def characters_to_glyphs(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The (n, 28, 28) uint8 glyphs of what stands apart in one line of ink (H, W) uint8, from the left."""
    found = sorted((one for line in segment_characters(ink) for one in line), key=lambda one: one.box[0])
    return inks_to_glyphs([one.ink for one in found])
