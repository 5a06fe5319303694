"""The facade: answers in, at once on disk; lists, figures and arrays for training out."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, func, select
from sqlalchemy.orm import Session, load_only

from inkwise.corrections.accuracy import Accuracy
from inkwise.corrections.database import Database
from inkwise.corrections.sample import Merge, Sample, Step
from inkwise.corrections.versions import PROMOTED, Versions
from inkwise.datasets import Dataset, StrokeSet
from inkwise.errors import StoreError
from inkwise.ink import SIDE, Strokes

_BOTH = and_(Sample.label.is_not(None), Sample.answer.is_not(None))

# Asked at every reading, and so made once, of what indexes hold: last step, last merge, version.
_WRITER: BindParameter[str] = bindparam("writer")
_STEPS = select(func.coalesce(func.max(Step.number), 0)).where(Step.writer == _WRITER)
_MERGES = select(func.coalesce(func.max(Merge.number), 0)).where(Merge.writer == _WRITER)
_MARK = select(_STEPS.scalar_subquery(), _MERGES.scalar_subquery(), PROMOTED)


@dataclass(frozen=True, eq=False)
class Confusion:
    """What was read as what: counts (k, k) int64, rows true, columns read, both in the order of `labels`."""

    labels: tuple[str, ...]
    counts: NDArray[np.int64]


class Store:
    """What people drew, what the model read and what it truly was.

    Each change is on disk when its method returns. Processes may share a database, and threads a store. What
    cannot be kept raises StoreError, or InkwiseError where a value is wrong, and changes nothing.

    >>> with Store.open() as store:  # doctest: +SKIP
    ...     sample = store.add(glyph, writer="anna", source="canvas", answer="1", probability=0.62)
    ...     store.label(sample.id, "7")
    """

    def __init__(self, database: Database) -> None:
        """Use an open database; `Store.open` is the usual way."""
        self._database = database

    @classmethod
    def open(cls, url: str | None = None) -> Self:
        """Open a database, making or updating its tables.

        Args:
            url: sqlite:///FILE or postgresql://USER@HOST/NAME; None takes a file in the user's data folder.

        Raises:
            StoreError: it cannot be opened, or a newer Inkwise made it.
        """
        return cls(Database(url))

    def close(self) -> None:
        """Give back all connections."""
        self._database.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    @property
    def url(self) -> str:
        """Where it is, for another process to open: this holds the password, if there is one."""
        return self._database.url

    @property
    def versions(self) -> Versions:
        """The models that were learnt from it."""
        return Versions(self._database)

    def add(
        self,
        glyph: NDArray[np.uint8],
        *,
        writer: str,
        source: str,
        strokes: Strokes | None = None,
        answer: str | None = None,
        probability: float | None = None,
        label: str | None = None,
        model: str | None = None,
    ) -> Sample:
        """Keep one sample, glyph (28, 28) uint8; the other values are `Sample`'s.

        Raises:
            InkwiseError: a value is not what it should be.
            StoreError: the database cannot keep it.
        """
        sample = Sample.now(
            glyph,
            writer=writer,
            source=source,
            strokes=strokes,
            answer=answer,
            probability=probability,
            label=label,
            model=model,
        )
        self.extend([sample])
        return sample

    def extend(self, samples: Sequence[Sample]) -> list[Sample]:
        """Keep several new samples, all or none, and return them as they are kept.

        One whose id is here already stays as it is, so that whoever is not sure may ask twice. `undo` takes
        them back one by one, the last first.

        Raises:
            StoreError: the database cannot keep them.
        """
        kept = []
        with self._database.write() as session:
            for sample in samples:
                known = session.get(Sample, sample.id)
                if known is None:
                    session.add(sample)
                    session.flush()  # the step refers to it, and steps are numbered in this order
                    session.add(_step(sample, deleted=True))
                kept.append(known or sample)
        return kept

    def label(self, sample_id: uuid.UUID, label: str) -> Sample:
        """Say what a sample truly is: any text of 1 to 32 characters.

        Raises:
            InkwiseError: the label is none.
            StoreError: there is no such sample, or the database cannot keep it.
        """
        with self._database.write() as session:
            sample = _find(session, sample_id)
            session.add(_step(sample, deleted=False))
            sample.label = label
        return sample

    def delete(self, sample_id: uuid.UUID) -> None:
        """Put a sample out of sight.

        Raises:
            StoreError: there is no such sample, or the database cannot keep it.
        """
        with self._database.write() as session:
            sample = _find(session, sample_id)
            session.add(_step(sample, deleted=False))
            sample.deleted = True

    def undo(self, writer: str) -> Sample | None:
        """Undo the last adding, labelling or deleting of this writer's samples; again, the one before it.

        Returns the sample as it is now, `deleted` where its adding was undone; None where nothing is left.
        """
        with self._database.write() as session:
            step = session.scalar(_last_steps(writer, 1))
            return None if step is None else _take_back(session, step)

    def undo_of(self, writer: str, sample_ids: Collection[uuid.UUID]) -> list[Sample]:
        """Undo this writer's last steps, one for each of these samples, all or none; the last comes first.

        Raises:
            StoreError: something else was done since, or the database cannot keep it.
        """
        with self._database.write() as session:
            steps = session.scalars(_last_steps(writer, len(sample_ids))).all()
            if {step.sample_id for step in steps} != set(sample_ids):
                raise StoreError("it cannot be undone: something else was done since")
            return [_take_back(session, step) for step in steps]

    def merge(self, samples: Iterable[Sample]) -> int:
        """Take in samples from elsewhere, all or none, and say how many came in.

        One that is here already stays as it is; one that was deleted here comes back. `undo` passes these by.
        """
        added = 0
        writers = set()
        with self._database.write() as session:
            query = select(Sample).options(load_only(Sample.deleted, Sample.writer))
            present = {sample.id: sample for sample in session.scalars(query)}
            for sample in samples:
                known = present.setdefault(sample.id, sample)
                added += known is sample or known.deleted
                known.deleted = False
                session.add(known)
                writers.add(known.writer)
            session.add_all(Merge(writer=writer, time=datetime.now(UTC)) for writer in sorted(writers))
        return added

    def backup(self, path: Path) -> int:
        """Copy an SQLite database, versions included, into a new file, and return the number of samples.

        The copy holds everything that was on disk when it began. Others may go on writing meanwhile.

        Raises:
            StoreError: the file exists, the database is damaged, or is not SQLite's.
            DataError: the file cannot be written.
        """
        with self._database.read() as session:
            count = session.scalars(select(func.count()).select_from(Sample).where(_chosen())).one()
            self._database.copy(session, path)
        return count

    def get(self, sample_id: uuid.UUID) -> Sample:
        """One sample.

        Raises:
            StoreError: there is none of this id.
        """
        with self._database.read() as session:
            return _find(session, sample_id)

    def samples(
        self,
        *,
        writer: str | None = None,
        label: str | None = None,
        wrong: bool = False,
        unsure: float | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Sample]:
        """Samples, the newest first.

        Args:
            writer: only this writer's.
            label: only what is truly this.
            wrong: only those that were answered wrong.
            unsure: only those whose answer had a probability below this.
            limit: at most so many, after leaving out `offset`.
            offset: how many to leave out.
        """
        query = select(Sample).where(_chosen(writer, label, wrong, unsure))
        query = query.order_by(Sample.time.desc(), Sample.id.desc()).limit(limit).offset(offset)
        with self._database.read() as session:
            return list(session.scalars(query))

    def count(
        self,
        *,
        writer: str | None = None,
        label: str | None = None,
        wrong: bool = False,
        unsure: float | None = None,
        labelled: bool = False,
    ) -> int:
        """How many samples there are on all pages of `samples`, or only those that have a label."""
        query = select(func.count()).select_from(Sample).where(_chosen(writer, label, wrong, unsure))
        if labelled:
            query = query.where(Sample.label.is_not(None))
        with self._database.read() as session:
            return session.scalars(query).one()

    def newest(self, writer: str, limit: int) -> tuple[list[uuid.UUID], NDArray[np.str_], NDArray[np.uint8]]:
        """Ids, labels (n,) and glyphs (n, 28, 28) of a writer's newest labelled samples, at most `limit`."""
        query = select(Sample.id, Sample.label, Sample.glyph)
        query = query.where(Sample.label.is_not(None), _chosen(writer))
        query = query.order_by(Sample.time.desc(), Sample.id.desc()).limit(limit)
        with self._database.read() as session:
            rows = session.execute(query).all()
        glyphs = np.array([row.glyph for row in rows], np.uint8).reshape(-1, SIDE, SIDE)
        return [row.id for row in rows], np.array([row.label for row in rows], np.str_), glyphs

    def writers(self) -> list[str]:
        """The names of all writers, sorted."""
        with self._database.read() as session:
            return sorted(session.scalars(select(Sample.writer).where(_chosen()).distinct()))

    def labels(self, writer: str | None = None) -> list[str]:
        """All labels that a writer's samples have, or all samples, sorted."""
        query = select(Sample.label).where(Sample.label.is_not(None), _chosen(writer)).distinct()
        with self._database.read() as session:
            return sorted(str(label) for label in session.scalars(query))

    def accuracy(
        self, writer: str | None = None, *, source: str | None = None, since: datetime | None = None
    ) -> Accuracy:
        """How often the answers to a writer's samples, or to all, were right.

        Args:
            writer: only this writer's.
            source: only what comes from there.
            since: only what was added then or later; with a time zone.
        """
        right = func.count().filter(Sample.label == Sample.answer)
        query = select(right, func.count()).where(_BOTH, _chosen(writer))
        if source is not None:
            query = query.where(Sample.source == source)
        if since is not None:
            query = query.where(Sample.time >= since.astimezone(UTC))
        with self._database.read() as session:
            return Accuracy(*session.execute(query).one())

    def answers(self, writer: str | None = None) -> list[bool]:
        """Which answers to a writer's samples, or to all, were right, in the order of time."""
        query = select(Sample.label == Sample.answer).where(_BOTH, _chosen(writer))
        with self._database.read() as session:
            return list(session.scalars(query.order_by(Sample.time, Sample.id)))

    def mark(self, writer: str) -> tuple[int, ...]:
        """Numbers that change whenever what this writer taught does; the last is the version that is used."""
        with self._database.read() as session:
            return tuple(session.execute(_MARK, {"writer": writer}).one())

    def confusion(self, writer: str | None = None) -> Confusion:
        """Which of a writer's labels, or of all, were read as which."""
        query = select(Sample.label, Sample.answer, func.count()).where(_BOTH, _chosen(writer))
        query = query.group_by(Sample.label, Sample.answer)
        with self._database.read() as session:
            cells = [(str(label), str(answer), count) for label, answer, count in session.execute(query)]
        labels = sorted({text for label, answer, _ in cells for text in (label, answer)})
        counts = np.zeros((len(labels), len(labels)), np.int64)
        for label, answer, count in cells:
            counts[labels.index(label), labels.index(answer)] = count
        return Confusion(tuple(labels), counts)

    def to_dataset(self, writer: str | None = None) -> Dataset:
        """The labelled samples of a writer, or of all, in the order of time."""
        samples = self._labelled(writer)
        glyphs = np.array([sample.glyph for sample in samples], np.uint8).reshape(-1, SIDE, SIDE)
        return Dataset(writer or "corrections", glyphs, *_labels_and_writers(samples))

    def to_strokes(self, writer: str | None = None) -> StrokeSet:
        """Those samples of `to_dataset` that were drawn, as strokes."""
        samples = [sample for sample in self._labelled(writer) if sample.strokes]
        strokes = [[np.array(stroke, np.float32) for stroke in sample.strokes or []] for sample in samples]
        return StrokeSet(writer or "corrections", strokes, *_labels_and_writers(samples))

    def _labelled(self, writer: str | None) -> list[Sample]:
        return [sample for sample in reversed(self.samples(writer=writer)) if sample.label is not None]


