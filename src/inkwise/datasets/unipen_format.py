"""UNIPEN 1.0, a format of pen data: lines of keywords become strokes with labels.

A keyword is a line that begins with a dot and a capital; what follows, also on further lines, belongs to it.
Source: I. Guyon, L. Schomaker, R. Plamondon, M. Liberman, S. Janet, "UNIPEN project of on-line data exchange
and recognizer benchmarks", ICPR 1994, and the definition that lies with the data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_KEYWORD = re.compile(r"^\.([A-Z]\S*)", re.MULTILINE)
_POINTS_PER = re.compile(r"([XY])_POINTS_PER_(INCH|MM)")
_SEGMENT = re.compile(r'\s*\S+\s+(\S+)\s+(?:\S+\s+)?"(.*)"', re.DOTALL)  # level, delineation, quality, label
_SPAN = re.compile(r"(\d{1,9})(?::(\d{1,9}))?(?:-(\d{1,9})(?::(\d{1,9}))?)?", re.ASCII)

# Beyond these a file is damaged, or made to exhaust whoever reads it.
_MAX_INCLUDES = 50  # of one file
_MOST_TEXT = 16 << 20  # characters of a file with all that it includes
_MOST_NUMBERS = 4 << 20  # characters of one component
_MAX_COMPONENTS = 1000  # of one segment
_MOST_POINTS = 1_000_000  # of one segment
_MAX_COORDINATE = 1e7  # from the tablet's corner, in 0.01 mm
_POINTS_PER_MM_RANGE = 1e-3, 1e5  # points per mm


class DamageError(Exception):
    """Why a file or a segment cannot be used, in two or three words; the others are read on."""


@dataclass(frozen=True)
class PenComponent:
    """The pen down or up, from one keyword to the next; its numbers are read once a segment needs them."""

    down: bool
    numbers: str
    columns: tuple[str, ...]
    points_per_mm: tuple[float, float]  # of x, of y
    writer: str  # as the file names them; "" where it does not

    @cached_property
    def points(self) -> NDArray[np.float64]:
        """(n, 2), x right, y down, in 0.01 mm; raises DamageError."""
        if len(self.numbers) > _MOST_NUMBERS:
            raise DamageError("too many points")
        if not {"X", "Y"} <= set(self.columns):
            raise DamageError("no columns X and Y")
        if not all(
            _POINTS_PER_MM_RANGE[0] <= scale <= _POINTS_PER_MM_RANGE[1] for scale in self.points_per_mm
        ):
            raise DamageError("absurd scale")
        try:
            values = np.array(self.numbers.split(), np.float64)
        except ValueError:
            raise DamageError("points not numbers") from None
        if len(values) % len(self.columns):
            raise DamageError("points unlike columns")
        axes = [self.columns.index("X"), self.columns.index("Y")]
        scale = 100 / np.array(self.points_per_mm)
        points: NDArray[np.float64] = values.reshape(-1, len(self.columns))[:, axes] * scale * (1, -1)
        if not (np.abs(points) < _MAX_COORDINATE).all():
            raise DamageError("absurd coordinates")
        return points


@dataclass(frozen=True)
class LabelledSegment:
    """What a stretch of ink says: components such as ``3``, ``3-5,7`` or, by points, ``12:3-13:8``."""

    delineation: str
    label: str


@dataclass(frozen=True)
class UnipenDocument:
    """A file with all that it includes: numbered components, and its segments, None where one is damaged."""

    components: list[PenComponent]
    segments: list[LabelledSegment | None]

    def ink(self, delineation: str) -> tuple[list[NDArray[np.float64]], str]:
        """The strokes (n, 2) of a delineation and who wrote the first of them; ink only, no pen-up.

        Raises DamageError if a part of it is not there or damaged, or if there is no ink.
        """
        strokes, writers, count = [], [], 0
        for index, start, end in self._spans(delineation):
            component = self.components[index]
            if component.down:
                points = component.points
                last = len(points) - 1 if end is None else end
                if not start <= last < len(points):
                    raise DamageError("points not there")
                count += last + 1 - start
                if count > _MOST_POINTS:
                    raise DamageError("too many points")
                strokes.append(points[start : last + 1])
                writers.append(component.writer)
        if not strokes:
            raise DamageError("no ink")
        return strokes, writers[0]

    def _spans(self, delineation: str) -> Iterator[tuple[int, int, int | None]]:
        """Component, first point and last point, None for all to the end, of each piece of a delineation."""
        count = 0
        for span in delineation.split(","):
            match = _SPAN.fullmatch(span)
            if match is None:
                raise DamageError("no delineation")
            first, start, last, end = (None if number is None else int(number) for number in match.groups())
            assert first is not None
            if last is None:  # one component, or one point of it
                last, end = first, start
            if not first <= last < len(self.components):
                raise DamageError("components not there")
            count += last - first + 1
            if count > _MAX_COMPONENTS:
                raise DamageError("too many components")
            for index in range(first, last + 1):
                yield index, (start or 0) if index == first else 0, end if index == last else None


def read_document(text: str, read: Callable[[str], str]) -> UnipenDocument:
    """The components of a file and of what it includes, and the segments of the file itself.

    ``read`` gives the text behind the name in an ``.INCLUDE`` and raises DamageError if there is none: then
    components could be missing and the numbers of all others be wrong. Each name is included once, so a
    circle ends; a lexicon (``.lex``) holds no ink and is not asked for. Raises DamageError.
    """
    reader = _UnipenParser(read)
    reader.take(text)
    segments = [_segment(body) for keyword, body in _blocks(text) if keyword == "SEGMENT"]
    return UnipenDocument(reader.components, segments)


class _UnipenParser:
    """What the keywords so far have said."""

    def __init__(self, read: Callable[[str], str]) -> None:
        self.components: list[PenComponent] = []
        self._read = read
        self._included: set[str] = set()
        self._columns: tuple[str, ...] = ()
        self._points_per_mm: dict[str, float] = {}
        self._writer = ""
        self._left = _MOST_TEXT

    def take(self, text: str) -> None:
        self._left -= len(text)
        if self._left < 0:
            raise DamageError("too much text")
        for keyword, body in _blocks(text):
            if keyword in ("PEN_DOWN", "PEN_UP"):
                if body.strip():  # one without points has no number
                    self._add(keyword == "PEN_DOWN", body)
            elif keyword == "INCLUDE":
                self._include(body.strip())
            elif keyword == "COORD":
                self._columns = tuple(body.split())
            elif keyword == "WRITER_ID":
                self._writer = body.strip().partition("\n")[0]
            elif match := _POINTS_PER.fullmatch(keyword):
                self._points_per_mm[match[1]] = _number(body) / (25.4 if match[2] == "INCH" else 1)

    def _add(self, down: bool, numbers: str) -> None:
        # One axis speaks for the other; where none is said, a point is taken for 0.01 mm.
        known = self._points_per_mm
        x = known.get("X", known.get("Y", 100.0))
        self.components.append(
            PenComponent(down, numbers, self._columns, (x, known.get("Y", x)), self._writer)
        )

    def _include(self, name: str) -> None:
        if name in self._included or name.endswith(".lex"):
            return
        if len(self._included) == _MAX_INCLUDES:
            raise DamageError("too many includes")
        self._included.add(name)
        self.take(self._read(name))


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Each keyword with what follows it."""
    match = _KEYWORD.search(text)
    while match:
        following = _KEYWORD.search(text, match.end())
        yield match[1], text[match.end() : following.start() if following else len(text)]
        match = following


def _segment(body: str) -> LabelledSegment | None:
    match = _SEGMENT.match(body)
    return LabelledSegment(match[1], re.sub(r"\\(.)", r"\1", match[2], flags=re.DOTALL)) if match else None


def _number(body: str) -> float:
    try:
        return float(body.split()[0])
    except (ValueError, IndexError):
        return float("nan")
