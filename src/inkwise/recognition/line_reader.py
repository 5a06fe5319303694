"""Numbers of any length: a strip of ink in, the likeliest text out, with a box and a probability a digit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from operator import eq
from pathlib import Path
from typing import TypeGuard

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import ModelError
from inkwise._util.text import DIGITS
from inkwise.preprocessing import Box, inks_to_glyphs
from inkwise.preprocessing.line_image import LINE_HEIGHT
from inkwise.recognition.constraints import (
    UNCONSTRAINED,
    Constraint,
    DecodedText,
    decode_best,
    decode_constrained,
)
from inkwise.recognition.ctc.alignment import Lattice, symbol_posteriors, text_likelihoods, viterbi_alignment
from inkwise.recognition.model import dated_name, model_source, open_session, run_session

_WEIGHTS = resources.files("inkwise.recognition") / "weights" / "lines"
LINE_MARGIN = 8
"""Columns of paper on either side of a strip, as it is read and as it is learnt."""

_EXTRA_SCALES = (1.12, 0.88)  # in which a strip is seen besides its own
_SINGLE_DIGIT_WEIGHT = 0.5  # the say of the reader of single digits, as an exponent
_MIN_RELATIVE_PROBABILITY = 0.05  # share of the likeliest text's probability that this must reach
_BLANK_PENALTIES = (2.0, 4.0)  # by which no digit is taken for less likely, logarithms
_SKIPPED_INK_FACTOR = 0.05  # times as much is a text worth for each tall piece of ink that it passes over
_COMPONENT_MARGIN = 3  # columns beside a piece of ink that belong to it
_MIN_PROBABILITY = 1e-4  # a probability that weighs as much as any below
_COLUMNS_PER_FRAME = 2  # columns of a strip for each frame of the lattice
_MAX_DIGIT_REACH = 14  # columns that a digit reaches out at most from where it is told


class LineModel:
    """An ONNX session from strips to lattices.

    Attributes:
        name: "recipe (day of training)".
        threshold: what the probability of a text, or of a digit, must reach to be accepted.
        metadata: temperature, threshold, recipe, data, metrics and versions of the training.
    """

    def __init__(self, source: str | Path | bytes, *, threads: int = 0) -> None:
        """Open a model file.

        Args:
            source: the .onnx file, or its bytes.
            threads: processor threads to use; 0 takes one a core.

        Raises:
            ModelError: no such file, not ONNX, or not made by Inkwise to read lines.
        """
        self._session, self.metadata = open_session(
            source, threads, {"name": str, "threshold": float}, "strips", ["lattices"]
        )
        self.threshold = float(self.metadata["threshold"])
        self.name = dated_name(self.metadata)

    @classmethod
    def bundled(cls, *, threads: int = 0) -> LineModel:
        """The weights that come with the package."""
        return cls(line_model_source("default"), threads=threads)

    def run(self, image: NDArray[np.uint8]) -> Lattice:
        """Log-probabilities (t, 11) float32 of a strip (32, w) uint8: the blank, then the ten digits.

        Two columns make a frame; the first frame begins 8 columns left of the strip.

        Raises:
            ModelError: the model fails, or gives what are no such logarithms, such as NaN.
        """
        width = -(-(image.shape[1] + 2 * LINE_MARGIN) // 4) * 4
        wide = np.zeros((1, LINE_HEIGHT, width), np.uint8)
        wide[0, :, LINE_MARGIN : LINE_MARGIN + image.shape[1]] = image
        lattices = run_session(self._session, self.name, ["lattices"], {"strips": wide})[0]
        # NaN fails every comparison; rounding may lead a little above 0.
        fits = lattices.ndim == 3 and lattices.shape[::2] == (1, 1 + len(DIGITS))
        if not fits or not (lattices < 0.01).all():
            raise ModelError(f"the model {self.name} cannot be used: what it gives are no probabilities")
        return np.asarray(lattices[0], np.float32)


def line_model_source(name: str | Path) -> Path | bytes:
    """What `LineModel` opens for an .onnx file, a run folder, or the name of a bundled model.

    Raises:
        ModelError: it is none of the three, nor called .onnx.
    """
    return model_source(name, _WEIGHTS)


@dataclass(frozen=True)
class LineDigit:
    """One digit of a line.

    Attributes:
        label: the digit.
        probabilities: (10,) of the digits at this place, given all others; what they lack to 1 is the
            probability that there is none.
        box: x, y, width, height in the strip, pixels.
        glyph: (28, 28) uint8 of the ink in it.
    """

    label: str
    probabilities: NDArray[np.float64]
    box: Box
    glyph: NDArray[np.uint8]


@dataclass(frozen=True)
class LineReading:
    """What was read in a strip.

    Attributes:
        text: the likeliest digits, of those that satisfy the constraint; None if there are none that do.
        probability: of that text, among those that satisfy the constraint.
        support: the probability that the constraint holds, by the ink alone; 1 without one.
        free: the likeliest digits without the constraint.
        pieces: the digits of the text.
    """

    text: str | None
    probability: float
    support: float
    unconstrained: str
    digits: tuple[LineDigit, ...]


ClassifyDigits = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Probabilities (n, 10) of the ten digits, of glyphs (n, 28, 28) uint8."""


