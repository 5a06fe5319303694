"""CSV files of Kaggle: MNIST as ``label,pixel0,...,pixel783``, one glyph per line, and submissions."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError, InkwiseError
from inkwise._util.files import write_text
from inkwise._util.text import MAX_LABEL_LENGTH, escape_formula, validate_text
from inkwise.datasets.dataset import GLYPH_SHAPE, MAX_SAMPLES, Dataset
from inkwise.datasets.file_checks import open_decompressed

_MAX_LINE = 20_000  # characters; 785 quoted column names have 9,000

_PIXELS = [f"pixel{i}" for i in range(GLYPH_SHAPE[0] * GLYPH_SHAPE[1])]
_QUOTED = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?:,|$)')  # cell that may contain commas and doubled quotes
_PIXEL = re.compile(r"\s*\d{1,9}\s*", re.ASCII)
_PLAIN_ROW = re.compile(rf"\d{{1,9}}(,\d{{1,9}}){{{len(_PIXELS) - 1}}}", re.ASCII)


def read_kaggle(path: Path) -> Dataset:
    """Read the glyphs of a ``.csv`` or ``.csv.gz``; a label is any text, and the label column may be missing.

    Raises:
        DataError: the file cannot be read, a label is too long or contains control characters, or a pixel
            is not a whole number 0 to 255; the message gives line, column and value.
    """
    with open_decompressed(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig") as text:
        try:
            lines = _numbered_lines(text)
            labelled = _check_header(next(lines, (1, ""))[1])
            labels, pixels = _read_rows(lines, labelled)
        except UnicodeDecodeError:
            raise DataError(f"{path}: is not a text file") from None
        except InkwiseError as error:
            raise DataError(f"{path}: {error}") from None
    if not len(pixels):
        raise DataError(f"{path}: has a header and no rows")
    return Dataset(path.name, pixels.reshape(-1, *GLYPH_SHAPE), np.array(labels, dtype=np.str_))


def write_submission(labels: Sequence[str], path: Path) -> None:
    """Write ``ImageId,Label`` and the labels of a test set, numbered from 1, with CRLF line ends.

    A label that a spreadsheet would read as a formula is prefixed with an apostrophe.

    Raises:
        DataError: there are no labels, or the file cannot be written.
    """
    if not labels:
        raise DataError("there are no pictures to read")
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["ImageId", "Label"])
    rows.writerows([number, escape_formula(label)] for number, label in enumerate(labels, start=1))
    write_text(path, text.getvalue())


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


def _check_header(line: str) -> bool:
    """Check the names of the columns and return whether the first one is the label."""
    if not line.strip():
        raise InkwiseError("line 1: no column names" if line else "is empty")
    columns = [name.strip().strip('"') for name in line.split(",")]
    if columns in (_PIXELS, ["label", *_PIXELS]):
        return columns[0] == "label"
    if missing := [name for name in _PIXELS if name not in columns]:
        raise InkwiseError(f"line 1: column {missing[0]} is missing")
    if unknown := [name for name in columns if name != "label" and name not in _PIXELS]:
        raise InkwiseError(f"line 1: column {unknown[0]!r} is unknown")
    raise InkwiseError("line 1: expected the columns label, pixel0 to pixel783 in this order, each once")


def _read_rows(lines: Iterator[tuple[int, str]], labelled: bool) -> tuple[list[str], NDArray[np.uint8]]:
    """Parse the labels and the pixels (n, 784) of all lines that are not blank."""
    labels: list[str] = []
    pixels = bytearray()
    for number, line in lines:
        if line.strip():
            try:
                cell, rest = _split_label(line) if labelled else ("", line)
                labels.append(_parse_label(cell))
                pixels += _parse_pixels(rest, labelled)
            except InkwiseError as error:
                raise InkwiseError(f"line {number}: {error}") from None
    return labels, np.frombuffer(pixels, np.uint8).reshape(-1, len(_PIXELS))


def _split_label(line: str) -> tuple[str, str]:
    """Split off the first cell, which may be quoted as in CSV."""
    if quoted := _QUOTED.match(line):
        return quoted[1].replace('""', '"'), line[quoted.end() :]
    cell, _, rest = line.partition(",")
    return cell, rest


@lru_cache(1000)
def _parse_label(cell: str) -> str:
    if cell.lstrip().startswith('"'):
        raise InkwiseError(f"label {cell.strip()[:MAX_LABEL_LENGTH]!r} has unbalanced quotes")
    return validate_text("label", cell.strip(), MAX_LABEL_LENGTH) if cell.strip() else ""


def _parse_pixels(text: str, labelled: bool) -> bytes:
    if _PLAIN_ROW.fullmatch(text.strip()):
        values = np.fromstring(text, np.int64, sep=",")
        if values.max() <= 255:
            return values.astype(np.uint8).tobytes()
    cells = text.split(",") if text.strip() else []
    if len(cells) != len(_PIXELS):
        raise InkwiseError(f"expected {len(_PIXELS) + labelled} values, got {len(cells) + labelled}")
    for column, cell in zip(_PIXELS, cells, strict=True):
        if not _PIXEL.fullmatch(cell) or int(cell) > 255:
            raise InkwiseError(f"{column}: expected a whole number 0 to 255, got {cell.strip()!r}")
    return bytes(map(int, cells))
