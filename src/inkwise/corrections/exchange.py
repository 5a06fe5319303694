"""Samples to files and back: a pair of CSV files for other programs, JSON Lines with everything.

images.csv      784 values 0 to 255 a row
labels.csv      the label of each row, empty where there is none
samples.jsonl   `Sample.to_dict` a line
"""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
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

ROWS = 10_000_000
"""Maximum number of rows of an import: about 15 GB in the database."""

_TEXTS = [str(value) for value in range(256)]
_PIXEL_VALUES = {text: value for value, text in enumerate(_TEXTS)}
_ROW_ID_NAMESPACE = uuid.UUID(
    "6f1c2f0e-8a55-4e0b-9d0b-0c1f8f9f6f53"
)  # the namespace of the ids that CSV rows get

_RowT = TypeVar("_RowT")
_ParsedT = TypeVar("_ParsedT")


def export_samples(
    store: Store,
    folder: Path,
    writer: str | None = None,
    skipped: Callable[[Damage], object] = lambda damage: None,
) -> int:
    """Write a writer's samples, or all, to three files in a new folder, the oldest first, and count them.

    The folder appears when it is complete.

    Args:
        store: with the samples.
        folder: must not exist yet.
        writer: None for all.
        skipped: is given each damaged row, which is left out.

    Raises:
        StoreError: there are no samples, or the database cannot be read.
        DataError: the folder exists already, or cannot be written.
    """
    with new_folder(folder) as part:
        return write_samples(store, part, writer, skipped)


def write_samples(store: Store, folder: Path, writer: str | None, skipped: Callable[[Damage], object]) -> int:
    """Write the files of `export_samples` to an existing folder.

    Raises:
        StoreError: as for `export_samples`.
        OSError: a file cannot be written.
    """
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
    """Take in all samples of an export or none, and say how many the store did not hold.

    They are read and stored a few at a time, in one transaction.

    Args:
        store: where they go.
        source: the folder of an export, a samples.jsonl, or a folder with the pair of CSV files alone.
        writer: whose hand the pair of CSV files holds, which does not say so itself; None is "unknown".

    Raises:
        StoreError: a file cannot be read, or a row is wrong or one too many; file, row and reason are named.
    """
    return store.merge(_read(source, writer))


def _read(source: Path, writer: str | None) -> Iterator[Sample]:
    if not is_folder(source):
        return _read_lines(source, writer)
    if not is_there(source / SAMPLES):
        return _with_ids(_read_pair(source), writer or "unknown")
    samples = _read_lines(source / SAMPLES, writer)
    if (source / IMAGES).exists() and (source / LABELS).exists():
        return _same(samples, _read_pair(source), source)
    return samples


def _read_lines(path: Path, writer: str | None) -> Iterator[Sample]:
    if writer is not None:
        raise StoreError(f"{path}: names the writers itself; a writer can be given for CSV files alone")
    return _parse(path, _lines, _sample)


def _read_pair(folder: Path) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """Read glyph and label of each row."""
    images, labels = folder / IMAGES, folder / LABELS
    pairs = zip_longest(_parse(images, _cells, _glyph), _parse(labels, _cells, _label))
    for rows, (glyph, label) in enumerate(pairs):
        if glyph is None or label is None:
            short, long = (images, LABELS) if glyph is None else (labels, IMAGES)
            raise StoreError(f"{short}: has {rows:,} rows, fewer than {long}")
        yield glyph, label


def _with_ids(pairs: Iterable[tuple[NDArray[np.uint8], str]], writer: str) -> Iterator[Sample]:
    now = datetime.now(UTC)
    for row, (glyph, label) in enumerate(pairs, 1):
        # The same row gets the same id, so that it is taken in once.
        name = f"{writer}\n{row}\n{label or None}\n{glyph.tobytes().hex()}"
        yield Sample(
            id=uuid.uuid5(_ROW_ID_NAMESPACE, name),
            writer=writer,
            source="import",
            time=now + timedelta(microseconds=row),  # keeps the order
            glyph=glyph,
            label=label or None,
        )


def _same(
    samples: Iterable[Sample], pairs: Iterable[tuple[NDArray[np.uint8], str]], folder: Path
) -> Iterator[Sample]:
    """Check that the files agree: if somebody edited one of them, it is unknown which one is right."""
    for row, (sample, pair) in enumerate(zip_longest(samples, pairs), 1):
        if (
            sample is None
            or pair is None
            or (sample.label or "") != pair[1]
            or not np.array_equal(sample.glyph, pair[0])
        ):
            raise StoreError(
                f"{folder}: row {row}: the CSV files differ from {SAMPLES}: remove what is out of date"
            )
        yield sample


def _parse(
    path: Path, rows: Callable[[TextIO], Iterable[_RowT]], parse: Callable[[_RowT], _ParsedT]
) -> Iterator[_ParsedT]:
    """Parse a text file row by row; an error names the row."""
    parsed = 0
    with (
        clear_read_errors(path, StoreError),
        io.TextIOWrapper(open_input(path, error=StoreError), encoding="utf-8-sig", newline="") as file,
    ):
        try:
            for row in rows(file):
                if parsed == ROWS:
                    raise InkwiseError(f"at most {ROWS:,} rows can be imported at once")
                yield parse(row)
                parsed += 1
        except (InkwiseError, csv.Error) as error:
            raise StoreError(f"{path}: row {parsed + 1}: {error}") from None
        except UnicodeDecodeError:
            raise StoreError(f"{path}: is not a text file") from None


def _lines(file: TextIO) -> Iterator[str]:
    """Lines of no more characters than a drawing of 20,000 points has, twice over."""
    return bounded_lines(file, 2_000_000)


def _cells(file: TextIO) -> Iterator[list[str]]:
    """Rows of one line each: no value holds a line end, and a quoted one could be without end."""
    for line in bounded_lines(file, 10_000):  # 784 values have less than half of it
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
    """The label in a row, empty where there is none."""
    if len(cells) > 1:
        raise InkwiseError(f"{len(cells)} values, not one label")
    text = unescape_formula(cells[0]) if cells else ""  # spreadsheets write an empty cell as an empty line
    return validate_field("label", text) if text else ""


def _sample(line: str) -> Sample:
    try:
        plain: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise InkwiseError("is not JSON") from None
    if not isinstance(plain, dict):
        raise InkwiseError("is not a JSON object")
    return Sample.from_dict(plain)
