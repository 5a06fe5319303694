"""Samples to files and back: a pair of CSV files for other programs, JSON Lines with everything.

images.csv      784 values 0 to 255 a row
labels.csv      the label of each row, empty where there is none
samples.jsonl   `Sample.to_dict` a line
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from inkwise.corrections.sample import Sample, checked_text
from inkwise.corrections.store import Store
from inkwise.errors import InkwiseError, StoreError
from inkwise.ink import SIDE
from inkwise.inputs import bounded_lines, clear_read_errors, is_folder, is_there, open_input
from inkwise.texts import escaped, unescaped

IMAGES, LABELS, SAMPLES = "images.csv", "labels.csv", "samples.jsonl"

_PIXELS = {str(value): value for value in range(256)}
_ROW_IDS = uuid.UUID("6f1c2f0e-8a55-4e0b-9d0b-0c1f8f9f6f53")  # the namespace of the ids that CSV rows get

_Row = TypeVar("_Row")
_Parsed = TypeVar("_Parsed")


def export_samples(store: Store, folder: Path, writer: str | None = None) -> int:
    """Write a writer's samples, or all, to the three files, the oldest first, and say how many.

    Raises:
        StoreError: there is none, the database cannot be read, or the files cannot be written.
    """
    samples = store.samples(writer=writer)[::-1]
    if not samples:
        raise StoreError("there are no samples" + (f" of {writer}" if writer else ""))
    texts = {
        IMAGES: _csv(sample.glyph.ravel().tolist() for sample in samples),
        LABELS: _csv([escaped(sample.label or "")] for sample in samples),
        SAMPLES: "".join(json.dumps(sample.to_dict(), ensure_ascii=False) + "\n" for sample in samples),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # An export that was there stays whole until this one is.
        with tempfile.TemporaryDirectory(dir=folder) as part:
            for name, text in texts.items():
                (Path(part) / name).write_text(text, encoding="utf-8", newline="")
            for name in texts:
                (Path(part) / name).replace(folder / name)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror})") from None
    return len(samples)


def import_samples(store: Store, source: Path, writer: str | None = None) -> int:
    """Take in all samples of an export or none, and say how many the store did not hold.

    Args:
        store: where they go.
        source: the folder of an export, a samples.jsonl, or a folder with the pair of CSV files alone.
        writer: whose hand the pair of CSV files holds, which does not say so itself; None is "unknown".

    Raises:
        StoreError: a file cannot be read, or a row is wrong; file, row and reason are named.
    """
    if not is_folder(source):
        return store.merge(_read_lines(source, writer))
    if not is_there(source / SAMPLES):
        return store.merge(_read_pair(source, writer or "unknown"))
    samples = _read_lines(source / SAMPLES, writer)
    if (source / IMAGES).exists() and (source / LABELS).exists():
        _check_same(samples, _read_pair(source, "unknown"), source)
    return store.merge(samples)


def _read_lines(path: Path, writer: str | None) -> list[Sample]:
    if writer is not None:
        raise StoreError(f"{path}: names the writers itself; a writer can be given for CSV files alone")
    return _parse(path, _lines, _sample)


def _read_pair(folder: Path, writer: str) -> list[Sample]:
    glyphs = _parse(folder / IMAGES, _cells, _glyph)
    labels = _parse(folder / LABELS, _cells, _label)
    if len(glyphs) != len(labels):
        raise StoreError(f"{folder / LABELS}: {len(labels)} rows for {len(glyphs)} of {IMAGES}")
    now = datetime.now(UTC)
    return [
        Sample(
            # The same row gets the same id, so that it is taken in once.
            id=uuid.uuid5(_ROW_IDS, f"{writer}\n{row}\n{label}\n{glyph.tobytes().hex()}"),
            writer=writer,
            source="import",
            time=now + timedelta(microseconds=row),  # keeps the order
            glyph=glyph,
            label=label,
        )
        for row, (glyph, label) in enumerate(zip(glyphs, labels, strict=True), 1)
    ]


def _check_same(samples: list[Sample], pair: list[Sample], folder: Path) -> None:
    """Somebody may have edited the CSV files, or the lines: which of them to believe is not ours to guess."""
    same = [
        a.label == b.label and np.array_equal(a.glyph, b.glyph) for a, b in zip(samples, pair, strict=False)
    ]
    if len(samples) != len(pair) or not all(same):
        row = [*same, False].index(False) + 1
        raise StoreError(
            f"{folder}: row {row}: the CSV files differ from {SAMPLES}: remove what is out of date"
        )


def _parse(
    path: Path, rows: Callable[[TextIO], Iterable[_Row]], parse: Callable[[_Row], _Parsed]
) -> list[_Parsed]:
    """Parse each row of a text file; what is wrong with one is said with its number."""
    parsed: list[_Parsed] = []
    with (
        clear_read_errors(path, StoreError),
        io.TextIOWrapper(open_input(path, error=StoreError), encoding="utf-8-sig", newline="") as file,
    ):
        try:
            for row in rows(file):
                parsed.append(parse(row))
        except (InkwiseError, csv.Error) as error:
            raise StoreError(f"{path}: row {len(parsed) + 1}: {error}") from None
        except UnicodeDecodeError:
            raise StoreError(f"{path}: is not a text file") from None
    return parsed


def _lines(file: TextIO) -> Iterator[str]:
    """Lines of no more characters than a drawing of 20,000 points has, some times over."""
    return bounded_lines(file, 4_000_000)


def _cells(file: TextIO) -> Iterator[list[str]]:
    return csv.reader(bounded_lines(file, 10_000))  # 784 values have less than half of it


def _glyph(cells: list[str]) -> NDArray[np.uint8]:
    if len(cells) != SIDE * SIDE:
        raise InkwiseError(f"{len(cells)} values, not {SIDE * SIDE}")
    try:
        values = bytes(_PIXELS[cell.strip()] for cell in cells)
    except KeyError as error:
        raise InkwiseError(f"{error.args[0][:40]!r} is not a whole number 0 to 255") from None
    return np.frombuffer(values, np.uint8).reshape(SIDE, SIDE)


def _label(cells: list[str]) -> str | None:
    if len(cells) > 1:
        raise InkwiseError(f"{len(cells)} values, not one label")
    text = unescaped(cells[0]) if cells else ""  # spreadsheets write an empty cell as an empty line
    return checked_text("label", text) if text else None


def _sample(line: str) -> Sample:
    try:
        plain: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise InkwiseError("is not JSON") from None
    if not isinstance(plain, dict):
        raise InkwiseError("is not a JSON object")
    return Sample.from_dict(plain)


def _csv(rows: Iterable[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
