"""Rows inside a transaction: decoded, added, undone and merged.

In SQLite a cell may hold a value of any type, and a disk may corrupt it: a row that cannot be decoded is
read as `Damage`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    DateTime,
    Result,
    Row,
    Select,
    Text,
    cast,
    delete,
    insert,
    literal,
    literal_column,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from inkwise._util.errors import InkwiseError, StoreError
from inkwise.corrections.sample import (
    Base,
    Merge,
    Sample,
    UndoStep,
    glyph_from_bytes,
    is_text,
    line_ink_from_bytes,
)

_FETCHED_ROWS = 50  # in memory at a time; a row with the most points of a request takes about 1 MB
_MAX_SHOWN = 40  # characters of an id in a message; a damaged one may be long
_BATCH_ROWS = 500
_BATCH_POINTS = 50_000  # of the strokes in a batch; a point takes about 200 bytes


@dataclass(frozen=True)
class Damage:
    """A row that cannot be decoded.

    Attributes:
        table: "sample", "step" or "version".
        id: The row's id, or the content of its cell, as one short line.
        reason: What is wrong with the row.
    """

    table: str
    id: str
    reason: str

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.table} {self.id} is damaged: {self.reason}"


def raw(table: type[Base], *names: str) -> list[ColumnElement[Any]]:
    """Return columns without SQLAlchemy's conversion, where one damaged value fails the whole query.

    Times and JSON are selected as text, for `decode_time` and `decode_json`.
    """
    columns = [table.__table__.c[name] for name in names]
    return [
        (
            cast(column, Text)
            if isinstance(column.type, DateTime | JSON)
            else type_coerce(column, NullType())
        ).label(column.key)
        for column in columns
    ]


_COLUMNS = [column.key for column in Sample.__table__.columns]
_RAW_SAMPLE = raw(Sample, *_COLUMNS)


def sample_query(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Select whole rows of the sample table, for `read_samples`."""
    return select(*_RAW_SAMPLE).where(*conditions)


def read_samples(session: Session, query: Select[Any]) -> Iterator[Sample | Damage]:
    """Run a `sample_query` with a few rows in memory at a time."""
    return map(_decode_sample, _fetch(session, query))


def _fetch(session: Session, query: Select[Any]) -> Result[Any]:
    return session.execute(query.execution_options(yield_per=_FETCHED_ROWS))


def _decode_sample(row: Row[Any]) -> Sample | Damage:
    """Decode a row of `sample_query`."""
    cells = {name: row._mapping[name] for name in _COLUMNS}
    try:
        return Sample(**cells | {name: decode(cells[name]) for name, decode in _DECODERS.items()})
    except InkwiseError as error:
        return Damage("sample", shown_id(cells["id"]), str(error))


def shown_id(value: object) -> str:
    """Return the id in a cell, or the cell's content, as one short line."""
    with suppress(InkwiseError):
        return str(decode_id(value))
    text = ascii(value[: _MAX_SHOWN + 1] if isinstance(value, str | bytes) else str(value))
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def decode_id(value: object, what: str = "id") -> uuid.UUID:
    """Decode a UUID, which SQLite holds as hexadecimal digits; InkwiseError if it has another notation."""
    with suppress(ValueError):
        if isinstance(value, uuid.UUID):
            return value
        if isinstance(value, str) and (found := uuid.UUID(value)).hex == value:
            return found
    raise InkwiseError(f"{what} is not a UUID")


def decode_time(value: str | None) -> datetime:
    """Decode a time, which SQLite holds as UTC without a zone; InkwiseError if it is none."""
    try:
        time = datetime.fromisoformat(value or "")
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InkwiseError("time cannot be understood") from None


def decode_json(what: str, value: str | None) -> Any:
    """Decode JSON, where None stays None; InkwiseError if it is not JSON."""
    try:
        return None if value is None else json.loads(value)
    except (ValueError, RecursionError):
        raise InkwiseError(f"{what} is not JSON") from None


def decode_deleted(value: object) -> bool:
    """Decode the flag `deleted`; InkwiseError if it is not a truth value."""
    if not isinstance(value, int) or value not in (0, 1):
        raise InkwiseError("deleted is not a truth value")
    return bool(value)


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "id": decode_id,
    "time": decode_time,
    "glyph": glyph_from_bytes,
    "number_id": lambda value: None if value is None else decode_id(value, "number_id"),
    "line_ink": lambda value: None if value is None else line_ink_from_bytes(value),
    "strokes": partial(decode_json, "strokes"),
    "deleted": decode_deleted,
}


def read_row(session: Session, sample_id: uuid.UUID) -> Sample | Damage | None:
    """Read a row, even if its sample is deleted."""
    row = session.execute(sample_query(Sample.id == sample_id)).one_or_none()
    return None if row is None else _decode_sample(row)


def undamaged(row: Sample | Damage) -> Sample:
    """Return the sample; StoreError if the row is damaged."""
    if isinstance(row, Damage):
        raise StoreError(str(row))
    return row


