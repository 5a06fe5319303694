"""Export and import of samples: a pair of CSV files for other programs, and JSON Lines with all values.

images.csv      784 values 0 to 255 per row
labels.csv      the label of each row, empty if there is none
samples.jsonl   one `Sample.to_dict` per line
"""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, TextIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import InkwiseError, StoreError
from inkwise._util.files import new_folder
from inkwise._util.inputs import bounded_lines, clear_read_errors, is_folder, is_there, open_input
from inkwise._util.text import escape_formula, unescape_formula
from inkwise.corrections.rows import Damage
from inkwise.corrections.sample import Sample, validate_field
from inkwise.corrections.store import Store
from inkwise.preprocessing import GLYPH_SIDE

IMAGES, LABELS, SAMPLES = "images.csv", "labels.csv", "samples.jsonl"

MAX_ROWS = 10_000_000
"""Maximum number of rows of an import: about 15 GB in the database."""

_TEXTS = [str(value) for value in range(256)]
_PIXEL_VALUES = {text: value for value, text in enumerate(_TEXTS)}
_MAX_LINE = 2_000_000  # characters of a line of samples.jsonl: twice those of a drawing of 20,000 points
_MAX_CSV_LINE = 10_000  # characters: twice those of 784 values
_ROW_ID_NAMESPACE = uuid.UUID("6f1c2f0e-8a55-4e0b-9d0b-0c1f8f9f6f53")  # of the ids of CSV rows

_RowT = TypeVar("_RowT")
_ParsedT = TypeVar("_ParsedT")


def export_samples(
    store: Store,
    folder: Path,
    writer: str | None = None,
    skipped: Callable[[Damage], object] = lambda damage: None,
) -> int:
    """Write a writer's samples, or all, to three files in a new folder, oldest first; return their number.

    The folder, which must not exist, appears when it is complete. `skipped` receives each damaged row.

    Raises:
        StoreError: There are no samples, or the database cannot be read.
        DataError: The folder exists, or cannot be written.
    """
    with new_folder(folder) as part:
        return write_samples(store, part, writer, skipped)


def write_samples(store: Store, folder: Path, writer: str | None, skipped: Callable[[Damage], object]) -> int:
    """Write the files of `export_samples` to an existing folder; OSError if a file cannot be written."""
    count = 0
    with ExitStack() as files:
        images, labels, lines = (
            files.enter_context((folder / name).open("w", encoding="utf-8", newline=""))
            for name in (IMAGES, LABELS, SAMPLES)
        )
        cells = csv.writer(labels, lineterminator="\n")
        for row in store.rows(writer=writer):
            if isinstance(row, Damage):
                skipped(row)
                continue
            images.write(",".join(map(_TEXTS.__getitem__, row.glyph.tobytes())) + "\n")
            cells.writerow([escape_formula(row.label or "")])
            lines.write(json.dumps(row.to_dict(), ensure_ascii=False, allow_nan=False) + "\n")
            count += 1
    if not count:
        raise StoreError("there are no samples" + (f" of {writer}" if writer else ""))
    return count


def import_samples(store: Store, source: Path, writer: str | None = None) -> int:
    """Import all samples of an export or none, and return the number of new ones.

    Rows are read and stored a few at a time, in one transaction.

    Args:
        store: Receives the samples.
        source: The folder of an export, a samples.jsonl, or a folder with the pair of CSV files alone.
        writer: Name of the writer of the pair of CSV files, which have no names; None is "unknown".

    Raises:
        StoreError: A file cannot be read, a row is invalid, or there are too many rows.
    """
    with ExitStack() as files:  # a row that is refused leaves the generators that read the files suspended
        return store.merge(_read(source, writer, files))


def _read(source: Path, writer: str | None, files: ExitStack) -> Iterator[Sample]:
    """Read the samples of a source; `files` closes the files that are opened for it."""
    if not is_folder(source):
        return _read_lines(source, writer, files)
    if not is_there(source / SAMPLES):
        return _with_ids(_read_pair(source, files), writer or "unknown")
    samples = _read_lines(source / SAMPLES, writer, files)
    if (source / IMAGES).exists() and (source / LABELS).exists():
        return _check_equal(samples, _read_pair(source, files), source)
    return samples


