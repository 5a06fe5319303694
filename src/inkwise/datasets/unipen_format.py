"""UNIPEN 1.0, a text format of pen data: keyword lines that describe strokes and their labels.

A keyword is a line that begins with a dot and a capital letter, and owns the text up to the next one.

References:
    I. Guyon, L. Schomaker, R. Plamondon, M. Liberman, S. Janet, UNIPEN project of on-line data exchange and
    recognizer benchmarks, ICPR 1994, and the definition distributed with the data.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_KEYWORD = re.compile(r"^\.([A-Z]\S*)", re.MULTILINE)
_POINTS_PER = re.compile(r"([XY])_POINTS_PER_(INCH|MM)")
_SEGMENT = re.compile(r'\s*\S+\s+(\S+)\s+(?:\S+\s+)?"(.*)"', re.DOTALL)  # level, delineation, quality, label
_SPAN = re.compile(r"(\d{1,9})(?::(\d{1,9}))?(?:-(\d{1,9})(?::(\d{1,9}))?)?", re.ASCII)

# Limits beyond which a file is damaged, or made to exhaust memory.
_MAX_INCLUDES = 50  # per file
_MAX_TEXT = 16 << 20  # characters of a file with all its includes
_MAX_NUMBERS = 4 << 20  # characters per component
_MAX_COMPONENTS = 1000  # per segment
_MAX_POINTS = 1_000_000  # per segment
_MAX_COORDINATE = 1e7  # distance from the tablet's corner, 0.01 mm
_MIN_SCALE, _MAX_SCALE = 1e-3, 1e5  # points per mm


class DamageError(Exception):
    """The reason, in two or three words, why a file or segment is skipped."""


@dataclass(frozen=True)
class PenComponent:
    """A piece of ink or of pen movement between two keywords; its numbers are parsed when first used."""

    down: bool
    numbers: str
    columns: tuple[str, ...]
    points_per_mm: tuple[float, float]  # x, y
    writer: str  # "" if the file names none

    @cached_property
    def points(self) -> NDArray[np.float64]:
        """Points (n, 2), x right, y down, in 0.01 mm; raises DamageError."""
        if len(self.numbers) > _MAX_NUMBERS:
            raise DamageError("too many points")
        if not {"X", "Y"} <= set(self.columns):
            raise DamageError("no columns X and Y")
        if not all(_MIN_SCALE <= scale <= _MAX_SCALE for scale in self.points_per_mm):
            raise DamageError("scale out of range")
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
            raise DamageError("coordinates out of range")
        return points


@dataclass(frozen=True)
class LabelledSegment:
    """A label and the ink that it describes: components such as ``3``, ``3-5,7`` or points ``12:3-13:8``."""

    delineation: str
    label: str


@dataclass(frozen=True)
class UnipenDocument:
    """The numbered components of a file and its includes, and its segments, None for a damaged one."""

    components: list[PenComponent]
    segments: list[LabelledSegment | None]

    def ink(self, delineation: str) -> tuple[list[NDArray[np.float64]], str]:
        """Return the pen-down strokes (n, 2) of a delineation and the writer of the first.

        Raises:
            DamageError: a part of the delineation is missing or damaged, or there is no ink.
        """
        strokes, writers, count = [], [], 0
        for component, start, end in self._spans(delineation):
            if component.down:
                points = component.points
                last = len(points) - 1 if end is None else end
                if not start <= last < len(points):
                    raise DamageError("missing points")
                count += last + 1 - start
                if count > _MAX_POINTS:
                    raise DamageError("too many points")
                strokes.append(points[start : last + 1])
                writers.append(component.writer)
        if not strokes:
            raise DamageError("no ink")
        return strokes, writers[0]

    def _spans(self, delineation: str) -> Iterator[tuple[PenComponent, int, int | None]]:
        """Yield each component of a delineation with its first and last point; None is the last of all."""
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
                raise DamageError("missing components")
            count += last - first + 1
            if count > _MAX_COMPONENTS:
                raise DamageError("too many components")
            for index in range(first, last + 1):
                bounds = (start or 0) if index == first else 0, end if index == last else None
                yield self.components[index], *bounds


def read_document(text: str, read: Callable[[str], str]) -> UnipenDocument:
    """Parse the components of a file and its includes, and the segments of the file itself.

    Args:
        read: returns the text for the name in an ``.INCLUDE``, or raises DamageError: without it, components
            might be missing and the numbers of all others be wrong. It is called once per name, so circles
            end, and not for a lexicon (``.lex``), which contains no ink.

    Raises:
        DamageError: an include is missing, or a limit is exceeded.
    """
    parser = _UnipenParser(read)
    parser.parse(text)
    segments = [_parse_segment(body) for keyword, body in _keywords(text) if keyword == "SEGMENT"]
    return UnipenDocument(parser.components, segments)


class _UnipenParser:
    """The state set by the keywords parsed so far."""

    def __init__(self, read: Callable[[str], str]) -> None:
        self.components: list[PenComponent] = []
        self._read = read
        self._included: set[str] = set()
        self._columns: tuple[str, ...] = ()
        self._points_per_mm: dict[str, float] = {}
        self._writer = ""
        self._length = 0  # characters

    def parse(self, text: str) -> None:
        self._length += len(text)
        if self._length > _MAX_TEXT:
            raise DamageError("too much text")
        for keyword, body in _keywords(text):
            if keyword in ("PEN_DOWN", "PEN_UP"):
                if body.strip():  # components without points are not numbered
                    # An axis without a scale takes that of the other; without any, a point is 0.01 mm.
                    scales, down = self._points_per_mm, keyword == "PEN_DOWN"
                    x = scales.get("X", scales.get("Y", 100.0))
                    scale = x, scales.get("Y", x)
                    self.components.append(PenComponent(down, body, self._columns, scale, self._writer))
            elif keyword == "INCLUDE":
                self._include(body.strip())
            elif keyword == "COORD":
                self._columns = tuple(body.split())
            elif keyword == "WRITER_ID":
                self._writer = body.strip().partition("\n")[0]
            elif match := _POINTS_PER.fullmatch(keyword):
                self._points_per_mm[match[1]] = _parse_number(body) / (25.4 if match[2] == "INCH" else 1)

    def _include(self, name: str) -> None:
        if name in self._included or name.endswith(".lex"):
            return
        if len(self._included) == _MAX_INCLUDES:
            raise DamageError("too many includes")
        self._included.add(name)
        self.parse(self._read(name))


def move_to_origin(strokes: list[NDArray[np.float64]]) -> list[NDArray[np.int32]]:
    """Return strokes (n, 2) whose smallest x and y are 0, in whole units."""
    origin = np.min([stroke.min(axis=0) for stroke in strokes], axis=0)
    return [np.rint(stroke - origin).astype(np.int32) for stroke in strokes]


def _keywords(text: str) -> Iterable[tuple[str, str]]:
    """Pair each keyword with the text up to the next."""
    parts = _KEYWORD.split(text)
    return zip(parts[1::2], parts[2::2], strict=True)


def _parse_segment(body: str) -> LabelledSegment | None:
    match = _SEGMENT.match(body)
    return LabelledSegment(match[1], re.sub(r"\\(.)", r"\1", match[2], flags=re.DOTALL)) if match else None


def _parse_number(body: str) -> float:
    try:
        return float(body.split()[0])
    except (ValueError, IndexError):
        return float("nan")
