"""CSV files of glyphs, one in each line, in the forms in which MNIST is passed on."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import IO, TextIO

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError, InkwiseError
from inkwise._util.text import MAX_LABEL_LENGTH, validate_text
from inkwise.datasets.csv_columns import PIXELS, CsvColumns, is_header
from inkwise.datasets.dataset import GLYPH_SHAPE, MAX_SAMPLES, Dataset
from inkwise.datasets.file_checks import open_decompressed

_MAX_LINE = 40_000  # characters; numpy.savetxt writes 19,600
_MAX_CELL = 40  # characters of a cell in a message
_MAX_NAME = 1000  # characters of an id or a file name
_SAMPLED_ROWS = 100  # number of rows that are inspected to classify the columns

_DELIMITERS = ",;\t"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_PLAIN_ROW = re.compile(r"\d{1,3}(?:,\d{1,3})*", re.ASCII)
_WHOLE_FLOAT = re.compile(r"\d{1,9}\.\d*(?:e[+-]?\d{1,3})?", re.ASCII)  # a label that was saved as a float

_MASK, _FRACTIONS, _BYTES = 0, 1, 255  # kinds of rows: 0 and 1 only, fractions, values above 1

Row = tuple[int, list[str]]  # number of the line, and its cells


def read_csv(path: Path) -> Dataset:
    """Read the glyphs of a ``.csv`` or ``.csv.gz``: 784 pixels, with or without labels, ids and a header.

    Values are 0..255, or fractions 0..1 that are scaled to 0..255. A label is any text.

    Raises:
        DataError: the file cannot be read, its columns are not those of glyphs, a label is too long or has
            control characters, or a pixel is out of range; the message gives line, column and value.
    """
    with open_decompressed(path) as file, io.TextIOWrapper(file, encoding=_encoding(file)) as text:
        try:
            columns, header, rows = _open_rows(text)
            glyphs, labels, ids = _read_rows(columns, header, rows)
        except UnicodeError:
            raise DataError(f"{path}: is not a text file") from None
        except InkwiseError as error:
            raise DataError(f"{path}: {error}") from None
    return Dataset(path.name, glyphs, labels, names=ids)


def _encoding(file: IO[bytes]) -> str:
    is_utf16 = file.read(2) in _UTF16_MARKS
    file.seek(0)
    return "utf-16" if is_utf16 else "utf-8-sig"


def _open_rows(text: TextIO) -> tuple[CsvColumns, list[str], Iterator[Row]]:
    """Return the columns, their names for messages, and the rows that follow the header, if there is one."""
    lines = _numbered_lines(text)
    number, line = next(lines, (1, ""))
    if not line.strip():
        raise InkwiseError("line 1: is blank" if line else "is empty")
    delimiter = max(_DELIMITERS, key=line.count)
    first = _split(line, delimiter, number)
    header = first if is_header(first) else None
    rest = ((n, _split(line, delimiter, n)) for n, line in lines if line.strip())
    rows = chain([] if header else [(number, first)], rest)
    sample = [*islice(rows, _SAMPLED_ROWS)]
    count = len(first)
    for number, cells in sample:
        _check_count(number, cells, count)
    columns = CsvColumns.find(header, [cells for _, cells in sample])
    if not sample:
        raise InkwiseError("has a header and no rows")
    names = [cell.strip() for cell in header or [f"column {position + 1}" for position in range(count)]]
    return columns, names, chain(sample, rows)


def _numbered_lines(text: TextIO) -> Iterator[tuple[int, str]]:
    for number in range(1, MAX_SAMPLES + 2):
        line = text.readline(_MAX_LINE + 1)
        if len(line) > _MAX_LINE:
            raise InkwiseError(f"line {number}: is longer than {_MAX_LINE:,} characters")
        if not line:
            return
        yield number, line
    if text.readline(1):
        raise InkwiseError(f"has more than {MAX_SAMPLES:,} rows")


def _split(line: str, delimiter: str, number: int) -> list[str]:
    if '"' not in line:
        return line.rstrip("\r\n").split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error:
        raise InkwiseError(f"line {number}: has unbalanced quotes") from None


def _check_count(number: int, cells: list[str], count: int) -> None:
    if len(cells) != count:
        raise InkwiseError(f"line {number}: expected {count} values, got {len(cells)}")


def _read_rows(
    columns: CsvColumns, header: list[str], rows: Iterator[Row]
) -> tuple[NDArray[np.uint8], NDArray[np.str_], NDArray[np.str_] | None]:
    """Return glyphs (n, 28, 28), labels (n,), and the names (n,) of the samples, if they have any."""
    labels: list[str] = []
    names: list[str] = []
    glyphs, kinds = bytearray(), bytearray()
    pixels_of = itemgetter(*columns.pixels)
    pixel_names = pixels_of(header)
    for number, cells in rows:
        _check_count(number, cells, columns.count)
        try:
            labels.append("" if columns.label is None else _parse_label(cells[columns.label]))
            if columns.name is not None:
                names.append(validate_text("the id", cells[columns.name], _MAX_NAME))
            values = _parse_pixels(pixels_of(cells), pixel_names)
        except InkwiseError as error:
            raise InkwiseError(f"line {number}: {error}") from None
        kind = _BYTES if values.max() > 1 else _MASK if values.dtype == np.uint8 else _FRACTIONS
        glyphs += np.rint(values * 255 if kind == _FRACTIONS else values).astype(np.uint8).tobytes()
        kinds.append(kind)
    if _BYTES not in kinds or _FRACTIONS in kinds:
        if _BYTES in kinds:
            raise InkwiseError("has rows of values 0 to 1 and rows of values up to 255")
        for row in [index for index, kind in enumerate(kinds) if kind == _MASK]:
            part = slice(row * PIXELS, (row + 1) * PIXELS)
            glyphs[part] = glyphs[part].replace(b"\1", b"\xff")
    stacked = np.frombuffer(glyphs, np.uint8).reshape(-1, *GLYPH_SHAPE)
    return stacked, np.array(labels, np.str_), np.array(names, np.str_) if names else None


@lru_cache(1000)
def _parse_label(cell: str) -> str:
    text = cell.strip()
    if _WHOLE_FLOAT.fullmatch(text) and float(text).is_integer():
        return str(int(float(text)))
    return validate_text("label", text, MAX_LABEL_LENGTH) if text else ""


def _parse_pixels(cells: tuple[str, ...], names: tuple[str, ...]) -> NDArray[np.uint8] | NDArray[np.float64]:
    """Return the values (784,) of a row: uint8 if all are whole numbers."""
    text = ",".join(cells)
    if _PLAIN_ROW.fullmatch(text):
        values = np.fromstring(text, np.int64, sep=",")
        if values.max() <= _BYTES:
            return values.astype(np.uint8)
    floats = np.empty(len(cells))
    for index, cell in enumerate(cells):
        try:
            floats[index] = float(cell)
        except ValueError:
            floats[index] = np.nan
        if not 0 <= floats[index] <= _BYTES:  # NaN fails every comparison
            shown = cell.strip()[:_MAX_CELL]
            raise InkwiseError(f"{names[index][:_MAX_CELL]}: expected a number 0 to 255, got {shown!r}")
    return floats.astype(np.uint8) if (floats % 1 == 0).all() else floats