def _read_lines(path: Path, writer: str | None, files: ExitStack) -> Iterator[Sample]:
    if writer is not None:
        raise StoreError(f"{path}: names the writers itself; a writer can be given for CSV files alone")
    return _parse(path, partial(bounded_lines, longest=_MAX_LINE), _sample, files)


def _read_pair(folder: Path, files: ExitStack) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """Read the glyph and the label of each row."""
    images, labels = folder / IMAGES, folder / LABELS
    pairs = zip_longest(_parse(images, _csv_rows, _glyph, files), _parse(labels, _csv_rows, _label, files))
    for rows, (glyph, label) in enumerate(pairs):
        if glyph is None or label is None:
            short, long = (images, LABELS) if glyph is None else (labels, IMAGES)
            raise StoreError(f"{short}: has {rows:,} rows, fewer than {long}")
        yield glyph, label


def _with_ids(pairs: Iterable[tuple[NDArray[np.uint8], str]], writer: str) -> Iterator[Sample]:
    now = datetime.now(UTC)
    for row, (glyph, label) in enumerate(pairs, 1):
        # An equal row gets an equal id, so that it is imported once.
        name = f"{writer}\n{row}\n{label or None}\n{glyph.tobytes().hex()}"
        yield Sample(
            id=uuid.uuid5(_ROW_ID_NAMESPACE, name),
            writer=writer,
            source="import",
            time=now + timedelta(microseconds=row),  # keeps the order
            glyph=glyph,
            label=label or None,
        )


def _check_equal(
    samples: Iterable[Sample], pairs: Iterable[tuple[NDArray[np.uint8], str]], folder: Path
) -> Iterator[Sample]:
    """Check that samples.jsonl and the CSV files agree: if one was edited, the right one is unknown."""
    for row, (sample, pair) in enumerate(zip_longest(samples, pairs), 1):
        equal = sample and pair and (sample.label or "") == pair[1] and np.array_equal(sample.glyph, pair[0])
        if not equal:
            raise StoreError(
                f"{folder}: row {row}: the CSV files differ from {SAMPLES}: remove what is out of date"
            )
        yield sample


def _parse(
    path: Path,
    rows: Callable[[TextIO], Iterable[_RowT]],
    parse: Callable[[_RowT], _ParsedT],
    files: ExitStack,
) -> Iterator[_ParsedT]:
    """Parse a text file row by row; an error names the row. `files` closes the file."""
    parsed = 0
    with clear_read_errors(path, StoreError):
        opened = open_input(path, error=StoreError)
        file = files.enter_context(io.TextIOWrapper(opened, encoding="utf-8-sig", newline=""))
        try:
            for row in rows(file):
                if parsed == MAX_ROWS:
                    raise InkwiseError(f"at most {MAX_ROWS:,} rows can be imported at once")
                yield parse(row)
                parsed += 1
        except (InkwiseError, csv.Error) as error:
            raise StoreError(f"{path}: row {parsed + 1}: {error}") from None
        except UnicodeDecodeError:
            raise StoreError(f"{path}: is not a text file") from None


def _csv_rows(file: TextIO) -> Iterator[list[str]]:
    """Read rows of one line each: no value holds a line end, and a quoted value might never end."""
    for line in bounded_lines(file, _MAX_CSV_LINE):
        yield from csv.reader([line])


def _glyph(cells: list[str]) -> NDArray[np.uint8]:
    if len(cells) != GLYPH_SIDE * GLYPH_SIDE:
        raise InkwiseError(f"{len(cells)} values, not {GLYPH_SIDE * GLYPH_SIDE}")
    try:
        values = bytes(_PIXEL_VALUES[cell.strip()] for cell in cells)
    except KeyError as error:
        raise InkwiseError(f"{error.args[0][:40]!r} is not a whole number 0 to 255") from None
    return np.frombuffer(values, np.uint8).reshape(GLYPH_SIDE, GLYPH_SIDE)


def _label(cells: list[str]) -> str:
    """Parse a label, empty if there is none."""
    if len(cells) > 1:
        raise InkwiseError(f"{len(cells)} values, not one label")
    text = unescape_formula(cells[0]) if cells else ""  # spreadsheets write an empty cell as a blank line
    return validate_field("label", text) if text else ""


def _sample(line: str) -> Sample:
    try:
        plain: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise InkwiseError("is not JSON") from None
    if not isinstance(plain, dict):
        raise InkwiseError("is not a JSON object")
    return Sample.from_dict(plain)
