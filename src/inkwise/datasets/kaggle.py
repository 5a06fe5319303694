"""Kaggle's CSV of MNIST: ``label,pixel0,...,pixel783``, one digit a line; the test file has no labels."""

from __future__ import annotations

import gzip
import warnings
import zlib
from pathlib import Path
from typing import TextIO, cast

import numpy as np

from inkwise.datasets.base import GLYPH_SHAPE, Dataset
from inkwise.errors import DataError

_PIXELS = [f"pixel{i}" for i in range(GLYPH_SHAPE[0] * GLYPH_SHAPE[1])]


def read_kaggle(path: Path) -> Dataset:
    """The digits of a ``.csv`` or ``.csv.gz``; the pixels are glyphs as they are.

    Raises DataError, with line, column and value, for anything but whole numbers 0 to 255 in these columns.
    """
    try:
        with _open(path) as file:
            columns = _read_header(file, path)
            try:
                with warnings.catch_warnings(action="ignore", category=UserWarning):  # no rows: said below
                    rows = np.loadtxt(file, np.uint8, delimiter=",", comments=None, ndmin=2)
            except ValueError as error:
                _find_offence(path, columns)
                raise DataError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not a text file") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: the gzip data breaks off or is damaged") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    if not len(rows):
        raise DataError(f"{path}: has a header and no rows")
    labelled = columns[0] == "label"
    if rows.shape[1] != len(columns) or (labelled and rows[:, 0].max() > 9):
        _find_offence(path, columns)
    labels = rows[:, 0].astype(np.str_) if labelled else np.full(len(rows), "")
    return Dataset(path.name, rows[:, int(labelled) :].reshape(-1, *GLYPH_SHAPE), labels)


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


def _find_offence(path: Path, columns: list[str]) -> None:
    """Raise DataError for the first line that breaks the rules; slow, so asked only when one does."""
    with _open(path) as file:
        file.readline()
        for number, line in enumerate(file, start=2):
            values = line.rstrip("\n").split(",")
            if len(values) != len(columns) and line.strip():
                raise DataError(f"{path}: line {number}: {len(values)} values for {len(columns)} columns")
            for column, value in zip(columns, values, strict=False):
                limit = 9 if column == "label" else 255
                text = value.strip()
                if not (text.isascii() and text.isdigit() and int(text) <= limit) and line.strip():
                    raise DataError(
                        f"{path}: line {number}: {column} is {text!r}, not a whole number 0 to {limit}"
                    )
