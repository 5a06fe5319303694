"""What was read: one result for Python, JSON, CSV and HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from inkwise._util.errors import InkwiseError
from inkwise.preprocessing import Box

NO_INK = "no ink: nothing stands out from the background"

_ACCEPTED_COLOR, _REJECTED_COLOR = (22, 130, 70), (200, 60, 30)


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit as it was read.

    Attributes:
        label: the best guess, also when it is not accepted.
        probability: of that label.
        accepted: whether the probability reaches the model's threshold, or that of a whole number does.
        doubt: None where it is accepted; "4 or 9" where it seems to be a digit, but may be either; else
            "not a digit". See `Recognizer`.
        alternatives: the labels and their probabilities, the most likely first; what they lack to 1 is the
            probability that it is no digit, where the model knows what is none.
        box: x, y, width, height in pixels of the picture; None for strokes.
        strokes: the numbers of the strokes that it is made of; None for a picture.
        glyph: (28, 28) uint8, what the model saw.
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
        """Plain values, without the glyph."""
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
class Reading:
    """What was read from one picture or from one set of strokes.

    Attributes:
        text: the labels; "?" for a digit not accepted, a space at a wide gap, a newline between lines.
        confidence: the probability that the best guesses are all right; 0 where nothing was found.
        accepted: whether there are digits and all of them are accepted.
        digits: in reading order.
        reason: why the text is empty or not accepted, else None.
        unconstrained: what was read without the constraint, where one was given, else None.
        model: name of the model.
        elapsed_ms: from the picture to the reading, milliseconds.
        picture: (H, W) uint8, what was read, None for strokes.
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

    def to_dict(self) -> dict[str, Any]:
        """Plain values, without picture and glyphs."""
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
        """One line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    def overlay(self) -> Image.Image:
        """The picture with a box and the label at each digit: green where accepted, red where not.

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
            colour = _ACCEPTED_COLOR if digit.accepted else _REJECTED_COLOR
            line = max(1, h // 30)
            draw.rectangle([x - line, y - line, x + w + line, y + h + line], outline=colour, width=line)
            font = ImageFont.load_default(max(10, h // 3))
            draw.text((x, y - line), digit.label, fill=colour, font=font, anchor="lb")
        return image