def read_line_image(
    model: LineModel,
    image: NDArray[np.uint8],
    classify: ClassifyDigits,
    constraint: Constraint | None = None,
    singles: NDArray[np.uint8] | None = None,
) -> LineReading:
    """Read the digits in a strip.

    The model sees it in several sizes, and its answers are averaged. Where they pass over tall ink, bolder
    answers are asked for, and ink that a text does not explain speaks against it. What a reader of single
    digits reads in the line's characters one by one, where they stand apart, is one answer more.

    Args:
        model: the reader of lines.
        image: (32, w) uint8.
        classify: the reader of single digits.
        constraint: what is known about the digits.
        singles: (n, 28, 28) uint8, the glyphs of what stands apart in the line, from the left; None where
            that is not known.
    """
    lattice = model.run(image)
    spelled = None if singles is None or not len(singles) else _spell_singles(classify, singles)
    free = decode_best(lattice, DIGITS)
    if constraint is None and spelled is not None and free.text == spelled[0]:
        return _make_line_reading(image, lattice, free, free)
    lattices = [lattice, *(model.run(_rescale(image, size)) for size in _EXTRA_SCALES)]
    tall = _tall_spans(image)

    def passed_over(text: str) -> int:
        """How many tall pieces of ink no digit of a text stands in."""
        spans = viterbi_alignment(lattice, _text_columns(text)) if text else []
        middles = [_COLUMNS_PER_FRAME * (first + last + 1) / 2 - LINE_MARGIN for first, last in spans]
        return sum(not any(left <= middle <= right for middle in middles) for left, right in tall)

    free = _vote(lattices, UNCONSTRAINED, passed_over, spelled)
    chosen = free if constraint is None else _vote(lattices, constraint, passed_over, spelled)
    return _make_line_reading(image, lattice, chosen, free)


