"""What a line of digits says becomes a `Reading`."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from inkwise._util.text import DIGITS, NOT_A_DIGIT
from inkwise.preprocessing import Box, Strokes
from inkwise.preprocessing.line_image import LineImage
from inkwise.recognition.constraints import Constraint
from inkwise.recognition.line_reader import ClassifyDigits, LineDigit, LineModel, LineReading, read_line_image
from inkwise.recognition.reading import NO_INK, Digit, Reading

GreyImage = NDArray[np.uint8]

_MIN_SUPPORT = 0.01  # a text of which the ink is less sure than this, the constraint has forced on it


def read_number_line(
    model: LineModel,
    classify: ClassifyDigits,
    line_image: LineImage | None,
    constraint: Constraint | None,
    started: float,
    *,
    picture: GreyImage | None = None,
    strokes: Strokes | None = None,
    singles: NDArray[np.uint8] | None = None,
) -> Reading:
    """Read a strip, and tell where its digits stand in the picture, or of which strokes they are made.

    `singles` are the glyphs of what stands apart, as for `read_line_image`.
    """
    line = LineReading("", 0.0, 1.0, "", ())
    digits: tuple[Digit, ...] = ()
    reason: str | None = NO_INK
    if line_image is not None:
        line = read_line_image(model, line_image.ink, classify, constraint, singles)
        reason = line_rejection_reason(line, model.threshold)
        place = None if picture is None else partial(_clip_box, picture=picture)
        threshold = 0.0 if reason is None else model.threshold
        digits = line_digits(line, line_image, threshold, place=place, strokes=strokes)
    return Reading(
        text="".join(digit.label if digit.accepted else "?" for digit in digits),
        confidence=line.probability,
        accepted=reason is None,
        digits=digits,
        reason=reason,
        model=model.name,
        elapsed_ms=1000 * (time.perf_counter() - started),
        picture=picture,
        unconstrained=None if constraint is None else line.unconstrained,
    )


def line_rejection_reason(line: LineReading, threshold: float) -> str | None:
    """Why a line is not accepted, else None."""
    if line.text is None or line.support < _MIN_SUPPORT:
        return f"the ink says {line.unconstrained or 'nothing'}, which the constraint rules out"
    if not line.text:
        return NOT_A_DIGIT
    if line.probability < threshold:
        return f"not sure of the whole: {line.text} with {line.probability:.0%}"
    return None


def line_digits(
    line: LineReading,
    line_image: LineImage,
    threshold: float,
    *,
    place: Callable[[Box], Box] | None = None,
    strokes: Strokes | None = None,
) -> tuple[Digit, ...]:
    """The digits of a line.

    Args:
        line: what was read in the strip.
        line_image: where it comes from.
        threshold: what the probability of a digit must reach to be accepted.
        place: from a box of what the strip was made of to one of the picture; None for strokes.
        strokes: those it was made of; None for a picture.
    """
    owners = None if strokes is None else _stroke_owners(line, line_image, strokes)
    digits = []
    for number, piece in enumerate(line.digits):
        order = np.argsort(-piece.probabilities, kind="stable")
        probability = float(piece.probabilities[DIGITS.index(piece.label)])
        accepted = probability >= threshold
        digit = Digit(
            label=piece.label,
            probability=probability,
            accepted=accepted,
            doubt=None if accepted else _doubt(piece, order),
            alternatives=tuple((DIGITS[label], float(piece.probabilities[label])) for label in order),
            box=None if place is None else place(line_image.box(*piece.box)),
            strokes=None if owners is None else tuple(np.flatnonzero(owners == number).tolist()),
            glyph=piece.glyph,
        )
        digits.append(digit)
    return tuple(digits)


def _clip_box(box: Box, picture: GreyImage) -> Box:
    """What of a box lies in the picture, one pixel at the least: a strip reaches further than its picture."""
    (x, y, w, h), (height, width) = box, picture.shape
    left, top = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
    right, bottom = min(max(x + w, left + 1), width), min(max(y + h, top + 1), height)
    return left, top, right - left, bottom - top


def _doubt(piece: LineDigit, order: NDArray[np.int64]) -> str:
    if piece.probabilities.sum() < 0.5:  # what is lacking to 1
        return NOT_A_DIGIT
    other = next(DIGITS[number] for number in order if DIGITS[number] != piece.label)
    return f"{piece.label} or {other}"


def _stroke_owners(line: LineReading, line_image: LineImage, strokes: Strokes) -> NDArray[np.int64]:
    """For each stroke the place of the digit under its middle, or -1."""
    owners = np.full(len(strokes), -1)
    for number, stroke in enumerate(strokes):
        x = np.asarray(stroke, np.float64)[:, 0]
        middle = ((x.min() + x.max()) / 2 - line_image.left) * line_image.scale
        under = (
            place
            for place, piece in enumerate(line.digits)
            if piece.box[0] <= middle < piece.box[0] + piece.box[2]
        )
        owners[number] = next(under, -1)
    return owners
