"""Marks become glyphs: files, arrays and strokes, through one normalisation."""

import numpy as np
from numpy.typing import NDArray

from inkwise.ink.decode import SUFFIXES, Picture, decode
from inkwise.ink.documents import DOCUMENT_SUFFIXES, Document, Page, pages
from inkwise.ink.glyph import SIDE, to_glyphs
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
    "characters",
    "decode",
    "group_strokes",
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
