"""One answer as the database keeps it, and the steps by which it came about."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping, Sequence, Sized
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import JSON, DateTime, Dialect, Double, ForeignKey, Index, LargeBinary, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column, validates

from inkwise._util.errors import InkwiseError
from inkwise._util.text import MAX_LABEL_LENGTH, validate_text
from inkwise.preprocessing import GLYPH_SIDE
from inkwise.preprocessing.strokes import to_stroke_arrays

StrokePoints = list[list[list[float]]]

_MAX_LENGTHS = {
    "label": MAX_LABEL_LENGTH,
    "answer": MAX_LABEL_LENGTH,
    "writer": 64,
    "source": 64,
    "model": 200,
}

_MAX_COORDINATE = 1e9  # coordinates stay exact enough in float32, and their differences finite


_MOST_STROKES = 500  # of one digit
_MOST_POINTS = 20_000  # of one digit: its line in samples.jsonl stays below 2 MB


class GlyphColumn(TypeDecorator[NDArray[np.uint8]]):
    """(28, 28) uint8 as 784 bytes."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: NDArray[np.uint8] | None, dialect: Dialect) -> bytes | None:
        """To the database; `rows` reads it, as it reads all columns."""
        return None if value is None else value.tobytes()


UtcDateTime = DateTime(timezone=True)
"""A moment in UTC."""


class Base(MappedAsDataclass, DeclarativeBase, eq=False, kw_only=True):
    """What the tables have in common."""


