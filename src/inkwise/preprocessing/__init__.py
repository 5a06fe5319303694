"""From grey images and pen strokes to glyphs: binarization, layout, segmentation and normalization."""

from itertools import chain

import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing.binarization import binarize
from inkwise.preprocessing.normalization import GLYPH_SIDE, inks_to_glyphs, to_glyphs
from inkwise.preprocessing.segmentation import (
    Box,
    Character,
    lone_character,
    main_character,
    segment_characters,
)
from inkwise.preprocessing.strokes import (
    Strokes,
    StrokeSource,
    group_strokes,
    strokes_to_glyph,
    strokes_to_glyphs,
    to_stroke_arrays,
)

__all__ = [
    "GLYPH_SIDE",
    "Box",
    "Character",
    "StrokeSource",
    "Strokes",
    "binarize",
    "characters_to_glyphs",
    "group_strokes",
    "image_to_glyph",
    "inks_to_glyphs",
    "lone_character",
    "main_character",
    "segment_characters",
    "strokes_to_glyph",
    "strokes_to_glyphs",
    "to_glyphs",
    "to_stroke_arrays",
]


def image_to_glyph(grey: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Normalize a grey image (H, W) uint8 of one digit to a glyph (28, 28) uint8, or None without ink."""
    character = main_character(binarize(grey))
    return None if character is None else inks_to_glyphs([character.ink])[0]


def characters_to_glyphs(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Segment a text line of ink (H, W) uint8 to glyphs (n, 28, 28) uint8, from left to right."""
    characters = sorted(chain(*segment_characters(ink)), key=lambda character: character.box[0])
    return inks_to_glyphs([character.ink for character in characters])
