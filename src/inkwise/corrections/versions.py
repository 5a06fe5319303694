"""The models that were learnt for a writer: kept with their scores, promoted, rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Dialect,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    TypeDecorator,
    bindparam,
    func,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from inkwise.corrections.accuracy import Accuracy
from inkwise.corrections.database import Database
from inkwise.corrections.sample import Base, Time, checked_text
from inkwise.errors import StoreError

FORGIVEN = 5
"""So many more misses of the 10,000 of MNIST test are not worse: one seed differs from another by as many."""


@dataclass(frozen=True)
class Scores:
    """How a model does on MNIST test, and on the samples of the writer that nothing was learnt from."""

    mnist: Accuracy
    own: Accuracy

    def worse_than(self, before: Scores) -> tuple[str, ...]:
        """On what these are worse than those: of "mnist" and "own"."""
        worse = {
            "mnist": self.mnist.misses > before.mnist.misses + FORGIVEN,
            "own": self.own.misses > before.own.misses,
        }
        return tuple(name for name, is_worse in worse.items() if is_worse)


@dataclass(frozen=True)
class Version:
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
    before: Scores
    after: Scores
    promoted: bool


class Versions:
    """The versions in a database; number 0 stands for the base model, which is in none.

    Each change is on disk when its method returns. What cannot be kept raises StoreError.
    """

    def __init__(self, database: Database) -> None:
        """Use an open database; `Store.versions` is the usual way."""
        self._database = database

    def add(
        self, writer: str, onnx: bytes, samples: int, before: Scores, after: Scores, *, promote: bool = False
    ) -> Version:
        """Keep a model, and promote it in the same step if so told; the other values are `Version`'s."""
        row = _Version(
            writer=checked_text("writer", writer),
            time=datetime.now(UTC),
            samples=samples,
            before=before,
            after=after,
            onnx=onnx,
        )
        with self._database.write() as session:
            session.add(row)
            session.flush()  # gives it its number
            if promote:
                session.add(_Promotion(writer=row.writer, time=row.time, version=row.number))
        return _version(row, row.number if promote else 0)

    def list(self, writer: str) -> Sequence[Version]:
        """A writer's versions, the newest first."""
        query = select(_Version).where(_Version.writer == writer).order_by(_Version.number.desc())
        with self._database.read() as session:
            promoted = _promoted(session, writer)
            return [_version(row, promoted) for row in session.scalars(query)]

    def numbers(self) -> Sequence[int]:
        """Return the numbers of all writers' versions, the oldest first."""
        with self._database.read() as session:
            return session.scalars(select(_Version.number).order_by(_Version.number)).all()

    def weights(self, number: int) -> bytes:
        """The model file of a version.

        Raises:
            StoreError: there is no such version.
        """
        with self._database.read() as session:
            onnx = session.scalar(select(_Version.onnx).where(_Version.number == number))
        if onnx is None:
            raise StoreError(f"there is no version {number}")
        return onnx

    def promote(self, writer: str, number: int) -> None:
        """Have a writer's drawings read with this version of theirs, or with the base model by 0.

        Raises:
            StoreError: there is no such version of this writer.
        """
        with self._database.write() as session:
            found = select(_Version.number).where(_Version.number == number, _Version.writer == writer)
            if number and session.scalar(found) is None:
                raise StoreError(f"there is no version {number} of {writer}")
            name = checked_text("writer", writer)
            session.add(_Promotion(writer=name, time=datetime.now(UTC), version=number or None))

    def promoted(self, writer: str) -> int:
        """The number of the version that a writer's drawings are read with, 0 for the base model."""
        with self._database.read() as session:
            return _promoted(session, writer)


class _Scores(TypeDecorator[Scores]):
    """[[right, n] on MNIST, [right, n] on the writer's own]."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Scores | None, dialect: Dialect) -> Any:
        """To the database."""
        return None if value is None else astuple(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Scores | None:
        """From the database."""
        return None if value is None else Scores(*(Accuracy(*each) for each in value))


class _Version(Base):
    __tablename__ = "versions"
    __table_args__ = (Index("ix_versions_writer_number", "writer", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, init=False)
    writer: Mapped[str] = mapped_column(String(64))
    time: Mapped[datetime] = mapped_column(Time)
    samples: Mapped[int]
    before: Mapped[Scores] = mapped_column(_Scores)
    after: Mapped[Scores] = mapped_column(_Scores)
    onnx: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, repr=False)


class _Promotion(Base):
    """The latest row of a writer counts; the earlier ones tell how it came about."""

    __tablename__ = "promotions"
    __table_args__ = (Index("ix_promotions_writer_number", "writer", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, init=False)
    writer: Mapped[str] = mapped_column(String(64))
    time: Mapped[datetime] = mapped_column(Time)
    version: Mapped[int | None] = mapped_column(ForeignKey("versions.number"))


_latest = select(_Promotion.version).where(_Promotion.writer == bindparam("writer"))
PROMOTED = func.coalesce(_latest.order_by(_Promotion.number.desc()).limit(1).scalar_subquery(), 0)
"""SQL: the number of the version that is promoted for :writer, 0 for the base model."""


def _promoted(session: Session, writer: str) -> int:
    return int(session.execute(select(PROMOTED), {"writer": writer}).scalar_one())


def _version(row: _Version, promoted: int) -> Version:
    return Version(
        number=row.number,
        writer=row.writer,
        time=row.time,
        samples=row.samples,
        before=row.before,
        after=row.after,
        promoted=row.number == promoted,
    )
