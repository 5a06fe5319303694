"""The digits of a line's text: where they are written, and how probable each of them is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise._util.text import DIGITS, NOT_A_DIGIT, digits_of
from inkwise.preprocessing import GLYPH_SIDE, Box, inks_to_glyphs
from inkwise.preprocessing.line_image import LINE_HEIGHT
from inkwise.recognition.ctc.decoding import Lattice, merge_into_blank, symbol_posteriors, text_columns
from inkwise.recognition.model import FRAME_COLUMNS
from inkwise.recognition.reading import Digit

_MAX_DIGIT_REACH = 18  # columns that a digit extends at most beyond its frames


def digit_posteriors(lattice: Lattice, text: str) -> NDArray[np.float64]:
    """Return the probabilities (n, 10) of the ten digits at each of the n digits of a text, given the others.

    A row sums to 1 minus the probability that there is no digit.
    """
    if not (digits := digits_of(text)):
        return np.zeros((0, len(DIGITS)))
    return symbol_posteriors(merge_into_blank(lattice, len(DIGITS)), text_columns(digits, DIGITS))


def locate_digits(
    image: NDArray[np.uint8],
    text: str,
    aligned: Sequence[tuple[int, int]],
    posteriors: NDArray[np.float64],
    min_probability: float,
) -> tuple[Digit, ...]:
    """Return the digits of a text with boxes in the line image, but without glyphs.

    Args:
        image: (48, w) uint8, the line image.
        text: what was read.
        aligned: first and last frame of each symbol of the text.
        posteriors: (n, 10) float64, of `digit_posteriors`.
        min_probability: of a digit that is not in doubt.
    """
    labels = digits_of(text)
    if not labels:
        return ()
    spans = [
        (FRAME_COLUMNS * first + FRAME_COLUMNS // 2, FRAME_COLUMNS * (last + 1) + FRAME_COLUMNS // 2)
        for first, last in aligned
    ]
    spans = [span for span, symbol in zip(_expand_spans(image, spans), text, strict=True) if symbol in DIGITS]
    boxes = [_ink_box(image, left, right) for left, right in spans]
    blank = np.zeros((GLYPH_SIDE, GLYPH_SIDE), np.uint8)
    digits = []
    for label, row, box in zip(labels, posteriors, boxes, strict=True):
        order = np.argsort(-row, kind="stable")
        alternatives = tuple((DIGITS[index], float(row[index])) for index in order)
        probability = float(row[DIGITS.index(label)])
        accepted = probability >= min_probability
        other = next(digit for digit, _ in alternatives if digit != label)
        is_digit = row.sum() >= 0.5  # else it is more likely that there is no digit at this position
        doubt = None if accepted else f"{label} or {other}" if is_digit else NOT_A_DIGIT
        digits.append(Digit(label, probability, accepted, doubt, alternatives, box, None, blank))
    return tuple(digits)


def with_box_glyphs(digits: Sequence[Digit], image: NDArray[np.uint8]) -> tuple[Digit, ...]:
    """Return digits with glyphs of the ink in their boxes, pixels of a line image (48, w) uint8."""
    boxes = [digit.box for digit in digits if digit.box]
    glyphs = inks_to_glyphs([image[y : y + h, x : x + w] for x, y, w, h in boxes])
    return tuple(replace(digit, glyph=glyph) for digit, glyph in zip(digits, glyphs, strict=True))


def _expand_spans(image: NDArray[np.uint8], spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Expand the columns of the frames of digits to those of their ink: to gaps, or to the thinnest ink."""
    width = image.shape[1]
    ink = image.astype(np.float64).sum(0)
    cuts = []
    for (_, last), (first, _) in pairwise(spans):
        low = min(max(last, 1), width - 2)
        high = max(min(first, width - 1), low + 1)
        cuts.append(low + int(ink[low:high].argmin()))
    lefts = [max(0, min(spans[0][0], width - 1) - _MAX_DIGIT_REACH), *cuts]
    rights = [*cuts, min(width, max(spans[-1][1], 1) + _MAX_DIGIT_REACH)]
    return [
        _trim_to_gaps(ink, left, right, (first + last) // 2)
        for left, right, (first, last) in zip(lefts, rights, spans, strict=True)
    ]


def _trim_to_gaps(ink: NDArray[np.float64], left: int, right: int, centre: int) -> tuple[int, int]:
    """Reduce a span to the columns between the gaps nearest to the centre of its digit."""
    inked = np.flatnonzero(ink[left:right] >= 128) + left
    if len(inked):  # the frames of a digit may lie beside it
        centre = int(inked[np.abs(inked - centre).argmin()])
    centre = min(max(centre, left), right - 1)
    empty = np.flatnonzero(ink[left:right] < 128) + left
    before, after = empty[empty < centre], empty[empty > centre]
    return (int(before[-1]) + 1 if len(before) else left), (int(after[0]) if len(after) else right)


def _ink_box(image: NDArray[np.uint8], left: int, right: int) -> Box:
    """Return the box of the ink in some columns; all of them if their ink is pale."""
    right = max(right, left + 1)
    x, y, w, h = cv2.boundingRect((image[:, left:right] >= 128).astype(np.uint8))
    return (left + x, y, w, h) if w else (left, 0, right - left, LINE_HEIGHT)
