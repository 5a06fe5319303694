"""The tables of samples and undo steps; a sample validates its values and converts to JSON and arrays."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence, Sized
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column, validates

from inkwise._util.errors import InkwiseError
from inkwise._util.text import MAX_LABEL_LENGTH, validate_text
from inkwise.datasets import Dataset, StrokeSet
from inkwise.preprocessing import GLYPH_SIDE
from inkwise.preprocessing.line_image import LINE_HEIGHT
from inkwise.preprocessing.strokes import to_stroke_arrays

StrokePoints = list[list[list[float]]]

_PLAIN_KEYS = ("writer", "source", "label", "answer", "probability", "model", "strokes")
_JSON_KEYS = {"id", "number_id", "time", "glyph", "line_ink", *_PLAIN_KEYS}
_GLYPH_BYTES = GLYPH_SIDE * GLYPH_SIDE
_MAX_LENGTHS = {
    "label": MAX_LABEL_LENGTH,
    "answer": MAX_LABEL_LENGTH,
    "writer": 64,
    "source": 64,
    "model": 200,
}
_MAX_COORDINATE = 1e9  # keeps float32 coordinates exact enough and their differences finite
_MAX_STROKES = 500  # of one digit
_MAX_POINTS = 20_000  # of one digit; keeps its line in samples.jsonl below 2 MB
_MAX_LINE_COLUMNS = 480  # of one digit, ten times the height of its line


class ImageColumn(TypeDecorator[NDArray[np.uint8]]):
    """(h, w) uint8 of a known height, stored as h * w bytes."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: NDArray[np.uint8] | None, dialect: Dialect) -> bytes | None:
        """Encode the image; `read_samples` decodes it."""
        return None if value is None else value.tobytes()


UtcDateTime = DateTime(timezone=True)


class Base(MappedAsDataclass, DeclarativeBase, eq=False, kw_only=True):
    """Base class of the tables."""


