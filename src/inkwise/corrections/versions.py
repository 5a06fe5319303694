"""Fine-tuned models of the writers: stored with their scores, opened, promoted and rolled back.

A version is a classifier of digits and, if one was learnt, a line reader.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import (
    JSON,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    Select,
    String,
    bindparam,
    delete,
    func,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from inkwise._util.errors import InkwiseError, ModelError, StoreError
from inkwise.corrections.accuracy import Accuracy
from inkwise.corrections.database import Database
from inkwise.corrections.rows import Damage, decode_json, decode_time, raw
from inkwise.corrections.sample import Base, UtcDateTime, validate_field
from inkwise.preprocessing import GLYPH_SIDE
from inkwise.preprocessing.line_image import LINE_HEIGHT
from inkwise.recognition import Model
from inkwise.recognition.model import LineModel

ALLOWED_EXTRA_MISSES = 5
"""Additional misses on the 10,000 of MNIST test that do not count as worse: seeds differ by as many."""

_MAX_COUNT = 10**9  # samples of a score; a damaged count must not overflow

_logger = logging.getLogger("inkwise.corrections")


@dataclass(frozen=True)
class VersionScores:
    """Accuracy of a version.

    Attributes:
        mnist: On MNIST test.
        own: On the writer's held-out samples.
        numbers: On numbers that are composed of these samples; of none if no line reader was learnt.
    """

    mnist: Accuracy
    own: Accuracy
    numbers: Accuracy = field(default=Accuracy(0, 0))

    def worse_than(self, before: VersionScores) -> tuple[str, ...]:
        """Return on which of "mnist" and "own" these scores are worse."""
        worse = {
            "mnist": self.mnist.misses > before.mnist.misses + ALLOWED_EXTRA_MISSES,
            "own": self.own.misses > before.own.misses,
        }
        return tuple(name for name, is_worse in worse.items() if is_worse)


@dataclass(frozen=True)
class ModelVersion:
    """A model that was fine-tuned for one writer.

    Attributes:
        number: Number among all versions in the database, from 1.
        writer: Name of the writer.
        time: When the version was stored, UTC.
        samples: Number of the writer's samples in its training data.
        before: Scores of the model that the version was compared with.
        after: Scores of the version.
        promoted: The version reads the writer's drawings.
    """

    number: int
    writer: str
    time: datetime
    samples: int
    before: VersionScores
    after: VersionScores
    promoted: bool


class VersionStore:
    """The versions in a database; number 0 is the base model, which no database holds.

    A method that returns has written its change to disk. StoreError means that the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        """Use an open database; `Store.versions` is the usual way."""
        self._database = database

    def add(
        self,
        writer: str,
        onnx: bytes,
        samples: int,
        before: VersionScores,
        after: VersionScores,
        *,
        lines: bytes | None = None,
        promote: bool = False,
    ) -> ModelVersion:
        """Store models, and optionally promote them in the same transaction; see `ModelVersion`.

        `onnx` is the classifier, `lines` the line reader; None is the bundled one.
        """
        row = _VersionRow(
            writer=validate_field("writer", writer),
            time=datetime.now(UTC),
            samples=samples,
            before=astuple(before),
            after=astuple(after),
            onnx=onnx,
            lines=lines,
        )
        with self._database.write() as session:
            session.add(row)
            session.flush()  # assigns the number
            if promote:
                session.add(_PromotionRow(writer=row.writer, time=row.time, version=row.number))
        return ModelVersion(row.number, row.writer, row.time, samples, before, after, promoted=promote)

    def list(self, writer: str) -> Sequence[ModelVersion]:
        """Return a writer's undamaged versions, newest first."""
        query = _VERSIONS.where(_VersionRow.writer == writer).order_by(_VersionRow.number.desc())
        with self._database.read() as session:
            promoted = _promoted_number(session, writer)
            versions = [_decode_version(row, promoted) for row in session.execute(query)]
        return [version for version in versions if isinstance(version, ModelVersion)]

    def damaged(self) -> Sequence[Damage]:
        """Return the damaged rows of all writers, oldest first."""
        with self._database.read() as session:
            rows = session.execute(_VERSIONS.order_by(_VersionRow.number))
            versions = [_decode_version(row, 0) for row in rows]
        return [version for version in versions if isinstance(version, Damage)]

    def damaged_models(self) -> Iterator[str]:
        """Open the models of all writers, and yield one line for each that is damaged."""
        with self._database.read() as session:
            numbers = session.scalars(select(_VersionRow.number).order_by(_VersionRow.number)).all()
        for number in numbers:
            try:
                self.open_models(number, threads=1)
            except ModelError as error:
                yield str(error)

    def weights(self, number: int) -> bytes:
        """Return the classifier of a version; StoreError if none exists, ModelError if it is damaged."""
        content = self._column(number, "onnx")
        if content is None:
            raise ModelError(f"version {number} is damaged: the model is NoneType, not bytes")
        return content

    def line_weights(self, number: int) -> bytes | None:
        """Return the line reader of a version, None for the bundled one; errors are those of `weights`."""
        return self._column(number, "lines") if number else None

    def _column(self, number: int, name: str) -> bytes | None:
        query = select(*raw(_VersionRow, name)).where(_VersionRow.number == number)
        with self._database.read() as session:
            row = session.execute(query).first()
        if row is None:
            raise StoreError(f"there is no version {number}")
        if not isinstance(row[0], bytes | None):
            raise ModelError(f"version {number} is damaged: the model is {type(row[0]).__name__}, not bytes")
        return row[0]

    def open_models(self, number: int, *, threads: int) -> tuple[Model, LineModel | None]:
        """Open the models of a version, and run them on empty input, since a damaged graph may open.

        Args:
            number: Number of the version, from 1.
            threads: Processor threads of each; 0 is one per core.

        Returns:
            The classifier, and the line reader, None for the bundled one.

        Raises:
            ModelError: The version is damaged.
            StoreError: The version does not exist.
        """
        onnx, lines = self.weights(number), self.line_weights(number)
        try:
            model = Model(onnx, threads=threads)
            _check_output(model)
            line_model = None if lines is None else LineModel(lines, threads=threads)
            if line_model is not None:
                line_model.run(np.zeros((LINE_HEIGHT, LINE_HEIGHT), np.uint8))
        except ModelError as error:
            raise ModelError(f"version {number} is damaged ({error})") from None
        return model, line_model

    def open_or_base(
        self, number: int, base: Model, *, threads: int
    ) -> tuple[Model, LineModel | None, str | None]:
        """Open the models of a version; use the base if the number is 0 or the version is damaged.

        Returns:
            The models, as `open_models` does, and None or one line about the damage, which is also logged.
        """
        if not number:
            return base, None, None
        try:
            return *self.open_models(number, threads=threads), None
        except ModelError as error:
            damage = f"{error}: the base model is used instead"
            _logger.warning("%s", damage)
            return base, None, damage

    def promote(self, writer: str, number: int) -> None:
        """Read a writer's drawings with this version of theirs from now on; 0 is the base model."""
        found = select(_VersionRow.number).where(_VersionRow.number == number, _VersionRow.writer == writer)
        with self._database.write() as session:
            if number and session.scalar(found) is None:
                raise StoreError(f"there is no version {number} of {writer}")
            name = validate_field("writer", writer)
            session.add(_PromotionRow(writer=name, time=datetime.now(UTC), version=number or None))

    def promoted(self, writer: str) -> int:
        """Return the number of the version that reads a writer's drawings, 0 for the base model."""
        with self._database.read() as session:
            return _promoted_number(session, writer)


