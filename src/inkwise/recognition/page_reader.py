"""The numbers of a page become one `Reading`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing import characters_to_glyphs
from inkwise.preprocessing.layout import Region, find_number_regions
from inkwise.preprocessing.line_image import to_line_image
from inkwise.recognition.line_reader import ClassifyDigits, LineModel, read_line_image
from inkwise.recognition.number_reader import line_digits, line_rejection_reason
from inkwise.recognition.reading import Digit, Reading

GreyImage = NDArray[np.uint8]

NO_NUMBER = "no number: what is written is none"
ONLY_PRINT = "nothing is written: only print"
UPSIDE_DOWN = "the page stands on its head; it was read turned"

_MIN_PAGE_SIDE = 600  # pixels of the shorter side of a page
_MAX_WRITING_HEIGHT = 0.1  # of it: writing is lower, or the picture shows a number, and no page
_MAX_LINE_COLUMNS = 512  # columns of a strip: some 25 digits; what is longer is no number but writing
_UPRIGHT_PROBABILITY = 0.7  # mean probability of the numbers from which a page surely stands upright
_UPSIDE_DOWN_GAIN = 0.1  # by which it is higher where a page stands on its head


@dataclass(frozen=True)
class _NumberReading:
    line: int
    digits: tuple[Digit, ...]
    probability: float
    reason: str | None


ClassifyRegion = Callable[[Region], Digit | None]
"""Reads a region as one digit; None where it is none."""


def read_page(
    picture: GreyImage,
    lines: Callable[[], LineModel],
    classify: ClassifyDigits,
    classify_region: ClassifyRegion,
    started: float,
) -> Reading | None:
    """Read a page of handwritten numbers, or None where a picture (H, W) uint8 is no page.

    A page is large, and what is written on it is small. It is flattened; print is passed over, and so is
    what no digit is read in. Where it seems to stand on its head it is read turned, and not accepted.
    """
    if min(picture.shape) < _MIN_PAGE_SIDE:
        return None
    regions = find_number_regions(picture)
    if not regions or np.median([region.box[3] for region in regions]) > _MAX_WRITING_HEIGHT * min(
        picture.shape
    ):
        return None
    model = lines()
    found = _read_regions(regions, model, classify, classify_region)
    reason = _reason(found, regions)
    if 0 < _mean_probability(found) < _UPRIGHT_PROBABILITY:
        turned = np.ascontiguousarray(picture[::-1, ::-1])
        other = _read_regions(find_number_regions(turned), model, classify, classify_region)
        if _mean_probability(other) > _mean_probability(found) + _UPSIDE_DOWN_GAIN:
            found, reason = [_rotate_back(number, picture.shape) for number in other], UPSIDE_DOWN
    rows = groupby(found, key=lambda number: number.line)
    return Reading(
        text="\n".join(" ".join(map(_number_text, row)) for _, row in rows),
        confidence=float(np.prod([number.probability for number in found])) if found else 0.0,
        accepted=reason is None,
        digits=tuple(digit for number in found for digit in number.digits),
        reason=reason,
        model=model.name,
        elapsed_ms=1000 * (time.perf_counter() - started),
        picture=picture,
    )


def _read_regions(
    regions: list[Region], model: LineModel, classify: ClassifyDigits, classify_region: ClassifyRegion
) -> list[_NumberReading]:
    read = (
        _read_region(region, model, classify, classify_region) for region in regions if not region.printed
    )
    return [number for number in read if number is not None]


def _read_region(
    region: Region, model: LineModel, classify: ClassifyDigits, classify_region: ClassifyRegion
) -> _NumberReading | None:
    """What is read in a region, or None where no digit is."""
    found = to_line_image(region.ink)
    if found is None or found.ink.shape[1] > _MAX_LINE_COLUMNS:
        return None
    line = read_line_image(model, found.ink, classify, singles=characters_to_glyphs(region.ink))
    if not line.text:
        return None
    if len(line.text) == 1:
        digit = classify_region(region)
        return (
            None if digit is None else _NumberReading(region.line, (digit,), digit.probability, digit.doubt)
        )
    reason = line_rejection_reason(line, model.threshold)
    digits = line_digits(line, found, 0.0 if reason is None else model.threshold, place=region.to_image)
    return _NumberReading(region.line, digits, line.probability, reason)


def _mean_probability(found: list[_NumberReading]) -> float:
    """The mean probability of the numbers, 0 where there are none."""
    return float(np.mean([number.probability for number in found] or [0.0]))


def _reason(found: list[_NumberReading], regions: list[Region]) -> str | None:
    if not found:
        return ONLY_PRINT if all(region.printed for region in regions) else NO_NUMBER
    doubtful = sum(number.reason is not None for number in found)
    return f"{doubtful} of {len(found)} numbers not sure enough to be accepted" if doubtful else None


def _rotate_back(number: _NumberReading, shape: tuple[int, ...]) -> _NumberReading:
    """A number of a page (H, W) that was turned by half, where it stands as the page lies."""
    digits = []
    for digit in number.digits:
        assert digit.box is not None
        x, y, w, h = digit.box
        digits.append(replace(digit, box=(shape[1] - x - w, shape[0] - y - h, w, h)))
    return replace(number, digits=tuple(digits))


def _number_text(number: _NumberReading) -> str:
    return "".join(digit.label if digit.accepted else "?" for digit in number.digits)
