"""Pages: every handwritten number of a large picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inkwise._util.text import NOT_A_DIGIT
from inkwise.preprocessing import characters_to_glyphs
from inkwise.preprocessing.layout import Region, find_number_regions
from inkwise.preprocessing.line_image import to_line_image
from inkwise.recognition.digit_reader import DigitReader
from inkwise.recognition.number_reader import NumberReader, with_boxes
from inkwise.recognition.reading import Number, Reading, digits_text

NO_NUMBER = "no number: what is written is none"
ONLY_PRINT = "nothing is written: only print"
UPSIDE_DOWN = "the page stands on its head; it was read turned"

MIN_PAGE_SIDE = 600
"""Shorter side of the smallest page, pixels."""

_MAX_WRITING_HEIGHT = 0.1  # median height of the writing, as a fraction of the shorter side
_MAX_LINE_WIDTH = 512  # columns of a line image, some 25 digits; longer writing is not a number
_UPRIGHT_PROBABILITY = 0.7  # mean probability of the numbers from which a page is upright
_UPSIDE_DOWN_GAIN = 0.1  # gain of that mean from which a page is upside down


@dataclass(frozen=True, eq=False)
class PageReader:
    """Reads the numbers of a page as lines, and single digits as digits."""

    digits: DigitReader
    numbers: NumberReader

    def read(self, grey: NDArray[np.uint8]) -> Reading | None:
        """Read a picture (H, W) uint8; None if it is not a page because its writing is large.

        Print and regions without digits are skipped. If the page seems to be upside down, the reading is that
        of the page rotated by 180 degrees, with boxes in the original picture, and it is not accepted.
        """
        regions = find_number_regions(grey)
        max_height = _MAX_WRITING_HEIGHT * min(grey.shape)
        if not regions or np.median([region.box[3] for region in regions]) > max_height:
            return None
        numbers = self._read_regions(regions)
        reason = _rejection_reason(numbers, regions)
        if 0 < _mean_probability(numbers) < _UPRIGHT_PROBABILITY:
            rotated = self._read_regions(find_number_regions(np.ascontiguousarray(grey[::-1, ::-1])))
            if _mean_probability(rotated) > _mean_probability(numbers) + _UPSIDE_DOWN_GAIN:
                numbers, reason = [_rotate_back(number, grey.shape) for number in rotated], UPSIDE_DOWN
        return Reading.from_numbers(numbers, model=self.numbers.model.name, reason=reason, picture=grey)

    def _read_regions(self, regions: list[Region]) -> list[Number]:
        numbers = (self._read_region(region) for region in regions if not region.printed)
        return [number for number in numbers if number is not None]

    def _read_region(self, region: Region) -> Number | None:
        """Read one region; None if there is no digit."""
        image = to_line_image(region.ink)
        if image is None or image.ink.shape[1] > _MAX_LINE_WIDTH:
            return None
        line = self.numbers.read_line(image.ink, singles=characters_to_glyphs(region.ink))
        if not line.text:
            return None
        if len(line.text) > 1:
            digits = with_boxes(line.digits, lambda box: region.to_image(image.box(*box)))
            return Number(digits_text(digits), line.probability, line.reason, digits, region.line)
        digit = self.digits.main_digit_of_ink(region.ink)
        if digit is None or digit.doubt == NOT_A_DIGIT:
            return None
        digits = with_boxes((digit,), region.to_image)
        return Number(digits_text(digits), digit.probability, digit.doubt, digits, region.line)


def _mean_probability(numbers: list[Number]) -> float:
    return float(np.mean([number.confidence for number in numbers] or [0.0]))


def _rejection_reason(numbers: list[Number], regions: list[Region]) -> str | None:
    if not numbers:
        return ONLY_PRINT if all(region.printed for region in regions) else NO_NUMBER
    doubtful = sum(number.reason is not None for number in numbers)
    return f"{doubtful} of {len(numbers)} numbers not sure enough to be accepted" if doubtful else None


def _rotate_back(number: Number, shape: tuple[int, ...]) -> Number:
    """Rotate the boxes of a number by 180 degrees in a picture of this shape."""
    digits = with_boxes(
        number.digits, lambda box: (shape[1] - box[0] - box[2], shape[0] - box[1] - box[3], *box[2:])
    )
    return replace(number, digits=digits, polygon=None)
