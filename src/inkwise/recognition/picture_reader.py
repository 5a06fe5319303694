"""Pictures: every handwritten number of a picture of any size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from inkwise._util.text import NOT_A_DIGIT
from inkwise.preprocessing import (
    Box,
    binarize,
    lone_character,
    main_character,
    segment_characters,
)
from inkwise.preprocessing.background import quantile
from inkwise.preprocessing.layout import CUT, FRAME, PALE, PATTERN, PRINT, Region, find_regions
from inkwise.preprocessing.segmentation import group_into_lines
from inkwise.recognition.digit_reader import DigitReader
from inkwise.recognition.number_reader import NumberReader, with_boxes
from inkwise.recognition.reading import NO_INK, IgnoredRegion, Number, Reading
from inkwise.recognition.region_reader import RegionReader

NO_NUMBER = "no number: what is written is none"
ONLY_PRINT = "nothing is written: only print"
TURNED = "the picture is not upright; it was read turned"
UNREAD_PALE = "ink that looks like digits is paler than the others; it was not read"
UNREAD_NEIGHBOUR = "ink beside a number was not read"

_MIN_DARKNESS = 0.5  # minimum darkness of a digit alone, relative to the numbers of the picture
_MAX_TINY_SIDE = 32  # shorter side of pictures that mostly hold a digit alone, pixels
_MAX_ALONE_SIDE = 112  # shorter side of pictures of which one component is read as a digit first, pixels
_SURE = 0.99  # confidence from which a line is not read as a whole besides
_UPRIGHT_EVIDENCE = 0.7  # mean confidence of the numbers from which a picture is upright
_MIN_TURN_GAIN = 0.3  # gain of that mean from which a picture is turned
_MAX_DISTANCE = 1.2  # distance from the centre at which a region cannot be the digit, in half sides
_TURN_SAMPLE = 6  # number of regions from which it is found whether a page may be turned
_NEIGHBOUR_GAP = 1.15  # maximum gap to ignored ink that may be part of a number, in its heights
_MAX_LINE_GAP = 0.4  # the same above and below it
_MIN_GAIN = 0.1  # by which a digit is larger than a part of it on some side, in sizes of the part
_MIN_NEIGHBOUR_SIZE = 0.5  # minimum size of such ink, in heights of the number


@dataclass(frozen=True, eq=False)
class PictureReader:
    """Reads the numbers of a picture as lines, and single digits as digits."""

    digits: DigitReader
    numbers: NumberReader

    @property
    def regions(self) -> RegionReader:
        """The reader of one region."""
        return RegionReader(self.digits, self.numbers)

    def read(self, grey: NDArray[np.uint8]) -> Reading:
        """Read a picture (H, W) uint8.

        If the numbers are much likelier in the picture turned by 90, 180 or 270 degrees, the reading is that
        of the turned picture, with boxes in the original one, and it is not accepted. A model that reads
        letters reads the characters one by one, and the picture as it stands.
        """
        if min(grey.shape) <= _MAX_ALONE_SIDE and (reading := self._read_alone(grey)) is not None:
            return reading
        best, turns = self._read_regions(find_regions(grey)), 0
        by_line = not self.digits.model.reads_letters
        if by_line and best.is_doubtful():
            for quarters in (2, 1, 3):
                regions = find_regions(np.ascontiguousarray(np.rot90(grey, quarters)))
                sample = _largest(regions)
                turned = self._read_regions(sample)
                if len(sample) < len(regions) and turned.is_likelier(best, _MIN_TURN_GAIN / 2):
                    turned = self._read_regions(regions)
                if turned.is_likelier(best, _MIN_TURN_GAIN):
                    best, turns = turned, quarters
        doubtful = best.reason() is not None or (best.has_number() and best.confidence() < _SURE)
        if by_line and not turns and doubtful and (other := self._read_as_one(grey, best)) is not None:
            return other
        if turns:
            best = best.turned_back(turns, grey.shape)
        return Reading.from_numbers(
            best.numbers,
            model=(self.numbers if by_line and best.has_number() else self.digits).model.name,
            reason=TURNED if turns else best.reason(),
            picture=grey,
            ignored=[IgnoredRegion(region.box, region.reason or NOT_A_DIGIT) for region in best.ignored],
        )

    def read_digit(self, grey: NDArray[np.uint8]) -> Reading:
        """Read a picture (H, W) uint8 of exactly one digit, which is not split.

        It is the most prominent region, or the main character of the picture binarized at one level: the more
        probable one, or the character if it is accepted and the region is a part of it.
        """
        if min(grey.shape) <= _MAX_TINY_SIDE and (reading := self._read_alone(grey)) is not None:
            return reading
        regions = [region for region in find_regions(grey) if region.reason is None]
        main = max(regions, key=lambda region: _prominence(region, grey.shape), default=None)
        digit = None if main is None else self.regions.read_digit(main)
        if digit is None:
            return self.digits.read_digit(grey)
        if not digit.accepted or len(regions) > 1:
            whole = self.digits.read_digit(grey)
            likelier = not digit.accepted and whole.confidence > digit.confidence
            if likelier or (whole.accepted and _is_part(digit, whole.numbers[0], grey.shape)):
                return whole
        return self.digits.to_reading(digit.digits, grey)

    def _read_alone(self, grey: NDArray[np.uint8]) -> Reading | None:
        """Read a small picture that holds one character; None if it holds more, or the digit is in doubt.

        The character is one component that does not touch the border; in a tiny picture it may.
        """
        ink = binarize(grey)
        tiny = min(grey.shape) <= _MAX_TINY_SIDE
        character = lone_character(ink)
        if tiny and character is None and sum(map(len, segment_characters(ink))) == 1:
            character = main_character(ink)
        if character is None or not (tiny or _is_within(character.box, grey.shape)):
            return None
        reading = self.digits.to_reading((self.digits.read_lone(character),), grey)
        return reading if reading.accepted else None

    def _read_as_one(self, grey: NDArray[np.uint8], contents: _Contents) -> Reading | None:
        """Read a picture of one line as a whole, if that is more probable than its contents.

        Its ink is then binarized at one level, and not by regions, as over a printed pattern.
        """
        digits = [digit for number in contents.numbers for digit in number.digits]
        if not contents.is_line():
            return None
        reading = self.numbers.read_image(grey)
        if len(reading.digits) <= 1 >= len(digits):
            reading = self.digits.read_digit(grey)
        elif len(reading.digits) <= 1:
            return None
        return reading if reading.confidence > contents.confidence() else None

    def _read_regions(self, regions: list[Region]) -> _Contents:
        ignored = [region for region in regions if region.reason is not None]
        found = [*chain(*(self.regions.read_words(region) for region in regions if region.reason is None))]
        shades = [
            region.darkness
            for region, number in found
            if number is not None and len(number.digits) > 1
            for _ in number.digits
        ]
        least = _MIN_DARKNESS * quantile(np.array(shades), 0.5) if shades else 0.0
        numbers = []
        for region, number in found:
            if number is None or (number.reason == NOT_A_DIGIT and len(regions) > 1):
                ignored.append(replace(region, reason=NOT_A_DIGIT))
            elif region.darkness < least and _may_be_arcs(number):
                ignored.append(replace(region, reason=PALE))
            else:
                numbers.append(number)
        return _Contents(numbers, ignored)


def _may_be_arcs(number: Number) -> bool:
    """Whether what was read may be the arcs of a stain, which look like a 1 or a pair of doubtful digits."""
    return len(number.digits) == 1 or (len(number.digits) == 2 and not number.accepted)


def _prominence(region: Region, shape: tuple[int, ...]) -> float:
    """Score of a region as the only digit of a picture of this shape: large, and near the centre."""
    x, y, w, h = region.box
    centre = np.array([shape[1], shape[0]]) / 2
    distance = float(np.abs((np.array([x + w / 2, y + h / 2]) - centre) / centre).max())
    return np.count_nonzero(region.ink >= 128) * max(w, h) * (_MAX_DISTANCE - distance)


def _largest(regions: list[Region]) -> list[Region]:
    """A few of the largest regions that may be numbers, in their order, and all others."""
    by_size = sorted(
        (index for index, region in enumerate(regions) if not region.reason),
        key=lambda index: -regions[index].box[2] * regions[index].box[3],
    )
    left_out = set(by_size[_TURN_SAMPLE:])
    return [region for index, region in enumerate(regions) if index not in left_out]


def _is_part(part: Number, whole: Number, shape: tuple[int, ...]) -> bool:
    """Whether a number is larger than a part of it, and not by something along the border of the picture."""
    if part.box is None or whole.box is None:
        return False
    (x, y, w, h), (left, top, width, height) = part.box, whole.box
    gains = x - left, y - top, left + width - x - w, top + height - y - h
    rests = left, top, shape[1] - left - width, shape[0] - top - height
    larger = [rest for gain, rest in zip(gains, rests, strict=True) if gain > _MIN_GAIN * max(w, h)]
    return bool(larger) and min(larger) > 1


def _is_within(box: Box, shape: tuple[int, ...]) -> bool:
    """Whether a box does not touch the border of a picture of this shape."""
    x, y, w, h = box
    return min(x, y) > 1 and x + w < shape[1] - 1 and y + h < shape[0] - 1


@dataclass(frozen=True, eq=False)
class _Contents:
    """The numbers of a picture in one orientation, and its other regions."""

    numbers: list[Number]
    ignored: list[Region]

    def is_line(self) -> bool:
        """Whether what is read, and other ink as high, stands on one line, and none is print."""
        if any(region.reason == PRINT for region in self.ignored):
            return False
        boxes = [digit.box for number in self.numbers for digit in number.digits if digit.box is not None]
        highest = max((h for _, _, _, h in boxes), default=0)
        boxes += [region.box for region in self.ignored if 2 * region.box[3] >= highest]
        return len(group_into_lines(np.array(boxes, np.int64).reshape(-1, 4))) <= 1

    def confidence(self) -> float:
        """Probability that all numbers are right."""
        return float(np.prod([number.confidence for number in self.numbers])) if self.numbers else 0.0

    def evidence(self) -> float:
        """Mean confidence of the numbers, weighted by their digits; ink that is no digit counts as 0."""
        sizes = [len(number.digits) for number in self.numbers]
        total = sum(sizes) + sum(region.reason == NOT_A_DIGIT for region in self.ignored)
        return sum(n * number.confidence for n, number in zip(sizes, self.numbers, strict=True)) / max(
            total, 1
        )

    def has_number(self) -> bool:
        """Whether several digits stand on one line: a digit alone does not tell which way is up."""
        return any(len(number.digits) > 1 for number in self.numbers)

    def is_likelier(self, other: _Contents, gain: float) -> bool:
        """Whether the picture is likelier upright than in the other orientation, by this gain of evidence."""
        return self.has_number() and self.evidence() > other.evidence() + gain

    def is_doubtful(self) -> bool:
        """Whether the picture may have to be turned: little is read, or single digits one below the other."""
        if not self.numbers:
            return any(region.reason == NOT_A_DIGIT for region in self.ignored)
        lone = [number for number in self.numbers if len(number.digits) == 1]
        stacked = len(lone) == len(self.numbers) > 1 and len({number.line for number in lone}) == len(lone)
        return stacked or self.evidence() < _UPRIGHT_EVIDENCE

    def reason(self) -> str | None:
        """Why the reading is not accepted, else None."""
        numbers, ignored = self.numbers, self.ignored
        if not numbers:
            if not ignored:
                return NO_INK
            return ONLY_PRINT if all(region.reason == PRINT for region in ignored) else NO_NUMBER
        doubtful = [number.reason for number in numbers if number.reason is not None]
        if doubtful and len(numbers) == 1:
            return doubtful[0]
        if doubtful:
            return f"{len(doubtful)} of {len(numbers)} numbers not sure enough to be accepted"
        if any(region.reason == PALE for region in ignored):
            return UNREAD_PALE
        frames = [region.box for region in ignored if region.reason == FRAME]
        if any(_may_belong(region, number, frames) for region in ignored for number in numbers):
            return UNREAD_NEIGHBOUR
        return None

    def turned_back(self, quarters: int, shape: tuple[int, ...]) -> _Contents:
        """Turn boxes clockwise by quarters, into a picture of this shape."""
        numbers = [
            replace(
                number,
                digits=with_boxes(number.digits, lambda box: _turn(box, quarters, shape)),
                polygon=None,
            )
            for number in self.numbers
        ]
        ignored = [replace(region, box=_turn(region.box, quarters, shape)) for region in self.ignored]
        return _Contents(numbers, ignored)


def _turn(box: Box, quarters: int, shape: tuple[int, ...]) -> Box:
    """Map a box from the picture that was turned by `np.rot90` to the picture of this shape."""
    x, y, w, h = box
    height, width = shape
    if quarters == 1:
        return width - y - h, x, h, w
    if quarters == 2:
        return width - x - w, height - y - h, w, h
    return y, height - x - w, h, w


def _may_belong(region: Region, number: Number, frames: list[Box]) -> bool:
    """Whether ignored ink may be part of a number: about as high or higher, and near or in the same frame."""
    if region.reason not in (CUT, PALE, PATTERN, NOT_A_DIGIT) or number.box is None:
        return False
    left, top, width, height = number.box
    x, y, w, h = region.box
    beside, above = max(x - left - width, left - x - w), max(y - top - height, top - y - h)
    near = beside <= _NEIGHBOUR_GAP * height and above <= _MAX_LINE_GAP * height
    near |= any(_contains(frame, region.box) and _contains(frame, number.box) for frame in frames)
    return near and max(w, h) >= _MIN_NEIGHBOUR_SIZE * height


def _contains(outer: Box, inner: Box) -> bool:
    x, y, w, h = outer
    left, top, width, height = inner
    return x <= left and y <= top and left + width <= x + w and top + height <= y + h
