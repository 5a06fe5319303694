"""Kaggle's CSV of MNIST: ``label,pixel0,...,pixel783``, one glyph a line; the test file has no labels."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TextIO, cast

import numpy as np

from inkwise.datasets.base import GLYPH_SHAPE, Dataset
from inkwise.errors import DataError, InkwiseError
from inkwise.texts import LONGEST_LABEL, checked

_PIXELS = [f"pixel{i}" for i in range(GLYPH_SHAPE[0] * GLYPH_SHAPE[1])]
_QUOTED = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?:,|$)')  # a cell in which commas and doubled quotes may stand


def read_kaggle(path: Path) -> Dataset:
    """The glyphs of a ``.csv`` or ``.csv.gz``, as they are; a label is any text, an empty one is none.

    Raises DataError, with line, column and value, for a label that is too long or holds control characters,
    and for anything but whole numbers 0 to 255 in the other columns.
    """
    try:
        with _open(path) as file:
            columns = _read_header(file, path)
            labelled = columns[0] == "label"
            labels: list[str] = []
            try:
                filled = (line for line in file if line.strip())
                lines = _without_labels(filled, labels) if labelled else filled
                first = next(lines, None)
                if first is None:
                    raise InkwiseError("has a header and no rows")
                rows = np.loadtxt(chain([first], lines), np.uint8, delimiter=",", comments=None, ndmin=2)
            except ValueError as error:
                _find_offence(path, columns)
                raise DataError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not a text file") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: the gzip data breaks off or is damaged") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    if rows.shape[1] != len(_PIXELS) or (labelled and len(labels) != len(rows)):
        _find_offence(path, columns)
    if not labelled:
        labels = [""] * len(rows)
    return Dataset(path.name, rows.reshape(-1, *GLYPH_SHAPE), np.array(labels, dtype=np.str_))


def _open(path: Path) -> TextIO:
    opener = gzip.open if path.suffix == ".gz" else open
    return cast(TextIO, opener(path, "rt", encoding="utf-8-sig"))


def _read_header(file: TextIO, path: Path) -> list[str]:
    line = file.readline()
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


def _without_labels(lines: Iterable[str], labels: list[str]) -> Iterator[str]:
    """The lines without their first cells, which go to `labels`; raises InkwiseError for one that is none."""
    known: dict[str, str] = {}  # a label is checked once, not once a line
    for line in lines:
        cell, pixels = _first_cell(line)
        if not pixels.strip():  # numpy would skip it, with a warning where no line is left
            raise InkwiseError(f"label {cell.strip()!r} has no pixels")
        if cell not in known:
            known[cell] = _label(cell)
        labels.append(known[cell])
        yield pixels


def _first_cell(line: str) -> tuple[str, str]:
    """The first cell by the rules of CSV, and what follows its comma."""
    if quoted := _QUOTED.match(line):
        return quoted[1].replace('""', '"'), line[quoted.end() :]
    cell, _, rest = line.partition(",")
    return cell, rest


def _label(cell: str) -> str:
    if cell.lstrip().startswith('"'):
        raise InkwiseError(f"label {cell.strip()[:LONGEST_LABEL]!r} has a quote too many or too few")
    return checked("label", cell.strip(), LONGEST_LABEL) if cell.strip() else ""


def _find_offence(path: Path, columns: list[str]) -> None:
    """Raise DataError for the first line that breaks the rules; slow, so asked only when one does."""
    with _open(path) as file:
        file.readline()
        for number, line in enumerate(file, start=2):
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
