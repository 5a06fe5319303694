"""The columns of a CSV file of glyphs: which are pixels, and which one holds the labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from inkwise._util.errors import InkwiseError
from inkwise.datasets.dataset import GLYPH_SHAPE

PIXELS = GLYPH_SHAPE[0] * GLYPH_SHAPE[1]

_LABELS = {"label", "labels", "class", "classes", "target", "targets", "digit", "y"}
_NAMES = {"imageid", "image_id", "id", "filename", "file", "name"}
_INDEX = re.compile(r"|index|idx|rownames|unnamed: \d+")
_NUMBER = re.compile(r"\d+", re.ASCII)
_BACKGROUNDS = ({0.0}, {255.0}, {1.0})  # values of a corner pixel in all rows
_MAX_CLASS = 61  # largest number of a class; digits and letters of both cases have 0 to 61
_MIN_INDEX_ROWS = 12  # rows from which 0, 1, 2, .. are an index rather than labels


@dataclass(frozen=True)
class CsvColumns:
    """Positions of the columns of a CSV file.

    Attributes:
        pixels: of the 784 pixels, row by row.
        label: of the labels; None if there are none.
        name: of the ids or file names; None if there are none.
        count: number of columns.
    """

    pixels: Sequence[int]
    label: int | None
    name: int | None
    count: int

    @classmethod
    def find(cls, header: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> CsvColumns:
        """Find the columns by their names, or by the values of the first rows.

        Raises:
            InkwiseError: there are not 784 pixels, or a column is missing, unknown or double.
        """
        count = len(rows[0] if header is None else header)
        positions, label, name = [*range(count)], None, None
        if header is not None:
            names = [cell.strip().lower() for cell in header]
            positions = _pixel_positions(names)
            for position in sorted({*range(count)} - {*positions}):
                if names[position] in _LABELS and label is None:
                    label = position
                elif names[position] in _NAMES and name is None:
                    name = position
                elif not _INDEX.fullmatch(names[position]):
                    shown = header[position].strip()[:40]
                    raise InkwiseError(f"line 1: column {shown!r} is unknown, or a second one of its kind")
        if len(positions) > PIXELS and _is_index(
            [row[positions[0]] for row in rows], len(positions) - PIXELS
        ):
            positions = positions[1:]
        if len(positions) == PIXELS + 1 and label is None:
            label = positions[_label_end(positions, rows)]
            positions = [position for position in positions if position != label]
        if len(positions) != PIXELS:
            raise InkwiseError(
                f"line 1: expected {PIXELS} pixels (28x28) and a label or none, got {count} columns"
            )
        return cls(positions, label, name, count)


def is_header(cells: Sequence[str]) -> bool:
    """Return whether the cells of the first line are names: most are no numbers, or they count pixels."""
    numbers = [int(cell) for cell in map(str.strip, cells) if re.fullmatch(r"\d{1,4}", cell, re.ASCII)]
    if len(numbers) >= PIXELS:
        last = numbers[-PIXELS:]
        return last == [*range(last[0], last[0] + PIXELS)]
    return sum(map(_is_number, cells)) < len(cells) / 2


def _pixel_positions(names: list[str]) -> list[int]:
    """Return the positions of the columns that are named alike up to their numbers, sorted by these."""
    alike = Counter(_NUMBER.sub("#", name) for name in names if _NUMBER.search(name))
    template, count = alike.most_common(1)[0] if alike else ("", 0)
    if count < PIXELS // 2:
        raise InkwiseError(
            f"line 1: expected {PIXELS} columns such as pixel0 to pixel783 or 1x1 to 28x28, got"
            f" {len(names)} columns"
        )
    found: dict[tuple[int, ...], int] = {}
    for position, name in enumerate(names):
        if _NUMBER.sub("#", name) == template:
            numbers = tuple(map(int, _NUMBER.findall(name)))
            if numbers in found:
                raise InkwiseError(f"line 1: column {name[:40]} is there twice")
            found[numbers] = position
    size = PIXELS if template.count("#") == 1 else GLYPH_SHAPE[1]
    first = min(min(numbers) for numbers in found)
    expected = [(n // size, n % size) if size < PIXELS else (n,) for n in range(PIXELS)]
    for numbers in expected:
        shifted = tuple(number + first for number in numbers)
        if len(found) <= PIXELS and shifted not in found:
            name = template
            for number in shifted:
                name = name.replace("#", str(number), 1)
            raise InkwiseError(f"line 1: column {name[:40]} is missing")
    return [found[numbers] for numbers in sorted(found)]


def _label_end(positions: Sequence[int], rows: Sequence[Sequence[str]]) -> int:
    """Return 0 if the first of 785 columns holds the labels, -1 if the last one does."""
    first, last = ({row[positions[end]].strip() for row in rows} for end in (0, -1))
    is_corner = all(map(_is_number, first)) and {*map(float, first)} in _BACKGROUNDS
    return -1 if _are_labels(last) and ((is_corner and first != last) or not _are_labels(first)) else 0


def _are_labels(values: set[str]) -> bool:
    return not any(_is_number(value) and float(value) > _MAX_CLASS for value in values)


def _is_index(cells: list[str], extra: int) -> bool:
    """Return whether the cells count the rows, and there are too many to be the labels."""
    cells = [cell.strip() for cell in cells]
    if not cells or not all(re.fullmatch(r"\d{1,9}", cell, re.ASCII) for cell in cells):
        return False
    numbers = [*map(int, cells)]
    counted = numbers == [*range(numbers[0], numbers[0] + len(numbers))]
    return counted and (extra > 1 or len(numbers) >= _MIN_INDEX_ROWS)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
