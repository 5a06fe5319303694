"""Regions: the ink of one number or digit of a picture, read as a line and character by character."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from inkwise._util.text import DIGITS, NOT_A_DIGIT
from inkwise.preprocessing import Character, inks_to_glyphs, segment_characters
from inkwise.preprocessing.character_shape import has_uneven_strokes, is_crossed_out, may_hold_slash
from inkwise.preprocessing.layout import Region
from inkwise.preprocessing.line_image import LineImage, to_line_image
from inkwise.recognition.digit_reader import DigitReader
from inkwise.recognition.number_reader import (
    UNREAD_MARK,
    LineReading,
    NumberReader,
    line_number,
    with_boxes,
)
from inkwise.recognition.reading import Number, digits_text

UNSURE = "not sure: the line and its characters read differently"
CROSSED_OUT = "not sure: a stroke runs through the digits, as if they were crossed out"
CORRECTED = "not sure: a digit is thicker than the others, as if it were corrected"
"""Reasons why a number is not accepted."""

_MAX_LINE_WIDTH = 680  # columns of a line image, some 25 digits; longer writing is not a number
_MAX_DIGIT_ASPECT = 1.2  # maximum ratio of width to height of ink that may be a digit alone
_WORD_SHARE = 0.5  # maximum probability of the text of a word, relative to its characters' of being no digits
_MIN_EQUAL_HEIGHT = 0.6  # minimum height of digits that the line reader missed, in heights of the highest
_MIN_AGREEMENT = 0.5  # minimum probability, by the digit alone, of each digit that the line reader found
_MIN_WIDE_GAP = 0.1  # minimum gap of digits that stand apart without doubt, in heights of the highest


@dataclass(frozen=True, eq=False)
class RegionReader:
    """Reads the number of a region as a line, or its only digit as a digit."""

    digits: DigitReader
    numbers: NumberReader

    def read_words(self, region: Region) -> list[tuple[Region, Number | None]]:
        """Read a region; if it is no number, its words one by one, as of a label and the number beside it."""
        number = self.read(region)
        if number is not None and number.reason != NOT_A_DIGIT:
            return [(region, number)]
        words = region.words()
        if len(words) == 1:
            return [(region, number)]
        return [(word, self.read(word)) for word in words]

    def read(self, region: Region) -> Number | None:
        """Read one region; None if it is too long for a number, or a word rather than a number."""
        characters = sorted(chain(*segment_characters(region.ink)), key=lambda character: character.box[0])
        if self.digits.model.reads_letters:
            return self._read_apart(region, characters) if characters else None
        if region.in_comb and len(characters) > 1:  # one digit a box
            return self._read_apart(region, characters)
        _, _, width, height = region.box
        single = None
        if len(characters) == 1 and width <= _MAX_DIGIT_ASPECT * height:
            single = self.read_digit(region)
            if single is not None and single.reason is None:
                return single
        image = to_line_image(region.ink)
        if image is None or image.ink.shape[1] > _MAX_LINE_WIDTH:
            return single
        glyphs = inks_to_glyphs([character.ink for character in characters])
        alone = self.digits.digit_probabilities(glyphs)
        line = self.numbers.read_line(image.ink, singles=alone)
        if line.is_word and len(characters) > 1:
            return None
        if not line.digits or len(line.text or "") == 1:
            return self._read_missed(region, characters) or single or self.read_digit(region)
        if single is not None and single.confidence > line.probability:
            return single
        if line.reason and len(alone) and line.probability < _WORD_SHARE * (1 - alone.sum(1).mean()):
            return None
        return self._read_line(region, characters, alone, image, line)

    def read_digit(self, region: Region) -> Number | None:
        """Read the main character of a region; None if there is none."""
        digit = self.digits.main_digit_of_ink(region.ink)
        if digit is None:
            return None
        return Number.from_digits(with_boxes((digit,), region.to_image), region.line)

    def _read_apart(self, region: Region, characters: Sequence[Character]) -> Number:
        digits = tuple(self.digits.read_characters(list(characters)))
        return Number.from_digits(with_boxes(digits, region.to_image), region.line)

    def _read_missed(self, region: Region, characters: Sequence[Character]) -> Number | None:
        """Read the high characters of a line in which no number is found; None if none of them is a digit."""
        highest = max((character.box[3] for character in characters), default=0)
        number = self._read_apart(
            region, [part for part in characters if part.box[3] >= _MIN_EQUAL_HEIGHT * highest]
        )
        if len(number.digits) < 2 or not any(digit.accepted for digit in number.digits):
            return None
        return replace(number, text=digits_text(number.digits), confidence=0.0, reason=UNSURE)

    def _read_line(
        self,
        region: Region,
        characters: Sequence[Character],
        alone: NDArray[np.float32],
        image: LineImage,
        line: LineReading,
    ) -> Number:
        """The number of a line; not accepted if its shape or the digits that stand apart speak against it.

        `alone` holds the digit probabilities (n, 10) of the characters.
        """
        crops = [image.ink[y : y + h, x : x + w] for x, y, w, h in (d.box for d in line.digits if d.box)]
        uneven = has_uneven_strokes([part.ink for part in characters]) or has_uneven_strokes(crops)
        apart = _stand_apart(characters) and not uneven and not may_hold_slash(characters)
        if line.reason and line.reason != UNREAD_MARK and apart:
            number = self._read_apart(region, characters)
            if number.accepted and number.text == line.text:
                return number
        digits = with_boxes(line.digits, lambda box: region.to_image(image.box(*box)))
        number = line_number(line, digits, region.line)
        if not number.accepted:
            return number
        if uneven:
            return replace(number, reason=CORRECTED)
        if is_crossed_out(image.ink):
            return replace(number, reason=CROSSED_OUT)
        if len(characters) == len(line.digits):
            labels = [DIGITS.index(digit.label) for digit in line.digits]
            unsure = alone[range(len(labels)), labels].min() < _MIN_AGREEMENT
            return replace(number, reason=UNSURE) if unsure else number
        return number


def _stand_apart(characters: Sequence[Character]) -> bool:
    """Whether wide gaps separate all characters, so that each is a digit or none."""
    boxes = [character.box for character in characters]
    least = _MIN_WIDE_GAP * max((h for _, _, _, h in boxes), default=0)
    return all(right[0] - left[0] - left[2] >= least for left, right in pairwise(boxes))
