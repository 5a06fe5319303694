"""The numbers of a page become one `Reading`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from inkwise.preprocessing import character_glyphs
from inkwise.preprocessing.layout import Region, numbers
from inkwise.preprocessing.line_image import strip
from inkwise.recognition.line_reader import Classify, LineModel, read_strip
from inkwise.recognition.number_reader import line_digits, line_reason
from inkwise.recognition.reading import Digit, Reading

Grey = NDArray[np.uint8]

NO_NUMBER = "no number: what is written is none"
ONLY_PRINT = "nothing is written: only print"
UPSIDE_DOWN = "the page stands on its head; it was read turned"

_LEAST = 600  # pixels of the shorter side of a page
_SMALL = 0.1  # of it: writing is lower, or the picture shows a number, and no page
_LONGEST = 512  # columns of a strip: some 25 digits; what is longer is no number but writing
_CLEAR = 0.7  # mean probability of the numbers from which a page surely stands upright
_TURNED = 0.1  # by which it is higher where a page stands on its head


@dataclass(frozen=True)
class _Number:
    line: int
    digits: tuple[Digit, ...]
    probability: float
    reason: str | None


Single = Callable[[Region], Digit | None]
"""Reads a region as one digit; None where it is none."""


def page_reading(
    picture: Grey, lines: Callable[[], LineModel], classify: Classify, single: Single, began: float
) -> Reading | None:
    """Read a page of handwritten numbers, or None where a picture (H, W) uint8 is no page.

    A page is large, and what is written on it is small. It is flattened; print is passed over, and so is
    what no digit is read in. Where it seems to stand on its head it is read turned, and not accepted.
    """
    if min(picture.shape) < _LEAST:
        return None
    regions = numbers(picture)
    if not regions or np.median([region.box[3] for region in regions]) > _SMALL * min(picture.shape):
        return None
    model = lines()
    found = _read(regions, model, classify, single)
    reason = _reason(found, regions)
    if 0 < _clearness(found) < _CLEAR:
        turned = np.ascontiguousarray(picture[::-1, ::-1])
        other = _read(numbers(turned), model, classify, single)
        if _clearness(other) > _clearness(found) + _TURNED:
            found, reason = [_turned_back(number, picture.shape) for number in other], UPSIDE_DOWN
    rows = groupby(found, key=lambda number: number.line)
    return Reading(
        text="\n".join(" ".join(map(_text, row)) for _, row in rows),
        confidence=float(np.prod([number.probability for number in found])) if found else 0.0,
        accepted=reason is None,
        digits=tuple(digit for number in found for digit in number.digits),
        reason=reason,
        model=model.name,
        elapsed_ms=1000 * (time.perf_counter() - began),
        picture=picture,
    )


def _read(regions: list[Region], model: LineModel, classify: Classify, single: Single) -> list[_Number]:
    read = (_number(region, model, classify, single) for region in regions if not region.printed)
    return [number for number in read if number is not None]


def _number(region: Region, model: LineModel, classify: Classify, single: Single) -> _Number | None:
    """What is read in a region, or None where no digit is."""
    found = strip(region.ink)
    if found is None or found.ink.shape[1] > _LONGEST:
        return None
    line = read_strip(model, found.ink, classify, singles=character_glyphs(region.ink))
    if not line.text:
        return None
    if len(line.text) == 1:
        digit = single(region)
        return None if digit is None else _Number(region.line, (digit,), digit.probability, digit.doubt)
    reason = line_reason(line, model.threshold)
    digits = line_digits(line, found, 0.0 if reason is None else model.threshold, place=region.in_picture)
    return _Number(region.line, digits, line.probability, reason)


def _clearness(found: list[_Number]) -> float:
    """The mean probability of the numbers, 0 where there are none."""
    return float(np.mean([number.probability for number in found] or [0.0]))


def _reason(found: list[_Number], regions: list[Region]) -> str | None:
    if not found:
        return ONLY_PRINT if all(region.printed for region in regions) else NO_NUMBER
    doubtful = sum(number.reason is not None for number in found)
    return f"{doubtful} of {len(found)} numbers not sure enough to be accepted" if doubtful else None


def _turned_back(number: _Number, shape: tuple[int, ...]) -> _Number:
    """A number of a page (H, W) that was turned by half, where it stands as the page lies."""
    digits = []
    for digit in number.digits:
        assert digit.box is not None
        x, y, w, h = digit.box
        digits.append(replace(digit, box=(shape[1] - x - w, shape[0] - y - h, w, h)))
    return replace(number, digits=tuple(digits))


def _text(number: _Number) -> str:
    return "".join(digit.label if digit.accepted else "?" for digit in number.digits)
