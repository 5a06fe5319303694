"""Decoding of table rows: in SQLite a cell may hold a value of any type, and a disk may damage it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    JSON,
    ColumnElement,
    DateTime,
    Row,
    Select,
    Text,
    cast,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from inkwise._util.errors import InkwiseError, StoreError
from inkwise.corrections.sample import Base, Sample
from inkwise.preprocessing import GLYPH_SIDE

_FETCHED = 50  # rows in memory at a time: with all the points that a request may hold, one takes about 1 MB

_SHOWN = 40  # characters of an id in a message: a damaged one may be long


@dataclass(frozen=True)
class Damage:
    """A row that cannot be decoded.

    Attributes:
        table: "sample", "step" or "version".
        id: of the row, or what the cell holds instead, as one short line.
        reason: what is wrong with it.
    """

    table: str
    id: str
    reason: str

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.table} {self.id} is damaged: {self.reason}"


def raw(table: type[Base], *names: str) -> list[ColumnElement[Any]]:
    """Select columns without the conversion of the library, which fails for all rows when one is damaged.

    Times and JSON come as text, for `decode_time` and `decode_json`.
    """
    plain = {column.key: column for column in table.__table__.columns}
    return [
        (
            cast(plain[name], Text)
            if isinstance(plain[name].type, DateTime | JSON)
            else type_coerce(plain[name], NullType())
        ).label(name)
        for name in names
    ]


def samples_query(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Select whole rows of the table of samples, for `read_samples`."""
    return select(*raw(Sample, *_COLUMNS)).where(*conditions)


def read_samples(session: Session, query: Select[Any]) -> Iterator[Sample | Damage]:
    """Run a `samples_query` with a few rows in memory at a time."""
    for row in session.execute(query.execution_options(yield_per=_FETCHED)):
        yield _decoded(row)


def find_sample(session: Session, sample_id: uuid.UUID) -> Sample | Damage | None:
    """Read the row with this id, even if it is deleted."""
    row = session.execute(samples_query(Sample.id == sample_id)).one_or_none()
    return None if row is None else _decoded(row)


def damaged_rows(session: Session, condition: ColumnElement[bool]) -> list[tuple[ColumnElement[bool], Any]]:
    """Find the damaged rows among those that meet a condition.

    Returns:
        For each, the condition that only this row meets, whatever its id, and its writer as it is there.
    """
    sqlite = session.get_bind().dialect.name == "sqlite"
    key: ColumnElement[Any] = literal_column("samples.rowid") if sqlite else Sample.__table__.c.id
    query = samples_query(condition).add_columns(key.label("key"))
    rows = session.execute(query.execution_options(yield_per=_FETCHED))
    return [(key == row.key, row.writer) for row in rows if isinstance(_decoded(row), Damage)]


def readable(row: Sample | Damage) -> Sample:
    """Return the sample.

    Raises:
        StoreError: the row is damaged.
    """
    if isinstance(row, Damage):
        raise StoreError(str(row))
    return row


def values_of(sample: Sample) -> dict[str, Any]:
    """Return the values of a sample's row, for an INSERT or UPDATE."""
    return {name: getattr(sample, name) for name in _COLUMNS}


def _decoded(row: Row[Any]) -> Sample | Damage:
    cells = {name: row._mapping[name] for name in _COLUMNS}
    try:
        return Sample(
            **{
                **cells,
                "id": decode_id(cells["id"]),
                "time": decode_time(cells["time"]),
                "glyph": decode_glyph(cells["glyph"]),
                "strokes": decode_json("strokes", cells["strokes"]),
                "deleted": decode_bool("deleted", cells["deleted"]),
            }
        )
    except InkwiseError as error:
        return Damage("sample", shown(cells["id"]), str(error))


def decode_text(value: bytes) -> str:
    """Decode a text of SQLite; bytes that are no UTF-8 become lone surrogates, and fail no query."""
    return value.decode("utf-8", "surrogateescape")


def shown(value: object) -> str:
    """Return the id in a cell, or what is there instead, as one short line."""
    try:
        return str(decode_id(value))
    except InkwiseError:
        start = value[: _SHOWN + 1] if isinstance(value, str | bytes) else str(value)
        text = ascii(start)
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def decode_id(value: object) -> uuid.UUID:
    """Decode a UUID; one in another notation is damaged, since no query finds it.

    Raises:
        InkwiseError: it is none.
    """
    if isinstance(value, uuid.UUID):
        return value
    try:
        found = uuid.UUID(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.hex != value:
        raise InkwiseError("id is not a UUID")
    return found


def decode_time(value: str | None) -> datetime:
    """Decode a time; SQLite keeps UTC without a zone.

    Raises:
        InkwiseError: it is none.
    """
    try:
        time = datetime.fromisoformat(value or "")
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InkwiseError("time cannot be understood") from None


def decode_glyph(value: object) -> NDArray[np.uint8]:
    """Decode a (28, 28) uint8 glyph.

    Raises:
        InkwiseError: it is none.
    """
    if not isinstance(value, bytes):
        raise InkwiseError(f"glyph is {type(value).__name__}, not bytes")
    if len(value) != GLYPH_SIDE * GLYPH_SIDE:
        raise InkwiseError(f"glyph has {len(value):,} bytes, not {GLYPH_SIDE * GLYPH_SIDE}")
    return np.frombuffer(value, np.uint8).reshape(GLYPH_SIDE, GLYPH_SIDE)


def decode_json(what: str, value: str | None) -> Any:
    """Decode JSON; None stays None.

    Raises:
        InkwiseError: it is none.
    """
    try:
        return None if value is None else json.loads(value)
    except (ValueError, RecursionError):
        raise InkwiseError(f"{what} is not JSON") from None


def decode_bool(what: str, value: object) -> bool:
    """Decode a truth value.

    Raises:
        InkwiseError: it is none.
    """
    if not isinstance(value, int) or value not in (0, 1):
        raise InkwiseError(f"{what} is not a truth value")
    return bool(value)


_COLUMNS = [column.key for column in Sample.__table__.columns]