def _find(session: Session, sample_id: uuid.UUID) -> Sample:
    sample = session.get(Sample, sample_id)
    if sample is None or sample.deleted:
        raise StoreError(f"there is no sample {sample_id}")
    return sample


def _last_steps(writer: str, count: int) -> Select[Step]:
    return select(Step).where(Step.writer == writer).order_by(Step.number.desc()).limit(count)


def _take_back(session: Session, step: Step) -> Sample:
    sample = session.get_one(Sample, step.sample_id)
    sample.label, sample.deleted = step.label, step.deleted
    session.delete(step)
    return sample


def _step(sample: Sample, *, deleted: bool) -> Step:
    return Step(writer=sample.writer, sample_id=sample.id, label=sample.label, deleted=deleted)


def _chosen(
    writer: str | None = None, label: str | None = None, wrong: bool = False, unsure: float | None = None
) -> ColumnElement[bool]:
    """The condition under which a sample is one of these."""
    conditions: list[ColumnElement[bool]] = [Sample.deleted.is_(False)]
    if writer is not None:
        conditions.append(Sample.writer == writer)
    if label is not None:
        conditions.append(Sample.label == label)
    if wrong:
        conditions.append(Sample.label != Sample.answer)
    if unsure is not None:
        conditions.append(Sample.probability < unsure)
    return and_(*conditions)


def _labels_and_writers(samples: list[Sample]) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    labels = np.array([sample.label for sample in samples], np.str_)
    return labels, np.array([_number(sample.writer) for sample in samples], np.int64)


def _number(writer: str) -> int:
    """The same number for a name everywhere and always, for `split_writers`."""
    return int.from_bytes(hashlib.sha256(writer.encode()).digest()[:8], "big") >> 1
