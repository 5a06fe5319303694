"""The facade: pictures, strokes and glyphs in, readings and probabilities out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwise.ink import (
    Box,
    Picture,
    Strokes,
    characters,
    decode,
    group_strokes,
    separate,
    single,
    stroke_glyph,
    to_glyphs,
)
from inkwise.recognition.model import Model
from inkwise.recognition.reading import Digit, Reading

_GAP = 0.8  # a space stands where the gap is wider than this share of the digits' height

_NO_INK = "no ink: nothing stands out from the background"


class Recognizer:
    """Reads digits with one model.

    >>> Recognizer().read("docs/sample-sheet.jpg").text  # doctest: +SKIP
    '0123456789'
    """

    def __init__(self, model: str | Path | None = None, *, threads: int = 0) -> None:
        """Open a model.

        Args:
            model: an .onnx file that Inkwise trained; None takes the bundled weights.
            threads: processor threads to use; 0 takes one a core.

        Raises:
            ModelError: the file cannot be used.
        """
        self.model = Model.bundled(threads=threads) if model is None else Model(model, threads=threads)

    def read(self, image: Picture) -> Reading:
        """Read any number of digits: lines from the top, digits from the left.

        Args:
            image: path, bytes of a file, PIL image, or (H, W) or (H, W, 3|4) uint8 array.

        Raises:
            PictureError: the picture cannot be decoded.
        """
        began = time.perf_counter()
        picture = decode(image)
        lines = characters(separate(picture))
        found = [character for line in lines for character in line]
        glyphs = [to_glyphs(character.ink[None])[0] for character in found]
        text = "\n".join("".join(_spaced([character.box for character in line])) for line in lines)
        return self._reading(glyphs, [character.box for character in found], text, picture, began)

    def read_digit(self, image: Picture) -> Reading:
        """Read exactly one digit: the picture is never split, and marks from outside are left out.

        Args:
            image: as for `read`.

        Raises:
            PictureError: the picture cannot be decoded.
        """
        began = time.perf_counter()
        picture = decode(image)
        character = single(separate(picture))
        if character is None:
            return self._reading([], [], "", picture, began)
        return self._reading([to_glyphs(character.ink[None])[0]], [character.box], "{}", picture, began)

    def read_strokes(self, strokes: Strokes, *, single: bool = False) -> Reading:
        """Read what a pen, finger or mouse drew.

        Args:
            strokes: list of (n, 2) arrays, x right, y down, in any unit.
            single: take all strokes for one digit.

        Raises:
            InkwiseError: a stroke is malformed.
        """
        began = time.perf_counter()
        groups = [strokes] if single else group_strokes(strokes)
        glyphs = [glyph for group in groups if (glyph := stroke_glyph(group)) is not None]
        return self._reading(glyphs, [None] * len(glyphs), "{}" * len(glyphs), None, began)

    def classify(self, glyphs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities (n, k) float32 of glyphs (n, 28, 28) uint8, columns as in `model.labels`.

        Raises:
            InkwiseError: glyphs of another shape or dtype.
        """
        return self.model.run(glyphs)[0]

    def embed(self, glyphs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embeddings (n, d) float32 of glyphs (n, 28, 28) uint8: near for digits that look alike.

        Raises:
            InkwiseError: glyphs of another shape or dtype.
        """
        return self.model.run(glyphs)[1]

    def _reading(
        self,
        glyphs: list[NDArray[np.uint8]],
        boxes: Sequence[Box | None],
        text: str,
        picture: NDArray[np.uint8] | None,
        began: float,
    ) -> Reading:
        """Classify, and fill the digits into `text`, which has a {} for each."""
        digits: tuple[Digit, ...] = ()
        reason: str | None = _NO_INK
        if glyphs:
            probabilities = self.classify(np.stack(glyphs))
            digits = tuple(map(self._digit, probabilities, boxes, glyphs))
            unsure = sum(not digit.accepted for digit in digits)
            reason = f"{unsure} of {len(digits)} not sure enough to be accepted" if unsure else None
        return Reading(
            text=text.format(*(digit.label if digit.accepted else "?" for digit in digits)),
            confidence=float(np.prod([digit.probability for digit in digits])) if digits else 0.0,
            accepted=reason is None,
            digits=digits,
            reason=reason,
            model=self.model.name,
            elapsed_ms=1000 * (time.perf_counter() - began),
            picture=picture,
        )

    def _digit(self, probabilities: NDArray[np.float32], box: Box | None, glyph: NDArray[np.uint8]) -> Digit:
        order = np.argsort(-probabilities, kind="stable")
        alternatives = tuple((self.model.labels[i], float(probabilities[i])) for i in order)
        label, probability = alternatives[0]
        return Digit(label, probability, probability >= self.model.threshold, alternatives, box, glyph)


def _spaced(boxes: list[Box]) -> list[str]:
    """A {} for each box of a line, with a space before it where the gap is wide."""
    height = float(np.median([h for _, _, _, h in boxes]))
    parts = ["{}"]
    for (x, _, w, _), (following, _, _, _) in pairwise(boxes):
        parts.append(" {}" if following - (x + w) > _GAP * height else "{}")
    return parts


@cache
def _default() -> Recognizer:
    return Recognizer()


def read(image: Picture) -> Reading:
    """Read any number of digits with the bundled weights; see `Recognizer.read`."""
    return _default().read(image)
