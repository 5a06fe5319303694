"""Single digits: the characters of a picture or of strokes, classified one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inkwise._util.text import DIGITS, NOT_A_DIGIT
from inkwise.preprocessing import (
    Box,
    Character,
    Strokes,
    binarize,
    group_strokes,
    main_character,
    strokes_to_glyphs,
    to_glyphs,
    to_stroke_arrays,
)
from inkwise.preprocessing.clutter import fill_outline, without_dots, without_thin_lines
from inkwise.recognition.adaptation import Adaptation
from inkwise.recognition.model import Model
from inkwise.recognition.reading import Digit, Number, Reading, rejection_reason

MIN_DIGIT_PROBABILITY = 0.9
"""Probability of all labels together from which only the label is in doubt."""

_MIN_SPACE_GAP = 0.8  # gap, as a fraction of digit height, above which a space is inserted


@dataclass(frozen=True, eq=False)
class DigitReader:
    """Reads characters one by one.

    Attributes:
        model: the classifier.
        adaptation: correction of its probabilities, learnt from samples.
    """

    model: Model
    adaptation: Adaptation | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of the model, followed by those of the adaptation."""
        return self.adaptation.labels if self.adaptation else self.model.labels

    def classify(self, glyphs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities (n, k) float32 of glyphs (n, 28, 28) uint8, columns as in `labels`."""
        probabilities, embeddings = self.model.run(glyphs)
        return self.adaptation.adjust(probabilities, embeddings) if self.adaptation else probabilities

    def digit_probabilities(self, glyphs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities (n, 10) of the ten digits; 0 for a digit that is not among the labels."""
        probabilities = self.classify(glyphs)
        ten = np.zeros((len(glyphs), len(DIGITS)), np.float32)
        for column, label in enumerate(self.labels):
            if label in {*DIGITS}:
                ten[:, DIGITS.index(label)] = probabilities[:, column]
        return ten

    def read_digit(self, grey: NDArray[np.uint8]) -> Reading:
        """Read a picture (H, W) uint8 of exactly one digit."""
        digit = self.main_digit(grey)
        return self.to_reading(() if digit is None else (digit,), grey)

    def read_strokes(self, strokes: Strokes, *, single: bool) -> Reading:
        """Read strokes as one line of digits, or as one digit if `single`."""
        checked = to_stroke_arrays(strokes)
        groups = [list(range(len(checked)))] if single and len(checked) else group_strokes(checked)
        if not groups:
            return self.to_reading(())
        glyphs = strokes_to_glyphs([[checked[index] for index in group] for group in groups])
        found = zip(self.classify(glyphs), glyphs, groups, strict=True)
        return self.to_reading(tuple(self._digit(p, glyph, strokes=tuple(own)) for p, glyph, own in found))

    def main_digit(self, grey: NDArray[np.uint8]) -> Digit | None:
        """Read the main character of a picture (H, W) uint8; None if there is no ink."""
        return self.main_digit_of_ink(binarize(grey))

    def main_digit_of_ink(self, ink: NDArray[np.uint8]) -> Digit | None:
        """Read the main character of ink (H, W) uint8; None if there is none."""
        character = main_character(ink)
        return None if character is None else self.read_lone(character)

    def read_lone(self, character: Character) -> Digit:
        """Read a character that is one digit: the most probable of its versions without clutter.

        Thin lines are only removed if it is rejected with them.
        """
        ink = character.ink
        digits = self._read_versions(character, [ink, fill_outline(ink), without_dots(ink)])
        if not any(digit.accepted for digit in digits):
            digits += self._read_versions(character, without_thin_lines(ink))
        return max(digits, key=lambda digit: digit.probability)

    def _read_versions(self, character: Character, inks: Iterable[NDArray[np.uint8] | None]) -> list[Digit]:
        versions = [ink for ink in inks if ink is not None and (ink >= 128).any()]
        return self.read_characters([replace(character, ink=ink) for ink in versions])

    def read_characters(self, characters: list[Character]) -> list[Digit]:
        """Read characters one by one."""
        if not characters:
            return []
        glyphs = np.concatenate([to_glyphs(character.ink[None]) for character in characters])
        found = zip(self.classify(glyphs), glyphs, characters, strict=True)
        return [self._digit(p, glyph, box=character.box) for p, glyph, character in found]

    def _digit(
        self,
        probabilities: NDArray[np.float32],
        glyph: NDArray[np.uint8],
        box: Box | None = None,
        strokes: tuple[int, ...] | None = None,
    ) -> Digit:
        order = np.argsort(-probabilities, kind="stable")
        labels, threshold = self.labels, self.model.threshold
        alternatives = tuple((labels[i], float(probabilities[i])) for i in order)
        (label, probability), (second, second_probability) = alternatives[:2]
        accepted = probability >= threshold
        if self.model.rejects:
            is_digit = probabilities.sum() >= min(threshold, MIN_DIGIT_PROBABILITY)
        else:  # the probabilities of the labels sum to 1, even for a non-digit
            is_digit = probability + second_probability >= threshold
        doubt = None if accepted else f"{label} or {second}" if is_digit else NOT_A_DIGIT
        return Digit(label, probability, accepted, doubt, alternatives, box, strokes, glyph)

    def to_reading(self, digits: tuple[Digit, ...], picture: NDArray[np.uint8] | None = None) -> Reading:
        """Return a reading of one number with these digits."""
        numbers = [Number.from_digits(digits)] if digits else []
        reason = rejection_reason(digits)
        return Reading.from_numbers(numbers, model=self.model.name, reason=reason, picture=picture)
