"""The models that were learnt for a writer: kept with their scores, promoted, rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, Row, Select, String, bindparam, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from inkwise._util.errors import InkwiseError, ModelError, StoreError
from inkwise.corrections.accuracy import Accuracy
from inkwise.corrections.database import Database
from inkwise.corrections.rows import Damage, decode_json, decode_time, raw
from inkwise.corrections.sample import Base, UtcDateTime, validate_field

_MOST = 10**9  # samples that scores may count: damaged ones must not overflow

ALLOWED_EXTRA_MISSES = 5
"""So many more misses of the 10,000 of MNIST test are not worse: one seed differs from another by as many."""


@dataclass(frozen=True)
class VersionScores:
    """How a model does on MNIST test, and on the samples of the writer that nothing was learnt from."""

    mnist: Accuracy
    own: Accuracy

    def worse_than(self, before: VersionScores) -> tuple[str, ...]:
        """On what these are worse than those: of "mnist" and "own"."""
        worse = {
            "mnist": self.mnist.misses > before.mnist.misses + ALLOWED_EXTRA_MISSES,
            "own": self.own.misses > before.own.misses,
        }
        return tuple(name for name, is_worse in worse.items() if is_worse)


@dataclass(frozen=True)
class ModelVersion:
    """A model that was learnt for one writer.

    Attributes:
        number: of all versions in the database, from 1.
        writer: whose hand it learnt.
        time: when, UTC.
        samples: how many of the writer's samples it learnt from.
        before: the scores of the model that the writer had until then.
        after: its own.
        promoted: it is the one that the writer's drawings are read with.
    """

    number: int
    writer: str
    time: datetime
    samples: int
    before: VersionScores
    after: VersionScores
    promoted: bool


class VersionStore:
    """The versions in a database; number 0 stands for the base model, which is in none.

    Each change is on disk when its method returns. What cannot be kept raises StoreError.
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
        promote: bool = False,
    ) -> ModelVersion:
        """Keep a model, and promote it in the same step if so told; the other values are `ModelVersion`'s."""
        row = _VersionRow(
            writer=validate_field("writer", writer),
            time=datetime.now(UTC),
            samples=samples,
            before=astuple(before),
            after=astuple(after),
            onnx=onnx,
        )
        with self._database.write() as session:
            session.add(row)
            session.flush()  # gives it its number
            if promote:
                session.add(_PromotionRow(writer=row.writer, time=row.time, version=row.number))
        return ModelVersion(row.number, row.writer, row.time, samples, before, after, promoted=promote)

    def list(self, writer: str) -> Sequence[ModelVersion]:
        """A writer's versions, the newest first, without those whose rows are damaged."""
        query = _query().where(_VersionRow.writer == writer).order_by(_VersionRow.number.desc())
        with self._database.read() as session:
            promoted = _promoted_number(session, writer)
            versions = [_decoded(row, promoted) for row in session.execute(query)]
        return [version for version in versions if isinstance(version, ModelVersion)]

    def damaged(self) -> Sequence[Damage]:
        """The damaged rows of all writers, the oldest first."""
        with self._database.read() as session:
            versions = [_decoded(row, 0) for row in session.execute(_query().order_by(_VersionRow.number))]
        return [version for version in versions if isinstance(version, Damage)]

    def numbers(self) -> Sequence[int]:
        """Return the numbers of all writers' versions, the oldest first."""
        with self._database.read() as session:
            return session.scalars(select(_VersionRow.number).order_by(_VersionRow.number)).all()

    def weights(self, number: int) -> bytes:
        """The model file of a version.

        Raises:
            StoreError: there is no such version.
            ModelError: its row is damaged.
        """
        with self._database.read() as session:
            row = session.execute(
                select(*raw(_VersionRow, "onnx")).where(_VersionRow.number == number)
            ).first()
        if row is None:
            raise StoreError(f"there is no version {number}")
        if not isinstance(row.onnx, bytes):
            raise ModelError(
                f"version {number} is damaged: the model is {type(row.onnx).__name__}, not bytes"
            )
        return row.onnx

    def promote(self, writer: str, number: int) -> None:
        """Have a writer's drawings read with this version of theirs, or with the base model by 0.

        Raises:
            StoreError: there is no such version of this writer.
        """
        with self._database.write() as session:
            found = select(_VersionRow.number).where(
                _VersionRow.number == number, _VersionRow.writer == writer
            )
            if number and session.scalar(found) is None:
                raise StoreError(f"there is no version {number} of {writer}")
            name = validate_field("writer", writer)
            session.add(_PromotionRow(writer=name, time=datetime.now(UTC), version=number or None))

    def promoted(self, writer: str) -> int:
        """The number of the version that a writer's drawings are read with, 0 for the base model."""
        with self._database.read() as session:
            return _promoted_number(session, writer)


class _VersionRow(Base):
    __tablename__ = "versions"
    __table_args__ = (Index("ix_versions_writer_number", "writer", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, init=False)
    writer: Mapped[str] = mapped_column(String(64))
    time: Mapped[datetime] = mapped_column(UtcDateTime)
    samples: Mapped[int]
    # [[right, n] on MNIST, [right, n] on the writer's own]
    before: Mapped[Any] = mapped_column(JSON)
    after: Mapped[Any] = mapped_column(JSON)
    onnx: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, repr=False)


class _PromotionRow(Base):
    """The latest row of a writer counts; the earlier ones tell how it came about."""

    __tablename__ = "promotions"
    __table_args__ = (Index("ix_promotions_writer_number", "writer", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, init=False)
    writer: Mapped[str] = mapped_column(String(64))
    time: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int | None] = mapped_column(ForeignKey("versions.number"))


# The join finds no version for a damaged number: then it is the base model, too.
_latest_promotion = select(_VersionRow.number).select_from(_PromotionRow)
_latest_promotion = _latest_promotion.join(
    _VersionRow, _PromotionRow.version == _VersionRow.number, isouter=True
)
_latest_promotion = (
    _latest_promotion.where(_PromotionRow.writer == bindparam("writer"))
    .order_by(_PromotionRow.number.desc())
    .limit(1)
)
PROMOTED_VERSION = func.coalesce(_latest_promotion.scalar_subquery(), 0)
"""SQL: the number of the version that is promoted for :writer, 0 for the base model."""


def _promoted_number(session: Session, writer: str) -> int:
    return int(session.execute(select(PROMOTED_VERSION), {"writer": writer}).scalar_one())


def _query() -> Select[Any]:
    cells = raw(_VersionRow, "writer", "time", "samples", "before", "after")
    return select(_VersionRow.number, *cells)


def _decoded(row: Row[Any], promoted: int) -> ModelVersion | Damage:
    try:
        return ModelVersion(
            number=row.number,
            writer=validate_field("writer", row.writer),
            time=decode_time(row.time),
            samples=_count(row.samples),
            before=_scores("before", row.before),
            after=_scores("after", row.after),
            promoted=row.number == promoted,
        )
    except InkwiseError as error:
        return Damage("version", str(row.number), str(error))


def _scores(what: str, text: str | None) -> VersionScores:
    plain = decode_json(what, text)
    try:
        mnist, own = (Accuracy(right, n) for right, n in plain)
        counted = all(0 <= each.right <= each.n < _MOST for each in (mnist, own))
    except (TypeError, ValueError):
        counted = False
    if not counted:
        raise InkwiseError(f"{what} holds no scores")
    return VersionScores(mnist, own)


def _count(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise InkwiseError("samples is not a whole number")
    return value