class Sample(Base):
    """A digit that was drawn or found, with the model's answer and its true label.

    The constructor validates the values and raises InkwiseError. A sample is a copy of a database row, which
    only the store changes.

    Attributes:
        id: Identifies the sample in every database that it is exported to.
        writer: Name of the writer, 1 to 64 characters.
        source: Origin, 1 to 64 characters: canvas, file, import.
        time: When the sample was added, UTC.
        glyph: (28, 28) uint8, the model's input.
        strokes: [[[x, y], ..], ..], x right, y down; None if the sample was not drawn.
        line_ink: (48, w) uint8, its columns of the line image of a number, w at most 480; None if it was not
            cut from one. It is finer than the glyph, and the line reader learns from it.
        answer: The label that the model read, "not a digit" if it rejected the drawing; None if no model was
            asked.
        probability: Probability of the answer, 0 to 1.
        label: True label, at most 32 characters, "not a digit" for a non-digit; None while unknown.
        model: Version of the model that answered, at most 200 characters.
        number_id: Identifies the drawn number that the digit was read in; None if it stood alone.
        deleted: The sample is hidden; `undo` restores it.
    """

    __tablename__ = "samples"
    __table_args__ = (Index("ix_samples_writer_time", "writer", "time"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    writer: Mapped[str] = mapped_column(String(_MAX_LENGTHS["writer"]))
    source: Mapped[str] = mapped_column(String(_MAX_LENGTHS["source"]))
    time: Mapped[datetime] = mapped_column(UtcDateTime)
    glyph: Mapped[NDArray[np.uint8]] = mapped_column(ImageColumn, repr=False)
    strokes: Mapped[StrokePoints | None] = mapped_column(JSON(none_as_null=True), default=None, repr=False)
    line_ink: Mapped[NDArray[np.uint8] | None] = mapped_column(ImageColumn, default=None, repr=False)
    answer: Mapped[str | None] = mapped_column(String(_MAX_LENGTHS["answer"]), default=None)
    probability: Mapped[float | None] = mapped_column(Double, default=None)
    label: Mapped[str | None] = mapped_column(String(_MAX_LENGTHS["label"]), default=None)
    model: Mapped[str | None] = mapped_column(String(_MAX_LENGTHS["model"]), default=None)
    number_id: Mapped[uuid.UUID | None] = mapped_column(default=None)
    deleted: Mapped[bool] = mapped_column(default=False)

    @classmethod
    def now(cls, glyph: NDArray[np.uint8], *, id: uuid.UUID | None = None, **values: Any) -> Self:
        """Create a sample with the current time and, unless given, a new id; values are the attributes."""
        return cls(id=id or uuid.uuid4(), time=datetime.now(UTC), glyph=glyph, **values)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, the images in base64."""
        return {
            "id": str(self.id),
            "number_id": None if self.number_id is None else str(self.number_id),
            "time": self.time.isoformat(),
            "glyph": encode_image(self.glyph),
            "line_ink": None if self.line_ink is None else encode_image(self.line_ink),
            **{name: getattr(self, name) for name in _PLAIN_KEYS},
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Create the sample that `to_dict` returned these values for; InkwiseError if they are invalid."""
        if different := plain.keys() ^ _JSON_KEYS:
            name = min(different)
            raise InkwiseError(f"{name[:40]!r} is {'unknown' if name in plain else 'missing'}")
        parsed = {
            "id": _parse("id", uuid.UUID, plain["id"]),
            "number_id": _optional(partial(_parse, "number_id", uuid.UUID), plain["number_id"]),
            "time": _parse("time", datetime.fromisoformat, plain["time"]),
            "glyph": decode_glyph(plain["glyph"]),
            "line_ink": _optional(_decode_line_ink, plain["line_ink"]),
        }
        return cls(**{**plain, **parsed})

    @validates("writer", "source", "answer", "label", "model")
    def _validate_text(self, key: str, value: object) -> str | None:
        required = key in ("writer", "source")
        return validate_field(key, value) if required or value is not None else None

    @validates("time")
    def _validate_time(self, key: str, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise InkwiseError("time has no zone")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            raise InkwiseError(f"time {value} is out of range") from None

    @validates("glyph")
    def _validate_glyph(self, key: str, value: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if value.shape != (GLYPH_SIDE, GLYPH_SIDE) or value.dtype != np.uint8:
            raise InkwiseError(f"glyph is {value.shape} {value.dtype}, not (28, 28) uint8")
        return value

    @validates("line_ink")
    def _validate_line_ink(self, key: str, value: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
        if value is None:
            return None
        fits = value.ndim == 2 and len(value) == LINE_HEIGHT and 1 <= value.shape[1] <= _MAX_LINE_COLUMNS
        if not fits or value.dtype != np.uint8:
            columns = f"({LINE_HEIGHT}, 1 to {_MAX_LINE_COLUMNS}) uint8"
            raise InkwiseError(f"line_ink is {value.shape} {value.dtype}, not {columns}")
        return value

    @validates("strokes")
    def _validate_strokes(self, key: str, value: Any) -> StrokePoints | None:
        if value is None:
            return None
        if not isinstance(value, Sequence):
            raise InkwiseError("strokes is not a list of strokes")
        if len(value) > _MAX_STROKES:
            raise InkwiseError(f"strokes has {len(value):,} strokes; at most {_MAX_STROKES} are possible")
        points = sum(len(stroke) for stroke in value if isinstance(stroke, Sized))
        if points > _MAX_POINTS:
            raise InkwiseError(f"strokes has {points:,} points; at most {_MAX_POINTS:,} are possible")
        strokes = to_stroke_arrays(value)
        if any(np.abs(stroke).max() > _MAX_COORDINATE for stroke in strokes):
            raise InkwiseError(f"strokes holds a coordinate beyond {_MAX_COORDINATE:.0e}")
        return [stroke.tolist() for stroke in strokes] or None

    @validates("probability")
    def _validate_probability(self, key: str, value: object) -> float | None:
        if value is None:
            return None
        if not isinstance(value, float | int) or not 0 <= value <= 1:
            raise InkwiseError("probability is not a number 0 to 1")
        return float(value)


class UndoStep(Base):
    """The state of a sample before it was added, labelled or deleted, which undoing restores."""

    __tablename__ = "steps"
    # Numbers are never reused, so the last one identifies the state of a writer's samples.
    __table_args__ = (Index("ix_steps_writer_number", "writer", "number"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(primary_key=True, init=False)
    writer: Mapped[str] = mapped_column(String(_MAX_LENGTHS["writer"]))
    sample_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("samples.id"))
    label: Mapped[str | None] = mapped_column(String(_MAX_LENGTHS["label"]))
    deleted: Mapped[bool]


class Merge(Base):
    """A change of a writer's samples without an undo step: an import, or the deletion of damaged rows."""

    __tablename__ = "merges"
    __table_args__ = (Index("ix_merges_writer_number", "writer", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, init=False)
    writer: Mapped[str] = mapped_column(String(_MAX_LENGTHS["writer"]))
    time: Mapped[datetime] = mapped_column(UtcDateTime)


def encode_image(image: NDArray[np.uint8]) -> str:
    """Encode the bytes of a glyph, or of the columns of a line, in base64."""
    return base64.b64encode(image.tobytes()).decode()


def decode_glyph(text: object) -> NDArray[np.uint8]:
    """Decode the (28, 28) uint8 glyph that `encode_image` encoded; InkwiseError if the text is invalid."""
    with suppress(ValueError):  # an InkwiseError is one, too
        return glyph_from_bytes(base64.b64decode(text if isinstance(text, str) else "", validate=True))
    raise InkwiseError(f"glyph is not {_GLYPH_BYTES} bytes in base64")


def _decode_line_ink(text: object) -> NDArray[np.uint8]:
    """Decode the columns of a line that `encode_image` encoded; InkwiseError if the text is invalid."""
    with suppress(ValueError):
        return line_ink_from_bytes(base64.b64decode(text if isinstance(text, str) else "", validate=True))
    raise InkwiseError(f"line_ink is not columns of {LINE_HEIGHT} bytes in base64")


def line_ink_from_bytes(value: object) -> NDArray[np.uint8]:
    """Decode columns (48, w) uint8 of a line; InkwiseError if the value is not 48 * w bytes."""
    if not isinstance(value, bytes) or not value or len(value) % LINE_HEIGHT:
        raise InkwiseError(f"line_ink is not columns of {LINE_HEIGHT} bytes")
    return np.frombuffer(value, np.uint8).reshape(LINE_HEIGHT, -1)


def glyph_from_bytes(value: object) -> NDArray[np.uint8]:
    """Decode a (28, 28) uint8 glyph; InkwiseError if the value is not 784 bytes."""
    if not isinstance(value, bytes):
        raise InkwiseError(f"glyph is {type(value).__name__}, not bytes")
    if len(value) != _GLYPH_BYTES:
        raise InkwiseError(f"glyph has {len(value):,} bytes, not {_GLYPH_BYTES}")
    return np.frombuffer(value, np.uint8).reshape(GLYPH_SIDE, GLYPH_SIDE)


def validate_field(what: str, text: object) -> str:
    """Validate a label, answer, writer, source or model; see `validate_text`."""
    return validate_text(what, text, _MAX_LENGTHS[what])


def is_text(what: str, value: object) -> bool:
    """Return whether `validate_field` accepts the value."""
    with suppress(InkwiseError):
        return bool(validate_field(what, value))
    return False


def to_dataset(samples: Sequence[Sample], name: str) -> Dataset:
    """Return the glyphs of labelled samples."""
    glyphs = np.array([sample.glyph for sample in samples], np.uint8).reshape(-1, GLYPH_SIDE, GLYPH_SIDE)
    return Dataset(name, glyphs, *_labels_and_writers(samples))


def to_strokes(samples: Sequence[Sample], name: str) -> StrokeSet:
    """Return the strokes of those labelled samples that were drawn."""
    drawn = [sample for sample in samples if sample.strokes]
    strokes = [[np.array(stroke, np.float32) for stroke in sample.strokes or []] for sample in drawn]
    return StrokeSet(name, strokes, *_labels_and_writers(drawn))


def _labels_and_writers(samples: Sequence[Sample]) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    labels = np.array([sample.label for sample in samples], np.str_)
    return labels, np.array([_writer_number(sample.writer) for sample in samples], np.int64)


def _writer_number(writer: str) -> int:
    """Return a number for `split_by_writer` that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(writer.encode()).digest()[:8], "big") >> 1


def _optional(parse: Callable[[Any], Any], value: object) -> Any:
    return None if value is None else parse(value)


def _parse(what: str, parse: Callable[[str], Any], text: object) -> Any:
    if not isinstance(text, str):
        raise InkwiseError(f"{what} is {type(text).__name__}, not text")
    try:
        return parse(text)
    except ValueError:
        raise InkwiseError(f"{what} cannot be understood") from None