class Sample(Base):
    """One digit that was drawn or found, what the model read, and what it truly is.

    Its values are checked when it is made; one that is wrong raises InkwiseError. It is a copy of what the
    database holds, which only the store changes.

    Attributes:
        id: the same wherever the sample is exported to.
        writer: whose hand, 1 to 64 characters.
        source: where it comes from, 1 to 64 characters: canvas, file, import.
        time: when it was added, UTC.
        glyph: (28, 28) uint8, what the model saw.
        strokes: [[[x, y], ..], ..], x right, y down, None where it was no drawing.
        answer: the label that the model read, None where none was asked.
        probability: of that answer, 0 to 1.
        label: what it truly is, at most 32 characters, None until somebody says so.
        model: the version of the model that answered, at most 200 characters.
        deleted: it is out of sight, and `undo` brings it back.
    """

    __tablename__ = "samples"
    __table_args__ = (Index("ix_samples_writer_time", "writer", "time"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    writer: Mapped[str] = mapped_column(String(_MAX_LENGTHS["writer"]))
    source: Mapped[str] = mapped_column(String(_MAX_LENGTHS["source"]))
    time: Mapped[datetime] = mapped_column(UtcDateTime)
    glyph: Mapped[NDArray[np.uint8]] = mapped_column(GlyphColumn, repr=False)
    strokes: Mapped[StrokePoints | None] = mapped_column(JSON(none_as_null=True), default=None, repr=False)
    answer: Mapped[str | None] = mapped_column(String(_MAX_LENGTHS["answer"]), default=None)
    probability: Mapped[float | None] = mapped_column(Double, default=None)
    label: Mapped[str | None] = mapped_column(String(_MAX_LENGTHS["label"]), default=None)
    model: Mapped[str | None] = mapped_column(String(_MAX_LENGTHS["model"]), default=None)
    deleted: Mapped[bool] = mapped_column(default=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, the glyph in base64."""
        return {
            "id": str(self.id),
            "writer": self.writer,
            "source": self.source,
            "time": self.time.isoformat(),
            "label": self.label,
            "answer": self.answer,
            "probability": self.probability,
            "model": self.model,
            "glyph": encode_glyph(self.glyph),
            "strokes": self.strokes,
        }

    @classmethod
    def now(cls, glyph: NDArray[np.uint8], *, id: uuid.UUID | None = None, **values: Any) -> Self:
        """A sample of this moment, with an id of its own where none is given; the values are the attributes.

        Raises:
            InkwiseError: a value is not what it should be.
        """
        return cls(id=id or uuid.uuid4(), time=datetime.now(UTC), glyph=glyph, **values)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """The sample that `to_dict` gave these values for.

        Raises:
            InkwiseError: a value is missing, unknown, or not what it should be.
        """
        if different := plain.keys() ^ _KEYS:
            name = min(different)
            raise InkwiseError(f"{name[:40]!r} is {'unknown' if name in plain else 'missing'}")
        return cls(
            **{
                **plain,
                "id": _parsed("id", uuid.UUID, plain["id"]),
                "time": _parsed("time", datetime.fromisoformat, plain["time"]),
                "glyph": decode_glyph(plain["glyph"]),
            }
        )

    @validates("writer", "source")
    def _check_name(self, key: str, value: object) -> str:
        return validate_field(key, value)

    @validates("answer", "label", "model")
    def _check_text(self, key: str, value: object) -> str | None:
        return None if value is None else validate_field(key, value)

    @validates("time")
    def _check_time(self, key: str, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise InkwiseError("time has no zone")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            raise InkwiseError(f"time {value} is out of range") from None

    @validates("glyph")
    def _check_glyph(self, key: str, value: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if value.shape != (GLYPH_SIDE, GLYPH_SIDE) or value.dtype != np.uint8:
            raise InkwiseError(f"glyph is {value.shape} {value.dtype}, not (28, 28) uint8")
        return value

    @validates("strokes")
    def _check_strokes(self, key: str, value: Any) -> StrokePoints | None:
        if value is None:
            return None
        if not isinstance(value, Sequence):
            raise InkwiseError("strokes is not a list of strokes")
        if len(value) > _MOST_STROKES:
            raise InkwiseError(f"strokes has {len(value):,} strokes; at most {_MOST_STROKES} are possible")
        points = sum(len(stroke) for stroke in value if isinstance(stroke, Sized))
        if points > _MOST_POINTS:
            raise InkwiseError(f"strokes has {points:,} points; at most {_MOST_POINTS:,} are possible")
        strokes = to_stroke_arrays(value)
        if any(np.abs(stroke).max() > _MAX_COORDINATE for stroke in strokes):
            raise InkwiseError(f"strokes holds a coordinate beyond {_MAX_COORDINATE:.0e}")
        return [stroke.tolist() for stroke in strokes] or None

    @validates("probability")
    def _check_probability(self, key: str, value: object) -> float | None:
        if value is None:
            return None
        if not isinstance(value, float | int) or not 0 <= value <= 1:
            raise InkwiseError("probability is not a number 0 to 1")
        return float(value)


class UndoStep(Base):
    """What adding, labelling or deleting a sample did to it: undoing puts back what was before."""

    __tablename__ = "steps"
    # Numbers are never given twice, so that the last one tells in what state a writer's samples are.
    __table_args__ = (Index("ix_steps_writer_number", "writer", "number"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(primary_key=True, init=False)
    writer: Mapped[str] = mapped_column(String(_MAX_LENGTHS["writer"]))
    sample_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("samples.id"))
    label: Mapped[str | None] = mapped_column(String(_MAX_LENGTHS["label"]))
    deleted: Mapped[bool]


class Merge(Base):
    """A change of a writer's samples that no step tells of: some came in from elsewhere, or were damaged."""

    __tablename__ = "merges"
    __table_args__ = (Index("ix_merges_writer_number", "writer", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, init=False)
    writer: Mapped[str] = mapped_column(String(_MAX_LENGTHS["writer"]))
    time: Mapped[datetime] = mapped_column(UtcDateTime)


_KEYS = {column.key for column in Sample.__table__.columns} - {"deleted"}


def validate_field(what: str, text: object) -> str:
    """The text without the blanks around it, if it is 1 to so many characters and none of them controls."""
    return validate_text(what, text, _MAX_LENGTHS[what])


def is_text(what: str, value: object) -> bool:
    """Whether `validate_field` accepts the value."""
    with suppress(InkwiseError):
        return bool(validate_field(what, value))
    return False


def _parsed(what: str, parse: Callable[[str], Any], text: object) -> Any:
    if not isinstance(text, str):
        raise InkwiseError(f"{what} is {type(text).__name__}, not text")
    try:
        return parse(text)
    except ValueError:
        raise InkwiseError(f"{what} cannot be understood") from None


def encode_glyph(glyph: NDArray[np.uint8]) -> str:
    """The 784 bytes of a glyph, in base64."""
    return base64.b64encode(glyph.tobytes()).decode()


def decode_glyph(text: object) -> NDArray[np.uint8]:
    """The (28, 28) uint8 glyph that `encode_glyph` gave this text for.

    Raises:
        InkwiseError: it is none.
    """
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        data = b""
    if len(data) != GLYPH_SIDE * GLYPH_SIDE:
        raise InkwiseError(f"glyph is not {GLYPH_SIDE * GLYPH_SIDE} bytes in base64")
    return np.frombuffer(data, np.uint8).reshape(GLYPH_SIDE, GLYPH_SIDE)
