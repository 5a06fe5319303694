"""Numbers: a line is read as a whole, with its separators, and a box and a probability for each digit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from inkwise._util.text import DIGITS, NOT_A_DIGIT, digits_of
from inkwise.preprocessing import Box, binarize
from inkwise.preprocessing.line_image import LineImage, to_line_image
from inkwise.preprocessing.line_marks import Span, mark_spans, tall_spans
from inkwise.recognition.constraints import Constraint
from inkwise.recognition.ctc.decoding import (
    BeamSearchDecoder,
    DecodedText,
    Lattice,
    decode,
    fits,
    merge_into_blank,
    penalize_blank,
    text_columns,
    text_likelihood,
    viterbi_alignment,
)
from inkwise.recognition.digit_location import digit_posteriors, locate_digits, with_box_glyphs
from inkwise.recognition.model import FRAME_COLUMNS, UNKNOWN, LineModel, bundled_line_model
from inkwise.recognition.reading import NO_INK, Digit, Number, Reading, number_text
from inkwise.recognition.slashes import resolve_slashes

SKIPPED = "not sure: high ink in the line was not read"
UNREAD_MARK = "not sure: a mark beside the digits was not read"
NOT_A_NUMBER = "not sure: more than digits and separators is written"
"""Reasons why a number is not accepted."""

_SURE = 0.9  # probability from which a text needs no other candidates
_SINGLE_DIGIT_WEIGHT = 0.5  # exponent of the probability of the digits that are classified one by one
_MIN_RELATIVE_PROBABILITY = 0.05  # of such a text, relative to the most likely text
_MIN_SPELLED, _MAX_UNSURE = 0.9, 0.3  # probabilities of both texts from which what is spelled wins
_BLANK_PENALTIES = (2.0, 4.0)  # subtracted from the blank log-probability where all texts skip tall ink
_SKIPPED_INK_FACTOR = 0.05  # factor of a text's probability for each tall component that it skips
_TALL_MARGINS = 8, 8  # columns beside tall ink in which its digit, or its separator, may be centred
_MARK_MARGINS = 0, 10  # the same for low ink: a digit beside a point does not stand for it
_MIN_PROBABILITY = 1e-4  # floor of the probabilities of single digits
_MIN_WORD = 0.5  # probability from which a line is a word
_MIN_SUPPORT = 0.01  # probability of a constraint, by the ink alone, below which its text is rejected


@dataclass(frozen=True, eq=False)
class LineReading:
    """The result for one line image.

    Attributes:
        text: the most likely text that satisfies the constraint; None if none fits.
        probability: of that text, among those that satisfy the constraint.
        support: probability, by the ink alone, that the constraint holds; 1 without one.
        unconstrained: the most likely text without the constraint.
        reason: why the text is not accepted, else None.
        image: (48, w) uint8, the line image.
        locate: finds the digits of the text, with boxes in pixels of the line image, but without glyphs.
        is_word: whether a word without digits is written.
    """

    text: str | None
    probability: float
    support: float
    unconstrained: str
    reason: str | None
    image: NDArray[np.uint8]
    locate: Callable[[], tuple[Digit, ...]]
    is_word: bool = False

    @cached_property
    def digits(self) -> tuple[Digit, ...]:
        """The digits of the text, with boxes in pixels of the line image, and glyphs of the ink in them."""
        return with_box_glyphs(self.locate(), self.image)


@dataclass(frozen=True, eq=False)
class NumberReader:
    """Reads lines with a line model, supported by the digits that are classified one by one.

    Attributes:
        line_model: None is the bundled one, opened when it is first needed.
        threads: processor threads of the bundled one; 0 is one per core.
    """

    line_model: LineModel | None = None
    threads: int = 0

    @property
    def model(self) -> LineModel:
        """The line model."""
        return self.line_model or bundled_line_model(self.threads)

    def read_image(self, grey: NDArray[np.uint8], constraint: Constraint | None = None) -> Reading:
        """Read a picture (H, W) uint8 of one number."""
        image = to_line_image(binarize(grey, ink_expected=True))
        if image is None:
            return self.to_reading(None, (), constraint, grey)
        line = self.read_line(image.ink, constraint)
        return self.to_reading(line, _to_picture(line.digits, image, grey.shape), constraint, grey)

    def read_line(
        self,
        image: NDArray[np.uint8],
        constraint: Constraint | None = None,
        singles: NDArray[np.float32] | None = None,
    ) -> LineReading:
        """Read a line image (48, w) uint8.

        Unless the text is sure at once, other candidates are compared: if it skips tall ink, those of a lower
        probability of the blank, where each skipped component reduces the probability of a text; and the
        digits that the digit reader spells from characters that stand apart.

        Args:
            image: the line.
            constraint: what is known about the number.
            singles: probabilities (n, 10) of the ten digits of the characters that stand apart, from the
                left, if known.
        """
        model, symbols = self.model, self.model.symbols
        lattice = model.run(image)
        if of_digits := constraint is not None and constraint.is_of_digits:
            symbols, lattice = DIGITS, merge_into_blank(lattice, len(DIGITS))
        decoder = None if constraint is None else constraint.decoder(symbols)
        spelled = None if singles is None or not len(singles) else _spell(singles)
        chosen = free = decode(lattice, symbols)
        alike = spelled is not None and digits_of(free.text or "") == spelled[0]
        tall = tall_spans(image)
        if decoder is not None or not (alike or free.probability >= _SURE):
            chosen = free = _best_candidate(free, lattice, symbols, None, tall, spelled)
            if decoder is not None:
                best = decode(lattice, symbols, decoder)
                chosen = _best_candidate(best, lattice, symbols, decoder, tall, spelled)
        if decoder is None:
            chosen = free = resolve_slashes(
                free, lambda text: text_likelihood(lattice, text_columns(text, symbols))
            )
        alike = spelled is not None and spelled[0] == digits_of(chosen.text or "") != ""
        if spelled is not None and not alike and decoder is None:
            chosen = _prefer_spelled(chosen, lattice, *spelled)
        text = chosen.text or ""
        posteriors = digit_posteriors(lattice, text)
        if spelled is not None and alike:
            chosen = _confirm(chosen, lattice, posteriors, *spelled)
        unconstrained = (free.text or "").replace(UNKNOWN, "")
        reason = text_rejection_reason(chosen, unconstrained, model.threshold)
        aligned = viterbi_alignment(lattice, text_columns(text, symbols)) if text else []
        if reason is None and text:
            if _unread(text, aligned, tall, _TALL_MARGINS):
                reason = SKIPPED
            elif not of_digits and _unread(text, aligned, mark_spans(image), _MARK_MARGINS):
                reason = UNREAD_MARK
        min_probability = 0.0 if reason is None else model.threshold
        return LineReading(
            None if chosen.text is None else text.replace(UNKNOWN, ""),
            chosen.probability,
            chosen.support,
            unconstrained,
            reason,
            image,
            partial(locate_digits, image, text, aligned, posteriors, min_probability),
            is_word=UNKNOWN in text and not digits_of(text) and chosen.probability >= _MIN_WORD,
        )

    def to_reading(
        self,
        line: LineReading | None,
        digits: tuple[Digit, ...],
        constraint: Constraint | None,
        picture: NDArray[np.uint8] | None = None,
    ) -> Reading:
        """Return the reading of a line, None for one without ink, with digits in pixels of the picture."""
        reason, unconstrained = (NO_INK, "") if line is None else (line.reason, line.unconstrained)
        numbers = [line_number(line, digits)] if line and digits else []
        return Reading.from_numbers(
            numbers,
            model=self.model.name,
            reason=reason,
            picture=picture,
            unconstrained=None if constraint is None else unconstrained,
        )


def line_number(line: LineReading, digits: tuple[Digit, ...], text_line: int = 0) -> Number:
    """Return the number of a line, with digits in pixels of the picture."""
    return Number(number_text(line.text or "", digits), line.probability, line.reason, digits, text_line)


def text_rejection_reason(decoded: DecodedText, unconstrained: str, threshold: float) -> str | None:
    """Return why the text of a number is not accepted, else None."""
    if decoded.text is None or decoded.support < _MIN_SUPPORT:
        ruled_out = f"the ink says {unconstrained}, which the constraint rules out"
        return ruled_out if unconstrained else NOT_A_DIGIT
    if not digits_of(decoded.text):
        return NOT_A_DIGIT
    if UNKNOWN in decoded.text:
        return NOT_A_NUMBER
    if decoded.probability < threshold:
        return f"not sure of the whole: {decoded.text} with {decoded.probability:.1%}, below {threshold:.1%}"
    return None


def _spell(probabilities: NDArray[np.float32]) -> tuple[str, float]:
    """Return the text of digit probabilities (n, 10) without non-digits, and its probability."""
    non_digit = 1 - probabilities.sum(1)
    best = np.where(non_digit > 0.5, non_digit, probabilities.max(1))
    labels = np.where(non_digit > 0.5, -1, probabilities.argmax(1))
    text = "".join(DIGITS[label] for label in labels.tolist() if label >= 0)
    return text, float(np.prod(np.maximum(best, _MIN_PROBABILITY)))


def _best_candidate(
    best: DecodedText,
    lattice: Lattice,
    symbols: str,
    decoder: BeamSearchDecoder | None,
    tall: list[Span],
    spelled: tuple[str, float] | None,
) -> DecodedText:
    """Choose the most probable text among the best one, those that skip less ink, and what is spelled.

    A text is penalized for each tall component that it skips. The text that single digits spell is preferred
    if the lattice gives it some probability.
    """
    support = best.support
    skipped = _count_unread(lattice, symbols, [best], tall)
    if not skipped:
        return DecodedText(None, 0.0, support)
    if all(skipped.values()):
        bolder = [penalize_blank(lattice, penalty) for penalty in _BLANK_PENALTIES]
        found = [decode(one, symbols, decoder) for one in bolder]
        skipped |= _count_unread(lattice, symbols, found, tall)
    likelihoods = {text: text_likelihood(lattice, text_columns(text, symbols)) for text in sorted(skipped)}
    text = max(likelihoods, key=lambda text: likelihoods[text] * _SKIPPED_INK_FACTOR ** skipped[text])
    likelihood = likelihoods[text]
    if spelled and (other := _with_digits(text, spelled[0])) not in ("", text):
        columns = text_columns(other, symbols)
        allowed = decoder is None or decoder.accepts(columns)
        probability = text_likelihood(lattice, columns) if allowed else 0.0
        if probability * spelled[1] ** _SINGLE_DIGIT_WEIGHT > likelihood * _MIN_RELATIVE_PROBABILITY:
            text, likelihood = other, probability
    return DecodedText(text, min(likelihood / support, 1.0), min(support, 1.0))


def _with_digits(text: str, digits: str) -> str:
    """Return a text with other digits; "" if it holds separators, and not as many digits."""
    if len(digits_of(text)) != len(digits):
        return "" if text != digits_of(text) else digits
    rest = iter(digits)
    return "".join(next(rest) if symbol in DIGITS else symbol for symbol in text)


def _confirm(
    chosen: DecodedText, lattice: Lattice, posteriors: NDArray[np.float64], digits: str, probability: float
) -> DecodedText:
    """Raise the probability of a text whose digits are classified alike one by one.

    The same digits twice are more likely than either reader says; the classifier counts by half, since both
    readers err on the same writers. It says nothing about separators, nor whether a stroke is a 1 or a slash:
    it counts for the digits given that there is a digit at each position.

    Args:
        chosen: the text of the line.
        lattice: of the line.
        posteriors: (n, 10) float64, probabilities of the digits at each position of the text.
        digits: of the text.
        probability: of the digits by the classifier.
    """
    merged = merge_into_blank(lattice, len(DIGITS))
    likely = text_likelihood(merged, text_columns(digits, DIGITS)) / max(chosen.support, 1e-300)
    likely = max(min(likely, 1.0), chosen.probability)
    sums = iter(posteriors.sum(1).tolist())  # without either of two equal digits, the text is the same
    present = max(math.prod(max(next(sums) for _ in run) for _, run in groupby(digits)), likely)
    odds = [min(max(p, _MIN_PROBABILITY), 1 - _MIN_PROBABILITY) for p in (likely / present, probability)]
    line, single = (np.log(p / (1 - p)) for p in odds)
    sure = present / (1 + float(np.exp(-line - _SINGLE_DIGIT_WEIGHT * single)))
    return DecodedText(chosen.text, sure * chosen.probability / likely, chosen.support)


def _prefer_spelled(chosen: DecodedText, lattice: Lattice, spelled: str, probability: float) -> DecodedText:
    """Return what is spelled where the line is read as nothing likely and without separators."""
    if (
        len(spelled) > 1
        and probability >= _MIN_SPELLED
        and chosen.probability < _MAX_UNSURE
        and chosen.text == digits_of(chosen.text or "")
        and fits(spelled, lattice)
    ):
        return DecodedText(spelled, probability * (1 - chosen.probability), chosen.support)
    return chosen


def _count_unread(
    lattice: Lattice, symbols: str, found: Sequence[DecodedText], tall: Sequence[Span]
) -> dict[str, int]:
    """Count for each text that fits a lattice the tall components that none of its symbols stands for."""
    unread = {}
    for one in found:
        if (text := one.text) is not None and text not in unread and fits(text, lattice):
            aligned = viterbi_alignment(lattice, text_columns(text, symbols)) if text and tall else []
            unread[text] = _unread(text, aligned, tall, _TALL_MARGINS)
    return unread


def _unread(text: str, aligned: Sequence[Span], spans: Sequence[Span], margins: tuple[int, int]) -> int:
    """Count the components in which no symbol of a text, aligned to frames, is centred."""
    centres = [FRAME_COLUMNS * (first + last + 2) / 2 for first, last in aligned]
    reaches = [margins[symbol not in DIGITS] for symbol in text]
    return sum(
        not any(left - reach <= x <= right + reach for x, reach in zip(centres, reaches, strict=False))
        for left, right in spans
    )


def with_boxes(digits: tuple[Digit, ...], transform: Callable[[Box], Box]) -> tuple[Digit, ...]:
    """Return digits with transformed boxes."""
    return tuple(digit if digit.box is None else replace(digit, box=transform(digit.box)) for digit in digits)


def _to_picture(digits: tuple[Digit, ...], image: LineImage, shape: tuple[int, ...]) -> tuple[Digit, ...]:
    """Transform boxes of a line image to a picture of this shape and clip them to at least one pixel."""
    height, width = shape

    def clipped(box: Box) -> Box:
        x, y, w, h = image.box(*box)
        left, top = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
        right, bottom = min(max(x + w, left + 1), width), min(max(y + h, top + 1), height)
        return left, top, right - left, bottom - top

    return with_boxes(digits, clipped)
