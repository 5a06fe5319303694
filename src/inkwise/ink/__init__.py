"""Marks become glyphs: files, arrays and strokes, through one normalisation."""

import numpy as np
from numpy.typing import NDArray

from inkwise.ink.decode import SUFFIXES, Picture, decode
from inkwise.ink.documents import DOCUMENT_SUFFIXES, Document, Page, pages
from inkwise.ink.glyph import SIDE, inks_to_glyphs, to_glyphs
from inkwise.ink.segment import Box, Character, characters, single
from inkwise.ink.separate import separate
from inkwise.ink.strokes import Strokes, group_strokes, stroke_glyph

__all__ = [
    "DOCUMENT_SUFFIXES",
    "SIDE",
    "SUFFIXES",
    "Box",
    "Character",
    "Document",
    "Page",
    "Picture",
    "Strokes",
    "character_glyphs",
    "characters",
    "decode",
    "group_strokes",
    "inks_to_glyphs",
    "pages",
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