def find_sample(session: Session, sample_id: uuid.UUID) -> Sample:
    """Read a sample; StoreError if it does not exist, is deleted, or its row is damaged."""
    row = read_row(session, sample_id)
    if row is None or undamaged(row).deleted:
        raise StoreError(f"there is no sample {sample_id}")
    return undamaged(row)


def row_values(sample: Sample) -> dict[str, Any]:
    """Return the values of a sample's row, for INSERT or UPDATE."""
    return {name: getattr(sample, name) for name in _COLUMNS}


def add_step(session: Session, sample_id: uuid.UUID, *, deleted: bool) -> None:
    """Add an undo step with the sample's present label, in SQL, since the row may be damaged.

    Args:
        session: A transaction that is about to change the sample.
        sample_id: Id of the sample.
        deleted: Whether undoing this step deletes the sample.
    """
    before = select(Sample.writer, Sample.id, Sample.label, literal(deleted)).where(Sample.id == sample_id)
    session.execute(insert(UndoStep).from_select(["writer", "sample_id", "label", "deleted"], before))


def last_steps(session: Session, writer: str, count: int) -> Sequence[Row[Any]]:
    """Read a writer's last steps, newest first."""
    query = select(UndoStep.number, *raw(UndoStep, "sample_id", "label", "deleted"))
    query = query.where(UndoStep.writer == writer).order_by(UndoStep.number.desc()).limit(count)
    return session.execute(query).all()


def undo_step(session: Session, step: Row[Any]) -> Sample | Damage:
    """Undo and remove a step; only remove it if the step or its sample is damaged."""
    session.execute(delete(UndoStep).where(UndoStep.number == step.number))
    try:
        sample = read_row(session, decode_id(step.sample_id))
        if not isinstance(sample, Sample):
            return sample or Damage("sample", shown_id(step.sample_id), "it is gone")
        sample.label, sample.deleted = step.label, decode_deleted(step.deleted)
    except InkwiseError as error:
        return Damage("step", str(step.number), str(error))
    changed = update(Sample).where(Sample.id == sample.id)
    session.execute(changed.values(label=sample.label, deleted=sample.deleted))
    return sample


def adds_to_number(session: Session, step: Row[Any], undone: Sample | Damage) -> bool:
    """Whether a step added another digit of the number whose digit was removed by an undo."""
    if not isinstance(undone, Sample) or not undone.deleted or undone.number_id is None:
        return False
    try:
        sample = read_row(session, decode_id(step.sample_id)) if decode_deleted(step.deleted) else None
    except InkwiseError:  # damaged
        return False
    return isinstance(sample, Sample) and sample.number_id == undone.number_id


def batches(samples: Iterable[Sample]) -> Iterator[list[Sample]]:
    """Split samples into lists of bounded size."""
    batch: list[Sample] = []
    points = 0
    for sample in samples:
        batch.append(sample)
        points += sum(map(len, sample.strokes or []))
        if len(batch) == _BATCH_ROWS or points >= _BATCH_POINTS:
            yield batch
            batch, points = [], 0
    if batch:
        yield batch


def merge_batch(session: Session, batch: list[Sample]) -> int:
    """Insert new samples, restore deleted ones, replace damaged rows, and return the number of all these."""
    new = {sample.id: sample for sample in reversed(batch)}  # the first of several with one id counts
    hidden, damaged, writers = [], [], set()
    for row in read_samples(session, sample_query(Sample.id.in_(new))):
        if isinstance(row, Damage):
            damaged.append(new.pop(uuid.UUID(row.id)))
            continue
        del new[row.id]
        writers.add(row.writer)
        if row.deleted:
            hidden.append(row.id)
    added = [*reversed(new.values())]  # in the order of the batch
    if hidden:
        session.execute(update(Sample).where(Sample.id.in_(hidden)).values(deleted=False))
    if damaged:
        session.execute(update(Sample), [row_values(sample) for sample in damaged])
    if added:
        session.execute(insert(Sample), [row_values(sample) for sample in added])
    _add_merges(session, writers | {sample.writer for sample in (*damaged, *added)})
    return len(hidden) + len(damaged) + len(added)


def hide_damaged(session: Session, condition: ColumnElement[bool]) -> int:
    """Delete the damaged rows among those that meet a condition, and return their number."""
    sqlite = session.get_bind().dialect.name == "sqlite"  # where the id may be damaged, too
    key: ColumnElement[Any] = literal_column("samples.rowid") if sqlite else Sample.__table__.c.id
    rows = _fetch(session, sample_query(condition).add_columns(key.label("key")))
    damaged = {row.key: row.writer for row in rows if isinstance(_decode_sample(row), Damage)}
    for each in damaged:
        hide = update(Sample).where(key == each).values(deleted=True)
        session.execute(hide.execution_options(synchronize_session=False))  # else it reads the damaged id
    _add_merges(session, {writer for writer in damaged.values() if is_text("writer", writer)})
    return len(damaged)


def _add_merges(session: Session, writers: Iterable[str]) -> None:
    time = datetime.now(UTC)
    for writer in sorted(writers):
        session.execute(insert(Merge).values(writer=writer, time=time))