class _VersionRow(Base):
    __tablename__ = "versions"
    __table_args__ = (Index("ix_versions_writer_number", "writer", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, init=False)
    writer: Mapped[str] = mapped_column(String(64))
    time: Mapped[datetime] = mapped_column(UtcDateTime)
    samples: Mapped[int]
    before: Mapped[Any] = mapped_column(JSON)  # [[right, n] on MNIST, [right, n] on the writer's own]
    after: Mapped[Any] = mapped_column(JSON)  # and, since version 0003, on the writer's own numbers
    onnx: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, repr=False)
    lines: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True, repr=False)


class _PromotionRow(Base):
    """A promotion; the writer's latest row counts, the earlier ones are the history."""

    __tablename__ = "promotions"
    __table_args__ = (Index("ix_promotions_writer_number", "writer", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, init=False)
    writer: Mapped[str] = mapped_column(String(64))
    time: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int | None] = mapped_column(ForeignKey("versions.number"))


_VERSIONS: Select[Any] = select(
    _VersionRow.number, *raw(_VersionRow, "writer", "time", "samples", "before", "after")
)
_LATEST_PROMOTION = (
    select(_VersionRow.number)
    .select_from(_PromotionRow)
    .outerjoin(_VersionRow, _PromotionRow.version == _VersionRow.number)  # a damaged number finds no version
    .where(_PromotionRow.writer == bindparam("writer"))
    .order_by(_PromotionRow.number.desc())
    .limit(1)
)
PROMOTED_VERSION = func.coalesce(_LATEST_PROMOTION.scalar_subquery(), 0)
"""SQL expression: number of the promoted version of :writer, 0 for the base model."""


def erase_versions(session: Session, writer: str) -> None:
    """Delete the versions of a writer and the history of their promotions."""
    for table in (_PromotionRow, _VersionRow):
        session.execute(
            delete(table).where(table.writer == writer).execution_options(synchronize_session=False)
        )


def _promoted_number(session: Session, writer: str) -> int:
    return int(session.execute(select(PROMOTED_VERSION), {"writer": writer}).scalar_one())


def _decode_version(row: Row[Any], promoted: int) -> ModelVersion | Damage:
    try:
        if not isinstance(row.samples, int) or row.samples < 0:
            raise InkwiseError("samples is not a whole number")
        return ModelVersion(
            number=row.number,
            writer=validate_field("writer", row.writer),
            time=decode_time(row.time),
            samples=row.samples,
            before=_decode_scores("before", row.before),
            after=_decode_scores("after", row.after),
            promoted=row.number == promoted,
        )
    except InkwiseError as error:
        return Damage("version", str(row.number), str(error))


def _decode_scores(what: str, text: str | None) -> VersionScores:
    plain = decode_json(what, text)
    try:
        scores = VersionScores(*(Accuracy(right, n) for right, n in plain))
        counted = all(0 <= each.right <= each.n < _MAX_COUNT for each in vars(scores).values())
    except (TypeError, ValueError):
        counted = False
    if not counted:
        raise InkwiseError(f"{what} holds no scores")
    return scores


def _check_output(model: Model) -> None:
    """Run a model on an empty glyph; ModelError if it does not return probabilities and embeddings."""
    try:
        probabilities, embeddings = model.run(np.zeros((1, GLYPH_SIDE, GLYPH_SIDE), np.uint8))
    except Exception:  # onnxruntime has an exception class for each kind of damage
        raise ModelError("the model: cannot be run") from None
    shapes = probabilities.shape == (1, len(model.labels)) and embeddings.ndim == 2
    if not (shapes and np.isfinite(probabilities).all() and np.isfinite(embeddings).all()):
        raise ModelError("the model: its answers are not those of an Inkwise model")
