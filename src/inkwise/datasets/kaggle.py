"""Kaggle's CSV of MNIST: ``label,pixel0,...,pixel783``, one glyph a line; the test file has no labels."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError, InkwiseError
from inkwise._util.inputs import bounded_lines
from inkwise._util.text import MAX_LABEL_LENGTH, validate_text
from inkwise.datasets.dataset import GLYPH_SHAPE, MOST_SAMPLES, Dataset
from inkwise.datasets.unpacking import open_unpacked

_LONGEST = 20_000  # characters of a line; 785 quoted column names have 9,000
_BLOCK = 4_000  # rows that are parsed at once

_PIXELS = [f"pixel{i}" for i in range(GLYPH_SHAPE[0] * GLYPH_SHAPE[1])]
_QUOTED = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?:,|$)')  # a cell in which commas and doubled quotes may stand


def read_kaggle(path: Path) -> Dataset:
    """The glyphs of a ``.csv`` or ``.csv.gz``, as they are; a label is any text, an empty one is none.

    Raises DataError, with line, column and value, for a label that is too long or holds control characters,
    and for anything but whole numbers 0 to 255 in the other columns.
    """
    try:
        with _open(path) as lines:
            columns = _header(next(lines, ""), path)
            labels, pixels = _rows(lines, labelled=columns[0] == "label")
    except _OffenceError as error:
        _raise_first_error(path, columns)
        raise DataError(f"{path}: {error}") from error
    if not len(pixels):
        raise DataError(f"{path}: has a header and no rows")
    return Dataset(path.name, pixels.reshape(-1, *GLYPH_SHAPE), np.array(labels, dtype=np.str_))


class _OffenceError(Exception):
    """A row is wrong; which one, and how, is found by looking at each."""


@contextmanager
def _open(path: Path) -> Iterator[Iterator[str]]:
    """The lines of a file, one in memory at a time."""
    with open_unpacked(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig") as text:
        try:
            yield _lines(text, path)
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: is not a text file") from error


def _lines(file: TextIO, path: Path) -> Iterator[str]:
    number = 0
    try:
        for number, line in enumerate(bounded_lines(file, _LONGEST)):
            if number > MOST_SAMPLES:
                raise DataError(f"{path}: has more than {MOST_SAMPLES:,} rows")
            yield line
    except DataError:
        raise
    except InkwiseError as error:
        raise DataError(f"{path}: line {number + 2}: {error}") from None


def _header(line: str, path: Path) -> list[str]:
    """The names of the columns."""
    if not line.strip():
        raise DataError(f"{path}: is empty" if not line else f"{path}: line 1: no column names")
    columns = [name.strip().strip('"') for name in line.split(",")]
    if columns in (_PIXELS, ["label", *_PIXELS]):
        return columns
    if missing := [name for name in _PIXELS if name not in columns]:
        raise DataError(f"{path}: line 1: column {missing[0]} is missing")
    if unknown := [name for name in columns if name != "label" and name not in _PIXELS]:
        raise DataError(f"{path}: line 1: column {unknown[0]!r} is unknown")
    raise DataError(f"{path}: line 1: the columns are not in the order label, pixel0 to pixel783, each once")


def _rows(lines: Iterator[str], *, labelled: bool) -> tuple[list[str], NDArray[np.uint8]]:
    """The labels and the pixels (n, 784) of the lines below the header; blank ones are passed over.

    Raises:
        _OffenceError: one is wrong.
    """
    full = (line for line in lines if line.strip())
    labels: list[str] = []
    pixels = np.empty((0, len(_PIXELS)), np.uint8)
    known: dict[str, str] = {}  # a label is checked once, not once a line
    while block := [*islice(full, _BLOCK)]:
        try:
            if labelled:
                cells, block = map(list, zip(*map(_first_cell, block), strict=True))
                known |= {cell: _label(cell) for cell in {*cells} - known.keys()}
                labels += [known[cell] for cell in cells]
            if not all(map(str.strip, block)):  # numpy would pass over the row
                raise ValueError("a row has no pixels")
            rows = np.loadtxt(block, np.uint8, delimiter=",", comments=None, ndmin=2)
            if rows.shape != (len(block), len(_PIXELS)):
                raise ValueError(f"rows have {rows.shape[1]} pixels")
        except ValueError as error:
            raise _OffenceError(error) from error
        pixels.resize((len(pixels) + len(rows), len(_PIXELS)), refcheck=False)  # in place, without a copy
        pixels[-len(rows) :] = rows
    return labels if labelled else [""] * len(pixels), pixels


def _first_cell(line: str) -> tuple[str, str]:
    """The first cell by the rules of CSV, and what follows its comma."""
    if quoted := _QUOTED.match(line):
        return quoted[1].replace('""', '"'), line[quoted.end() :]
    cell, _, rest = line.partition(",")
    return cell, rest


def _label(cell: str) -> str:
    if cell.lstrip().startswith('"'):
        raise InkwiseError(f"label {cell.strip()[:MAX_LABEL_LENGTH]!r} has a quote too many or too few")
    return validate_text("label", cell.strip(), MAX_LABEL_LENGTH) if cell.strip() else ""


def _raise_first_error(path: Path, columns: list[str]) -> None:
    """Raise DataError for the first line that breaks the rules; slow, so asked only when one does."""
    with _open(path) as lines:
        next(lines)
        for number, line in enumerate(lines, start=2):
            if not line.strip():
                continue
            where = f"{path}: line {number}"
            values = line.rstrip("\n").split(",")
            if columns[0] == "label":
                cell, rest = _first_cell(line.rstrip("\n"))
                values = [cell, *rest.split(",")] if rest else [cell]
                try:
                    _label(cell)
                except InkwiseError as error:
                    raise DataError(f"{where}: {error}") from None
            if len(values) != len(columns):
                raise DataError(f"{where}: {len(values)} values for {len(columns)} columns")
            for column, value in zip(columns, values, strict=True):
                text = value.strip()
                if column != "label" and not (text.isascii() and text.isdigit() and float(text) <= 255):
                    raise DataError(f"{where}: {column} is {text!r}, not a whole number 0 to 255")
