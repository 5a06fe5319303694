"""Results of reading: one form for Python, JSON, CSV and HTTP."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from itertools import groupby
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from inkwise._util.errors import InkwiseError
from inkwise._util.text import DIGITS, NOT_A_DIGIT
from inkwise.preprocessing import Box
from inkwise.recognition.number_value import parse_value, plain_value

SCHEMA_VERSION = 1
"""Version of the JSON of a reading; it is raised when a key changes its meaning or is removed."""

SHOWN_ALTERNATIVES = 3
"""Labels of a digit in the JSON of a reading, unless another count is asked for."""

NO_INK = "no ink was found"

Polygon = tuple[tuple[float, float], ...]
"""Four corners (x, y) in pixels of the picture, clockwise from the upper left of the upright text."""

_ACCEPTED_COLOR, _REJECTED_COLOR, _IGNORED_COLOR = (22, 130, 70), (200, 60, 30), (110, 110, 190)
_MAX_HTML_SIDE = 1600  # longer side of the overlay in a notebook, pixels


@dataclass(frozen=True, eq=False, repr=False)
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
    glyph: NDArray[np.uint8]

    def __repr__(self) -> str:
        """Show label, probability and why it is not accepted."""
        return _short_repr(self, "label", "probability", "doubt")

    def to_dict(self, alternatives: int | None = SHOWN_ALTERNATIVES) -> dict[str, Any]:
        """Return plain values without the glyph; `alternatives` is the maximum count, None for all."""
        return {
            "label": self.label,
            "probability": round(self.probability, 4),
            "accepted": self.accepted,
            "doubt": self.doubt,
            "alternatives": [
                [label, round(probability, 4)] for label, probability in self.alternatives[:alternatives]
            ],
            "box": None if self.box is None else list(self.box),
            "strokes": None if self.strokes is None else list(self.strokes),
        }


@dataclass(frozen=True, eq=False, repr=False)
class Number:
    """A number as it is written.

    Attributes:
        text: digits and separators, without spaces; "?" for a digit that is not accepted or not read.
        confidence: probability that the text is right.
        reason: why it is not accepted, else None.
        digits: the digits alone, from left to right.
        line: index of its text line, from 0.
        polygon: its outline; None is that of the boxes of its digits, and remains None for strokes.
        decimal: the writer's decimal separator, "." or ",", if it is known.
    """

    text: str
    confidence: float
    reason: str | None
    digits: tuple[Digit, ...]
    line: int = 0
    polygon: Polygon | None = None
    decimal: str | None = None

    def __post_init__(self) -> None:
        """Outline the boxes of the digits."""
        if self.polygon is None:
            object.__setattr__(self, "polygon", _outline([digit.box for digit in self.digits if digit.box]))

    def __repr__(self) -> str:
        """Show text, confidence and why it is not accepted."""
        return _short_repr(self, "text", "confidence", "reason")

    @classmethod
    def from_digits(cls, digits: tuple[Digit, ...], line: int = 0) -> Self:
        """Join digits that were read one by one."""
        confidence = float(np.prod([digit.probability for digit in digits]))
        return cls(digits_text(digits), confidence, rejection_reason(digits), digits, line)

    @property
    def accepted(self) -> bool:
        """Whether the text is accepted."""
        return self.reason is None

    @property
    def value(self) -> Decimal | None:
        """The value of the text: -7 or 12.50; None if it has none, as a date, or if it is ambiguous."""
        return parse_value(self.text, self.decimal)

    @property
    def box(self) -> Box | None:
        """The bounding box of the polygon in whole pixels; None for strokes."""
        if self.polygon is None:
            return None
        left, top = np.floor(np.min(self.polygon, 0)).astype(int).tolist()
        right, bottom = np.ceil(np.max(self.polygon, 0)).astype(int).tolist()
        return left, top, right - left, bottom - top

    def to_dict(self, alternatives: int | None = SHOWN_ALTERNATIVES) -> dict[str, Any]:
        """Return plain values; `alternatives` as for its digits."""
        corners = self.polygon
        return {
            "text": self.text,
            "value": plain_value(self.value),
            "confidence": round(self.confidence, 4),
            "accepted": self.accepted,
            "reason": self.reason,
            "line": self.line,
            "box": None if self.box is None else list(self.box),
            "polygon": None if corners is None else [[round(x, 1), round(y, 1)] for x, y in corners],
            "digits": [digit.to_dict(alternatives) for digit in self.digits],
        }


@dataclass(frozen=True)
class IgnoredRegion:
    """A region of a picture that was not read.

    Attributes:
        box: x, y, width, height in pixels of the picture.
        reason: why it was not read.
    """

    box: Box
    reason: str


@dataclass(frozen=True, eq=False, repr=False)
class Reading:
    """The result for one picture or one set of strokes: a sequence of numbers in reading order.

    Attributes:
        text: the numbers, with a space between them and a newline between lines.
        confidence: probability that all best guesses are right; 0 if nothing was found.
        numbers: in reading order.
        reason: why the text is empty or not accepted, else None.
        model: name of the model.
        elapsed_ms: time from the input to the result, milliseconds.
        ignored: regions that were not read.
        picture: (H, W) uint8, the decoded input; None for strokes.
        unconstrained: text that was read without the constraint; None if there was none.
    """

    text: str
    confidence: float
    numbers: tuple[Number, ...]
    reason: str | None
    model: str
    elapsed_ms: float = 0.0
    ignored: tuple[IgnoredRegion, ...] = ()
    picture: NDArray[np.uint8] | None = None
    unconstrained: str | None = None

    @classmethod
    def from_numbers(
        cls,
        numbers: Iterable[Number],
        *,
        model: str,
        reason: str | None,
        picture: NDArray[np.uint8] | None = None,
        unconstrained: str | None = None,
        ignored: Iterable[IgnoredRegion] = (),
    ) -> Self:
        """Join numbers, in reading order, to a reading whose time is not measured yet."""
        found = tuple(numbers)
        lines = groupby(found, key=lambda number: number.line)
        return cls(
            text="\n".join(" ".join(number.text for number in line) for _, line in lines),
            confidence=float(np.prod([number.confidence for number in found])) if found else 0.0,
            numbers=found,
            reason=reason,
            model=model,
            ignored=tuple(ignored),
            picture=picture,
            unconstrained=unconstrained,
        )

    def __len__(self) -> int:
        """Return the count of numbers."""
        return len(self.numbers)

    def __iter__(self) -> Iterator[Number]:
        """Iterate over the numbers."""
        return iter(self.numbers)

    def __repr__(self) -> str:
        """Show text, confidence and why it is not accepted."""
        return _short_repr(self, "text", "confidence", "reason")

    @property
    def accepted(self) -> bool:
        """Whether there is a text and all of it is accepted."""
        return self.reason is None

    @property
    def digits(self) -> tuple[Digit, ...]:
        """The digits of all numbers, in reading order."""
        return tuple(digit for number in self.numbers for digit in number.digits)

    def to_dict(self, alternatives: int | None = SHOWN_ALTERNATIVES) -> dict[str, Any]:
        """Return plain values, without picture and glyphs.

        Args:
            alternatives: labels of each digit, the most likely first; None is all.
        """
        height, width = (None, None) if self.picture is None else self.picture.shape
        return {
            "schema": SCHEMA_VERSION,
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "accepted": self.accepted,
            "reason": self.reason,
            "numbers": [number.to_dict(alternatives) for number in self.numbers],
            "ignored": [{"box": list(region.box), "reason": region.reason} for region in self.ignored],
            "unconstrained": self.unconstrained,
            "width": width,
            "height": height,
            "model": self.model,
            "elapsed_ms": round(self.elapsed_ms, 2),
        }

    def to_json(self, alternatives: int | None = SHOWN_ALTERNATIVES) -> str:
        """Return `to_dict` as one line of JSON."""
        return json.dumps(self.to_dict(alternatives), ensure_ascii=False, allow_nan=False)

    def overlay(self) -> Image.Image:
        """Draw the boxes of digits, green if accepted, else red, and those of ignored regions, blue.

        Raises:
            InkwiseError: strokes were read, so there is no picture.
        """
        if self.picture is None:
            raise InkwiseError("strokes were read: there is no picture to draw on")
        image = Image.fromarray(self.picture).convert("RGB")
        draw = ImageDraw.Draw(image)
        boxes = [
            (digit.box, digit.label, _ACCEPTED_COLOR if digit.accepted else _REJECTED_COLOR)
            for digit in self.digits
        ]
        for box, label, color in [*((region.box, "", _IGNORED_COLOR) for region in self.ignored), *boxes]:
            if box is None:
                continue
            x, y, w, h = box
            width = max(1, h // 30)
            draw.rectangle([x - width, y - width, x + w + width, y + h + width], outline=color, width=width)
            font = ImageFont.load_default(max(10, h // 3))
            draw.text((x, y - width), label, fill=color, font=font, anchor="lb")
        return image

    def _repr_html_(self) -> str:
        """Return text, confidence and overlay for a notebook."""
        state = "accepted" if self.reason is None else self.reason
        text = html.escape(self.text) or "&nbsp;"
        shown = f"<pre>{text}</pre><p>{self.confidence:.1%}, {html.escape(state)}</p>"
        if self.picture is None:
            return shown
        image, content = self.overlay(), BytesIO()
        image.thumbnail((_MAX_HTML_SIDE, _MAX_HTML_SIDE))
        image.save(content, "PNG")
        source = base64.b64encode(content.getvalue()).decode()
        return f'{shown}<img style="max-width: 100%" alt="" src="data:image/png;base64,{source}">'


def _short_repr(item: Digit | Number | Reading, text: str, confidence: str, reason: str) -> str:
    """Return the class with three attributes, and the reason only if the item is not accepted."""
    values = f"{text}={getattr(item, text)!r}, {confidence}={getattr(item, confidence):.4f}"
    doubt = "" if item.accepted else f", {reason}={getattr(item, reason)!r}"
    return f"{type(item).__name__}({values}, accepted={item.accepted}{doubt})"


def _outline(boxes: Sequence[Box]) -> Polygon | None:
    """Return the corners of the upright rectangle around boxes; None for none."""
    if not boxes:
        return None
    left, top = min(x for x, _, _, _ in boxes), min(y for _, y, _, _ in boxes)
    right, bottom = max(x + w for x, _, w, _ in boxes), max(y + h for _, y, _, h in boxes)
    return (left, top), (right, top), (right, bottom), (left, bottom)


def digits_text(digits: Iterable[Digit | None]) -> str:
    """Return the labels of digits; "?" for one that is not accepted, and for None."""
    return "".join(digit.label if digit is not None and digit.accepted else "?" for digit in digits)


def number_text(text: str, digits: Sequence[Digit]) -> str:
    """Return a text with "?" for each of its digits that is not accepted."""
    rest = iter(digits)
    return "".join("?" if symbol in DIGITS and not next(rest).accepted else symbol for symbol in text)


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