def _tall_spans(image: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Where pieces of ink begin and end that are as tall as digits, with a little on both sides."""
    stats = cv2.connectedComponentsWithStats((image >= 128).astype(np.uint8), connectivity=8)[2]
    return [
        (x - _COMPONENT_MARGIN, x + w + _COMPONENT_MARGIN)
        for x, _, w, h, _ in stats[1:].tolist()
        if h >= LINE_HEIGHT // 2
    ]


def _rescale(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    height, width = image.shape
    wide = round(width * scale)
    matrix = np.array([[scale, 0, (wide - width * scale) / 2], [0, scale, (1 - scale) * height / 2]])
    return cv2.warpAffine(image, matrix, (wide, height))


def _spell_singles(classify: ClassifyDigits, singles: NDArray[np.uint8]) -> tuple[str, float]:
    """What single digits say one by one, passing over what is none, and how sure that is."""
    told = classify(singles)
    none = 1 - told.sum(1)
    sure = np.where(none > 0.5, none, told.max(1))
    text = "".join(DIGITS[row.argmax()] for row, rest in zip(told, none, strict=True) if rest <= 0.5)
    return text, float(np.prod(np.maximum(sure, _MIN_PROBABILITY)))


def _vote(
    lattices: list[Lattice],
    constraint: Constraint,
    passed_over: Callable[[str], int],
    spelled: tuple[str, float] | None,
) -> DecodedText:
    """Of the texts that are the likeliest in one lattice, that of the highest mean probability.

    Less what it passes over; or what single digits spelled, where the lattices hold that for possible.
    """
    found = [decode_constrained(lattice, DIGITS, constraint) for lattice in lattices]
    support = float(np.mean([one.support for one in found]))
    texts = {one.text for one in found if _has_enough_frames(one.text, lattices[0])}
    if not texts:
        return DecodedText(None, 0.0, support)
    if all(map(passed_over, texts)):
        bolder = (_penalize_blank(lattice, by) for by in _BLANK_PENALTIES for lattice in lattices)
        found = [decode_constrained(lattice, DIGITS, constraint) for lattice in bolder]
        texts.update(one.text for one in found if _has_enough_frames(one.text, lattices[0]))

    def probability(text: str) -> float:
        columns = _text_columns(text)[None]
        return float(np.mean([text_likelihoods(lattice, columns)[0] for lattice in lattices]))

    likely = {text: probability(text) for text in sorted(texts)}
    text = max(likely, key=lambda text: likely[text] * _SKIPPED_INK_FACTOR ** passed_over(text))
    likeliest = likely[text]
    if (
        spelled
        and spelled[0] not in ("", text)
        and constraint.decoder(DIGITS).accepts(_text_columns(spelled[0]))
    ):
        other = probability(spelled[0])
        if other * spelled[1] ** _SINGLE_DIGIT_WEIGHT > likeliest * _MIN_RELATIVE_PROBABILITY:
            text, likeliest = spelled[0], other
    return DecodedText(text, min(likeliest / support, 1.0), min(support, 1.0))


def _has_enough_frames(text: str | None, lattice: Lattice) -> TypeGuard[str]:
    """Whether there are enough frames for a text: of a larger view there are more."""
    return text is not None and len(text) + sum(map(eq, text, text[1:])) <= len(lattice)


def _penalize_blank(lattice: Lattice, penalty: float) -> Lattice:
    """A lattice in which no digit is less likely, by so much of its logarithm."""
    bolder = lattice - penalty * (np.arange(lattice.shape[1]) == 0)
    return np.asarray(bolder - np.logaddexp.reduce(bolder, axis=1, keepdims=True), np.float32)


def _make_line_reading(
    image: NDArray[np.uint8], lattice: Lattice, chosen: DecodedText, unconstrained: DecodedText
) -> LineReading:
    pieces = _line_digits(image, lattice, chosen.text) if chosen.text else ()
    return LineReading(chosen.text, chosen.probability, chosen.support, unconstrained.text or "", pieces)


def _text_columns(text: str) -> NDArray[np.int64]:
    """The columns (l,) of a lattice for a text's digits."""
    return np.array([DIGITS.index(digit) + 1 for digit in text], np.int64)


def _line_digits(image: NDArray[np.uint8], lattice: Lattice, text: str) -> tuple[LineDigit, ...]:
    boxes = _digit_boxes(image, lattice, text)
    told = symbol_posteriors(lattice, _text_columns(text))
    return tuple(map(LineDigit, text, told, boxes, _crop_glyphs(image, boxes)))


def _digit_boxes(image: NDArray[np.uint8], lattice: Lattice, text: str) -> list[Box]:
    """Where the digits of a text stand in the strip."""
    frames = viterbi_alignment(lattice, _text_columns(text))
    spans = [
        (_COLUMNS_PER_FRAME * first - LINE_MARGIN, _COLUMNS_PER_FRAME * (last + 1) - LINE_MARGIN)
        for first, last in frames
    ]
    return [_ink_box(image, left, right) for left, right in _expand_spans(image, spans)]


def _crop_glyphs(image: NDArray[np.uint8], boxes: list[Box]) -> NDArray[np.uint8]:
    """The (n, 28, 28) uint8 glyphs of the ink in boxes."""
    return inks_to_glyphs([image[y : y + h, x : x + w] for x, y, w, h in boxes])


def _expand_spans(image: NDArray[np.uint8], spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """From the columns at which digits are told to those they fill, up to bare paper or the thinnest ink."""
    width = image.shape[1]
    ink = image.astype(np.float64).sum(0)
    cuts = []
    for (_, last), (first, _) in pairwise(spans):
        low = min(max(last, 1), width - 2)
        high = max(min(first, width - 1), low + 1)
        cuts.append(low + int(ink[low:high].argmin()))
    lefts = [max(0, min(spans[0][0], width - 1) - _MAX_DIGIT_REACH), *cuts]
    rights = [*cuts, min(width, max(spans[-1][1], 1) + _MAX_DIGIT_REACH)]
    return [
        _trim_to_gaps(ink, left, right, (first + last) // 2)
        for left, right, (first, last) in zip(lefts, rights, spans, strict=True)
    ]


def _trim_to_gaps(ink: NDArray[np.float64], left: int, right: int, middle: int) -> tuple[int, int]:
    """Narrower, to the columns without ink that are next to the middle of a digit."""
    middle = min(max(middle, left), right - 1)  # a digit may be told in the margin
    bare = np.flatnonzero(ink[left:right] < 128) + left
    before, after = bare[bare < middle], bare[bare > middle]
    return (int(before[-1]) + 1 if len(before) else left), (int(after[0]) if len(after) else right)


def _ink_box(image: NDArray[np.uint8], left: int, right: int) -> Box:
    """Around the ink of these columns, or all of them where it is pale."""
    right = max(right, left + 1)
    x, y, w, h = cv2.boundingRect((image[:, left:right] >= 128).astype(np.uint8))
    return (left + x, y, w, h) if w else (left, 0, right - left, LINE_HEIGHT)


@cache
def bundled_line_model(threads: int) -> LineModel:
    """The bundled model, opened once for so many threads."""
    return LineModel.bundled(threads=threads)
