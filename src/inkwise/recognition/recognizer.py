"""The facade: pictures, strokes and glyphs in, readings and probabilities out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import InkwiseError
from inkwise._util.text import DIGITS, NOT_A_DIGIT
from inkwise.image import ImageSource, load_image
from inkwise.preprocessing import (
    GLYPH_SIDE,
    Box,
    Character,
    Strokes,
    binarize,
    group_strokes,
    main_character,
    segment_characters,
    strokes_to_glyph,
    to_glyphs,
)
from inkwise.preprocessing.layout import Region
from inkwise.preprocessing.line_image import strokes_to_line_image, to_line_image
from inkwise.recognition.adaptation import Adaptation
from inkwise.recognition.constraints import Constraint
from inkwise.recognition.line_reader import LineModel, bundled_line_model
from inkwise.recognition.model import Model, model_source
from inkwise.recognition.number_reader import read_number_line
from inkwise.recognition.page_reader import read_page
from inkwise.recognition.reading import NO_INK, Digit, Reading

_MIN_DIGIT_PROBABILITY = 0.9  # so likely it is one of the labels, where nothing more than which is in doubt
_MIN_SPACE_GAP = 0.8  # a space stands where the gap is wider than this share of the digits' height

_LocatedGlyph = tuple[NDArray[np.uint8], Box | None, tuple[int, ...] | None]  # glyph, and where it comes from


class Recognizer:
    """Reads digits with one model.

    >>> Recognizer().read("docs/sample-sheet.jpg").text  # doctest: +SKIP
    '0123456789'
    """

    def __init__(
        self,
        model: str | Path | Model | None = None,
        *,
        threads: int = 0,
        adaptation: Adaptation | None = None,
        line_model: LineModel | None = None,
    ) -> None:
        """Open a model.

        Args:
            model: an .onnx file that Inkwise trained, a run folder, the name of a bundled model, or an open
                one; None takes "default".
            threads: processor threads to use; 0 takes one a core.
            adaptation: what was taught, for this model; `adapt` makes one.
            line_model: what reads whole numbers; None takes the bundled one.

        Raises:
            ModelError: the file cannot be used.
        """
        model = "default" if model is None else model
        self.model = model if isinstance(model, Model) else Model(model_source(model), threads=threads)
        self._adaptation = adaptation
        self._lines, self._threads = line_model, threads

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes: the model's, then those that were taught."""
        return self._adaptation.labels if self._adaptation else self.model.labels

    def adapt(self, glyphs: NDArray[np.uint8], labels: NDArray[np.str_]) -> Recognizer:
        """A recogniser of the same model that has learnt these samples as well, and no others; at once.

        Args:
            glyphs: (n, 28, 28) uint8, n >= 1.
            labels: (n,) str, what they truly are; a few of a label that the model does not know make it one
                that is read.

        Raises:
            InkwiseError: glyphs of another shape or dtype, or not as many labels.
        """
        if len(glyphs) != len(labels) or not len(glyphs):
            raise InkwiseError(f"{len(glyphs)} glyphs and {len(labels)} labels: one each, at least one")
        memory = Adaptation(self.model, labels, *self.model.run(glyphs))
        return Recognizer(self.model, threads=self._threads, adaptation=memory, line_model=self._lines)

    def read(self, image: ImageSource) -> Reading:
        """Read any number of digits: lines from the top, digits from the left.

        On a page, which is large and whose writing is small, numbers are found and read as `read_number`
        does, and print is passed over.

        Args:
            image: path, bytes of a file, PIL image, or (H, W) or (H, W, 3|4) uint8 array.

        Raises:
            PictureError: the picture cannot be decoded.
        """
        began = time.perf_counter()
        picture = load_image(image)
        page = read_page(
            picture, self._get_line_model, self._digit_probabilities, self._classify_region, began
        )
        if page is not None:
            return page
        lines = segment_characters(binarize(picture))
        marks = [_locate_glyph(character) for line in lines for character in line]
        text = "\n".join("".join(_with_spaces([character.box for character in line])) for line in lines)
        return self._reading(marks, text, picture, began)

    def read_digit(self, image: ImageSource) -> Reading:
        """Read exactly one digit: the picture is never split, and marks from outside are left out.

        Args:
            image: as for `read`.

        Raises:
            PictureError: the picture cannot be decoded.
        """
        began = time.perf_counter()
        picture = load_image(image)
        character = main_character(binarize(picture))
        marks = [] if character is None else [_locate_glyph(character)]
        return self._reading(marks, "{}" * len(marks), picture, began)

    def read_strokes(self, strokes: Strokes, *, single: bool = False) -> Reading:
        """Read what a pen, finger or mouse drew.

        Args:
            strokes: list of (n, 2) arrays, x right, y down, in any unit.
            single: take all strokes for one digit.

        Raises:
            InkwiseError: a stroke is malformed.
        """
        began = time.perf_counter()
        groups = group_strokes(strokes)
        if single and groups:
            groups = [list(range(len(strokes)))]
        marks: list[_LocatedGlyph] = []
        for group in groups:
            glyph = strokes_to_glyph([strokes[number] for number in group])
            if glyph is not None:
                marks.append((glyph, None, tuple(group)))
        return self._reading(marks, "{}" * len(marks), None, began)

    def read_number(self, number: ImageSource | Strokes, constraint: Constraint | None = None) -> Reading:
        """Read one number, whose digits may touch, as a whole.

        What is no digit (dots, commas, signs of currency, closing lines, printed patterns) is passed over.

        Args:
            number: a picture that holds one line, as for `read`, or strokes, as for `read_strokes`.
            constraint: what is known about it. The text is then the likeliest of those that satisfy it, and
                `unconstrained` what was read without it.

        Raises:
            PictureError: the picture cannot be decoded.
            InkwiseError: a stroke is malformed.
        """
        began = time.perf_counter()
        lines = self._get_line_model()
        if isinstance(number, Sequence) and not isinstance(number, str | bytes):
            found, singles = strokes_to_line_image(number), _stroke_glyphs(number)
            return read_number_line(
                lines, self._digit_probabilities, found, constraint, began, strokes=number, singles=singles
            )
        picture = load_image(number)
        found = to_line_image(binarize(picture, ink_expected=True))
        return read_number_line(lines, self._digit_probabilities, found, constraint, began, picture=picture)

    def classify(self, glyphs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities (n, k) float32 of glyphs (n, 28, 28) uint8, columns as in `labels`.

        Raises:
            InkwiseError: glyphs of another shape or dtype.
        """
        probabilities, embeddings = self.model.run(glyphs)
        return self._adaptation.adjust(probabilities, embeddings) if self._adaptation else probabilities

    def embed(self, glyphs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embeddings (n, d) float32 of glyphs (n, 28, 28) uint8: near for digits that look alike.

        Raises:
            InkwiseError: glyphs of another shape or dtype.
        """
        return self.model.run(glyphs)[1]

    def _get_line_model(self) -> LineModel:
        return self._lines or bundled_line_model(self._threads)

    def _digit_probabilities(self, glyphs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities (n, 10) of the ten digits; one that is no label of the model has none."""
        probabilities = self.classify(glyphs)
        ten = np.zeros((len(glyphs), len(DIGITS)), np.float32)
        for column, label in enumerate(self.labels):
            if label in {*DIGITS}:
                ten[:, DIGITS.index(label)] = probabilities[:, column]
        return ten

    def _classify_region(self, region: Region) -> Digit | None:
        """The digit in a region of a page, or None where it is none."""
        character = main_character(region.ink)
        if character is None:
            return None
        glyph = to_glyphs(character.ink[None])
        digit = self._digit(self.classify(glyph)[0], (glyph[0], region.to_image(character.box), None))
        return None if digit.doubt == NOT_A_DIGIT else digit

    def _reading(
        self, sources: list[_LocatedGlyph], text: str, picture: NDArray[np.uint8] | None, started: float
    ) -> Reading:
        """Classify, and fill the digits into `text`, which has a {} for each."""
        digits: tuple[Digit, ...] = ()
        reason: str | None = NO_INK
        if sources:
            probabilities = self.classify(np.stack([glyph for glyph, _, _ in sources]))
            digits = tuple(map(self._digit, probabilities, sources))
            reason = _rejection_reason(digits)
        return Reading(
            text=text.format(*(digit.label if digit.accepted else "?" for digit in digits)),
            confidence=float(np.prod([digit.probability for digit in digits])) if digits else 0.0,
            accepted=reason is None,
            digits=digits,
            reason=reason,
            model=self.model.name,
            elapsed_ms=1000 * (time.perf_counter() - started),
            picture=picture,
        )

    def _digit(self, probabilities: NDArray[np.float32], source: _LocatedGlyph) -> Digit:
        glyph, box, strokes = source
        order = np.argsort(-probabilities, kind="stable")
        alternatives = tuple((self.labels[i], float(probabilities[i])) for i in order)
        (label, probability), (second, beside) = alternatives[:2]
        threshold = self.model.threshold
        accepted = probability >= threshold
        if self.model.rejects:
            a_digit = probabilities.sum() >= min(threshold, _MIN_DIGIT_PROBABILITY)
        else:  # all labels together are 1, whatever it is
            a_digit = probability + beside >= threshold
        doubt = f"{label} or {second}" if a_digit else NOT_A_DIGIT
        return Digit(
            label, probability, accepted, None if accepted else doubt, alternatives, box, strokes, glyph
        )


def _locate_glyph(character: Character) -> _LocatedGlyph:
    return to_glyphs(character.ink[None])[0], character.box, None


def _stroke_glyphs(strokes: Strokes) -> NDArray[np.uint8]:
    """The glyphs (n, 28, 28) of strokes that stand apart, from the left."""
    glyphs = [strokes_to_glyph([strokes[number] for number in group]) for group in group_strokes(strokes)]
    return np.array([glyph for glyph in glyphs if glyph is not None], np.uint8).reshape(
        -1, GLYPH_SIDE, GLYPH_SIDE
    )


def _rejection_reason(digits: tuple[Digit, ...]) -> str | None:
    doubts = [digit.doubt for digit in digits if digit.doubt]
    if not doubts:
        return None
    if len(digits) == 1:
        return doubts[0] if doubts[0] == NOT_A_DIGIT else f"not sure: {doubts[0]}"
    return f"{len(doubts)} of {len(digits)} not sure enough to be accepted"


def _with_spaces(boxes: list[Box]) -> list[str]:
    """A {} for each box of a line, with a space before it where the gap is wide."""
    height = float(np.median([h for _, _, _, h in boxes]))
    parts = ["{}"]
    for (x, _, w, _), (following, _, _, _) in pairwise(boxes):
        parts.append(" {}" if following - (x + w) > _MIN_SPACE_GAP * height else "{}")
    return parts


@cache
def _default_recognizer() -> Recognizer:
    return Recognizer()


def read(image: ImageSource) -> Reading:
    """Read any number of digits with the bundled weights; see `Recognizer.read`."""
    return _default_recognizer().read(image)
