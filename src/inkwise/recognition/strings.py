"""Numbers of any length: a strip of ink in, the likeliest text out, with a box and a probability a digit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise.ink import Box, to_glyphs
from inkwise.ink.line import HEIGHT
from inkwise.recognition.alignment import Lattice, alignment, alternatives, likelihoods
from inkwise.recognition.constraints import NOTHING_KNOWN, Constrained, Constraint, constrained
from inkwise.recognition.model import dated_name, model_source, open_session
from inkwise.texts import DIGITS

_WEIGHTS = resources.files("inkwise.recognition") / "weights" / "lines"
MARGIN = 8
"""Columns of paper on either side of a strip, as it is read and as it is learnt."""

_SIZES = (1.12, 0.88)  # in which a strip is seen besides its own
_SAY = 0.2  # of the reader of single digits, as an exponent
_UNLIKELY = 1e-4  # a probability that weighs as much as any below
_STEP = 2  # columns of a strip for each frame of the lattice
_REACH = 14  # columns that a digit reaches out at most from where it is told


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
        return cls(line_source("default"), threads=threads)

    def run(self, strip: NDArray[np.uint8]) -> Lattice:
        """Log-probabilities (t, 11) float32 of a strip (32, w) uint8: the blank, then the ten digits.

        Two columns make a frame; the first frame begins 8 columns left of the strip.
        """
        width = -(-(strip.shape[1] + 2 * MARGIN) // 4) * 4
        wide = np.zeros((1, HEIGHT, width), np.uint8)
        wide[0, :, MARGIN : MARGIN + strip.shape[1]] = strip
        return np.asarray(self._session.run(["lattices"], {"strips": wide})[0][0], np.float32)


def line_source(name: str | Path) -> Path | bytes:
    """What `LineModel` opens for an .onnx file, a run folder, or the name of a bundled model.

    Raises:
        ModelError: it is none of the three, nor called .onnx.
    """
    return model_source(name, _WEIGHTS)


@dataclass(frozen=True)
class Piece:
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
class Line:
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
    free: str
    pieces: tuple[Piece, ...]


Classify = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Probabilities (n, 10) of the ten digits, of glyphs (n, 28, 28) uint8."""


def read_strip(
    model: LineModel, strip: NDArray[np.uint8], classify: Classify, constraint: Constraint | None = None
) -> Line:
    """Read the digits in a strip.

    The model sees it in several sizes, and its answers are averaged. Where they differ, a reader of single
    digits has a say in which it is.

    Args:
        model: the reader of lines.
        strip: (32, w) uint8.
        classify: the reader of single digits.
        constraint: what is known about the digits.
    """
    lattices = [model.run(view) for view in _views(strip)]

    def weight(text: str) -> float:
        """Of a text by its single digits."""
        glyphs = [_glyph(strip, box) for box in _boxes(strip, lattices[0], text)]
        told = classify(np.stack(glyphs))[np.arange(len(text)), [*map(DIGITS.index, text)]]
        return float(np.prod(np.maximum(told, _UNLIKELY) ** _SAY))

    free = _agreed(lattices, NOTHING_KNOWN, weight)
    chosen = free if constraint is None else _agreed(lattices, constraint, weight)
    pieces = _pieces(strip, lattices[0], chosen.text) if chosen.text else ()
    return Line(chosen.text, chosen.probability, chosen.support, free.text or "", pieces)


def _views(strip: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """The strip in several sizes, about the middle of its height."""
    return [strip, *(_scaled(strip, size) for size in _SIZES)]


def _scaled(strip: NDArray[np.uint8], size: float) -> NDArray[np.uint8]:
    height, width = strip.shape
    wide = round(width * size)
    matrix = np.array([[size, 0, (wide - width * size) / 2], [0, size, (1 - size) * height / 2]])
    return np.asarray(cv2.warpAffine(strip, matrix, (wide, height)), np.uint8)


def _agreed(lattices: list[Lattice], constraint: Constraint, weight: Callable[[str], float]) -> Constrained:
    """Of the texts that are the likeliest in one lattice, that of the highest mean probability, weighted."""
    found = [constrained(lattice, DIGITS, constraint) for lattice in lattices]
    support = float(np.mean([one.support for one in found]))
    likely: dict[str, float] = {}
    for text in dict.fromkeys(one.text for one in found if one.text is not None):
        columns = _columns(text)[None]
        likely[text] = float(np.mean([likelihoods(lattice, columns)[0] for lattice in lattices]))
    if not likely:
        return Constrained(None, 0.0, support)
    best = max(likely, key=lambda text: likely[text] * (weight(text) if text and len(likely) > 1 else 1.0))
    return Constrained(best, min(likely[best] / support, 1.0), min(support, 1.0))


def _columns(text: str) -> NDArray[np.int64]:
    """The columns (l,) of a lattice for a text's digits."""
    return np.array([DIGITS.index(digit) + 1 for digit in text], np.int64)


def _pieces(strip: NDArray[np.uint8], lattice: Lattice, text: str) -> tuple[Piece, ...]:
    told = alternatives(lattice, _columns(text))
    boxes = _boxes(strip, lattice, text)
    return tuple(
        Piece(digit, row, box, _glyph(strip, box)) for digit, row, box in zip(text, told, boxes, strict=True)
    )


def _boxes(strip: NDArray[np.uint8], lattice: Lattice, text: str) -> list[Box]:
    """Where the digits of a text stand in the strip."""
    frames = alignment(lattice, _columns(text))
    spans = [(_STEP * first - MARGIN, _STEP * (last + 1) - MARGIN) for first, last in frames]
    return [_box(strip, left, right) for left, right in _spread(strip, spans)]


def _glyph(strip: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """The (28, 28) uint8 glyph of the ink in a box."""
    x, y, w, h = box
    return np.asarray(to_glyphs(strip[None, y : y + h, x : x + w])[0])


def _spread(strip: NDArray[np.uint8], spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """From the columns at which digits are told to those they fill, up to bare paper or the thinnest ink."""
    width = strip.shape[1]
    ink = strip.astype(np.float64).sum(0)
    cuts = []
    for (_, last), (first, _) in pairwise(spans):
        low = min(max(last, 1), width - 2)
        high = max(min(first, width - 1), low + 1)
        cuts.append(low + int(ink[low:high].argmin()))
    lefts = [max(0, min(spans[0][0], width - 1) - _REACH), *cuts]
    rights = [*cuts, min(width, max(spans[-1][1], 1) + _REACH)]
    return [
        _to_paper(ink, left, right, (first + last) // 2)
        for left, right, (first, last) in zip(lefts, rights, spans, strict=True)
    ]


def _to_paper(ink: NDArray[np.float64], left: int, right: int, middle: int) -> tuple[int, int]:
    """Narrower, to the columns without ink that are next to the middle of a digit."""
    middle = min(max(middle, left), right - 1)  # a digit may be told in the margin
    bare = np.flatnonzero(ink[left:right] < 128) + left
    before, after = bare[bare < middle], bare[bare > middle]
    return (int(before[-1]) + 1 if len(before) else left), (int(after[0]) if len(after) else right)


def _box(strip: NDArray[np.uint8], left: int, right: int) -> Box:
    """Around the ink of these columns, or all of them where it is pale."""
    right = max(right, left + 1)
    x, y, w, h = cv2.boundingRect((strip[:, left:right] >= 128).astype(np.uint8))
    return (left + x, y, w, h) if w else (left, 0, right - left, HEIGHT)


@cache
def bundled_lines(threads: int) -> LineModel:
    """The bundled model, opened once for so many threads."""
    return LineModel.bundled(threads=threads)
