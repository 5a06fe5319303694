"""Results of reading: one form for Python, JSON, CSV and HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from inkwise._util.errors import InkwiseError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.preprocessing import Box

NO_INK = "no ink: nothing stands out from the background"

_ACCEPTED_COLOR, _REJECTED_COLOR = (22, 130, 70), (200, 60, 30)


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit.

    Attributes:
        label: the best guess, even if it is not accepted.
        probability: of that label.
        accepted: whether the probability, or that of the whole number, reaches the model's threshold.
        doubt: None if accepted; "4 or 9" if it seems to be a digit but may be either; else "not a digit".
        alternatives: labels and their probabilities, the most likely first. If the model rejects non-digits,
            they sum to 1 minus the probability of a non-digit.
        box: x, y, width, height in pixels of the picture; None for strokes.
        strokes: indices of its strokes; None for a picture.
        glyph: (28, 28) uint8, input of the model.
    """

    label: str
    probability: float
    accepted: bool
    doubt: str | None
    alternatives: tuple[tuple[str, float], ...]
    box: Box | None
    strokes: tuple[int, ...] | None
    glyph: NDArray[np.uint8] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, without the glyph."""
        return {
            "label": self.label,
            "probability": round(self.probability, 4),
            "accepted": self.accepted,
            "doubt": self.doubt,
            "alternatives": [[label, round(probability, 4)] for label, probability in self.alternatives[:3]],
            "box": None if self.box is None else list(self.box),
            "strokes": None if self.strokes is None else list(self.strokes),
        }


@dataclass(frozen=True, eq=False)
class Number:
    """Digits that belong together.

    Attributes:
        text: the labels; "?" for a digit that is not accepted or not read.
        confidence: probability that the text is right.
        reason: why it is not accepted, else None.
        digits: from left to right.
        line: index of its text line, from 0.
    """

    text: str
    confidence: float
    reason: str | None
    digits: tuple[Digit, ...]
    line: int = 0

    @classmethod
    def from_digits(cls, digits: tuple[Digit, ...], line: int = 0) -> Self:
        """Join digits that were read one by one."""
        confidence = float(np.prod([digit.probability for digit in digits]))
        return cls(digits_text(digits), confidence, rejection_reason(digits), digits, line)


@dataclass(frozen=True, eq=False)
class Reading:
    """The result for one picture or one set of strokes.

    Attributes:
        text: the labels; "?" for a digit that is not accepted, a space between numbers, a newline between
            lines.
        confidence: probability that all best guesses are right; 0 if nothing was found.
        accepted: whether there are digits and all of them are accepted.
        digits: in reading order.
        reason: why the text is empty or not accepted, else None.
        model: name of the model.
        elapsed_ms: time from the input to the result, milliseconds.
        picture: (H, W) uint8, the decoded input; None for strokes.
        unconstrained: text that was read without the constraint; None if there was none.
    """

    text: str
    confidence: float
    accepted: bool
    digits: tuple[Digit, ...]
    reason: str | None
    model: str
    elapsed_ms: float
    picture: NDArray[np.uint8] | None = field(default=None, repr=False)
    unconstrained: str | None = None

    @classmethod
    def from_numbers(
        cls,
        numbers: Sequence[Number],
        *,
        model: str,
        reason: str | None,
        picture: NDArray[np.uint8] | None = None,
        unconstrained: str | None = None,
    ) -> Self:
        """Join numbers, in reading order, to a reading whose time is not measured yet."""
        lines = groupby(numbers, key=lambda number: number.line)
        return cls(
            text="\n".join(" ".join(number.text for number in line) for _, line in lines),
            confidence=float(np.prod([number.confidence for number in numbers])) if numbers else 0.0,
            accepted=reason is None,
            digits=tuple(digit for number in numbers for digit in number.digits),
            reason=reason,
            model=model,
            elapsed_ms=0.0,
            picture=picture,
            unconstrained=unconstrained,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, without picture and glyphs."""
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "accepted": self.accepted,
            "digits": [digit.to_dict() for digit in self.digits],
            "reason": self.reason,
            "unconstrained": self.unconstrained,
            "model": self.model,
            "elapsed_ms": round(self.elapsed_ms, 2),
        }

    def to_json(self) -> str:
        """Return `to_dict` as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    def overlay(self) -> Image.Image:
        """Draw the box and the label of each digit on the picture: green if accepted, else red.

        Raises:
            InkwiseError: strokes were read, so there is no picture.
        """
        if self.picture is None:
            raise InkwiseError("strokes were read: there is no picture to draw on")
        image = Image.fromarray(self.picture).convert("RGB")
        draw = ImageDraw.Draw(image)
        for digit in self.digits:
            if digit.box is None:
                continue
            x, y, w, h = digit.box
            color = _ACCEPTED_COLOR if digit.accepted else _REJECTED_COLOR
            width = max(1, h // 30)
            draw.rectangle([x - width, y - width, x + w + width, y + h + width], outline=color, width=width)
            font = ImageFont.load_default(max(10, h // 3))
            draw.text((x, y - width), digit.label, fill=color, font=font, anchor="lb")
        return image


def digits_text(digits: Iterable[Digit | None]) -> str:
    """Return the labels of digits; "?" for one that is not accepted, and for None."""
    return "".join(digit.label if digit is not None and digit.accepted else "?" for digit in digits)


def rejection_reason(digits: Sequence[Digit]) -> str | None:
    """Return why digits that were read one by one are not all accepted, else None."""
    if not digits:
        return NO_INK
    doubts = [digit.doubt for digit in digits if digit.doubt]
    if not doubts:
        return None
    if len(digits) == 1:
        return doubts[0] if doubts[0] == NOT_A_DIGIT else f"not sure: {doubts[0]}"
    return f"{len(doubts)} of {len(digits)} not sure enough to be accepted"
