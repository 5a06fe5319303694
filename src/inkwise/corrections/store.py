"""The facade: answers in, at once on disk; lists, figures and arrays for training out."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from inkwise._util.errors import InkwiseError, StoreError
from inkwise.corrections import bulk, rows, steps
from inkwise.corrections.accuracy import Accuracy, Confusion
from inkwise.corrections.arrays import dataset_of, strokes_of
from inkwise.corrections.database import Database
from inkwise.corrections.rows import Damage, decode_glyph, decode_id, raw, readable
from inkwise.corrections.sample import Merge, Sample, UndoStep, is_text, validate_field
from inkwise.corrections.versions import PROMOTED_VERSION, VersionStore
from inkwise.datasets import Dataset, StrokeSet
from inkwise.preprocessing import GLYPH_SIDE, Strokes

_ANSWERED_AND_LABELLED = and_(Sample.label.is_not(None), Sample.answer.is_not(None))

# Asked at every reading, and so made once, of what indexes hold: last step, last merge, version.
_WRITER_PARAMETER: BindParameter[str] = bindparam("writer")
_LAST_STEP = select(func.coalesce(func.max(UndoStep.number), 0)).where(UndoStep.writer == _WRITER_PARAMETER)
_LAST_MERGE = select(func.coalesce(func.max(Merge.number), 0)).where(Merge.writer == _WRITER_PARAMETER)
_CHANGE_MARKER = select(_LAST_STEP.scalar_subquery(), _LAST_MERGE.scalar_subquery(), PROMOTED_VERSION)


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
    def versions(self) -> VersionStore:
        """The models that were learnt from it."""
        return VersionStore(self._database)

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

        One whose id is here already stays as it is, so that whoever is not sure may ask twice; only a damaged
        row is replaced. `undo` takes them back one by one, the last first.

        Raises:
            StoreError: the database cannot keep them.
        """
        kept = []
        with self._database.write() as session:
            for sample in samples:
                known = rows.find_sample(session, sample.id)
                if known is None:
                    session.execute(insert(Sample), [rows.values_of(sample)])
                    steps.note_step(session, sample.id, deleted=True)
                elif isinstance(known, Damage):
                    bulk.merge_batch(session, [sample])
                kept.append(known if isinstance(known, Sample) else sample)
        return kept

    def label(self, sample_id: uuid.UUID, label: str) -> Sample:
        """Say what a sample truly is: any text of 1 to 32 characters.

        Raises:
            InkwiseError: the label is none.
            StoreError: there is no such sample, or the database cannot keep it.
        """
        with self._database.write() as session:
            sample = _find(session, sample_id)
            sample.label = label
            steps.note_step(session, sample_id, deleted=False)
            session.execute(update(Sample).where(Sample.id == sample_id).values(label=sample.label))
        return sample

    def delete(self, sample_id: uuid.UUID) -> None:
        """Put a sample out of sight, even if its row is damaged.

        Raises:
            StoreError: there is no such sample, or the database cannot keep it.
        """
        with self._database.write() as session:
            there = (Sample.id == sample_id) & _sample_filter()
            if session.scalar(select(Sample.id).where(there)) is None:
                raise StoreError(f"there is no sample {sample_id}")
            steps.note_step(session, sample_id, deleted=False)
            session.execute(update(Sample).where(there).values(deleted=True))

    def delete_damaged(self) -> int:
        """Put all damaged samples out of sight, which `undo` passes by, and count them."""
        with self._database.write() as session:
            return bulk.hide_damaged(session, _sample_filter())

    def undo(self, writer: str) -> Sample | None:
        """Undo the last adding, labelling or deleting of this writer's samples; again, the one before it.

        Returns the sample as it is now, `deleted` where its adding was undone; None where nothing is left.

        Raises:
            StoreError: the sample is damaged, and its step is removed, so that the next call undoes the one
                before; or the database cannot keep it.
        """
        with self._database.write() as session:
            last = steps.last_steps(session, writer, 1)
            undone = steps.take_back(session, last[0]) if last else None
        if isinstance(undone, Damage):
            raise StoreError(f"the last step is passed over: {undone}")
        return undone

    def undo_of(self, writer: str, sample_ids: Collection[uuid.UUID]) -> list[Sample]:
        """Undo this writer's last steps, one for each of these samples, all or none; the last comes first.

        Raises:
            StoreError: something else was done since, a sample is damaged, or the database cannot keep it.
        """
        with self._database.write() as session:
            last = steps.last_steps(session, writer, len(sample_ids))
            if {rows.shown(step.sample_id) for step in last} != set(map(str, sample_ids)):
                raise StoreError("it cannot be undone: something else was done since")
            return [readable(steps.take_back(session, step)) for step in last]

    def merge(self, samples: Iterable[Sample]) -> int:
        """Take in samples from elsewhere, all or none, with a few in memory at a time; say how many came in.

        One that is here already stays as it is; one that was deleted here comes back, and a damaged row is
        replaced. `undo` passes these by.
        """
        with self._database.write() as session:
            return sum(bulk.merge_batch(session, batch) for batch in bulk.batches(samples))

    def backup(self, path: Path) -> int:
        """Copy an SQLite database, versions included, into a new file, and return the number of samples.

        The copy holds everything that was on disk when it began. Others may go on writing meanwhile.

        Raises:
            StoreError: the file exists, the database is damaged, or is not SQLite's.
            DataError: the file cannot be written.
        """
        with self._database.read() as session:
            count = session.scalars(select(func.count()).select_from(Sample).where(_sample_filter())).one()
            self._database.copy(session, path)
        return count

    def get(self, sample_id: uuid.UUID) -> Sample:
        """One sample.

        Raises:
            StoreError: there is none of this id, or its row is damaged.
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
        """Samples, the newest first, without those whose rows are damaged.

        Args:
            writer: only this writer's.
            label: only what is truly this.
            wrong: only those that were answered wrong.
            unsure: only those whose answer had a probability below this.
            limit: at most so many rows, after leaving out `offset`.
            offset: how many to leave out.
        """
        rows = self.rows(
            writer=writer, label=label, wrong=wrong, unsure=unsure, limit=limit, offset=offset, newest=True
        )
        return [row for row in rows if isinstance(row, Sample)]

    def rows(
        self,
        *,
        writer: str | None = None,
        label: str | None = None,
        wrong: bool = False,
        unsure: float | None = None,
        limit: int | None = None,
        offset: int = 0,
        newest: bool = False,
    ) -> Iterator[Sample | Damage]:
        """Samples and damaged rows, with a few in memory at a time, all of one state of the database.

        Args:
            writer, label, wrong, unsure, limit, offset: as for `samples`.
            newest: the newest first, else the oldest.
        """
        order = (Sample.time.desc(), Sample.id.desc()) if newest else (Sample.time, Sample.id)
        query = rows.samples_query(_sample_filter(writer, label, wrong, unsure))
        with self._database.read() as session:
            yield from rows.read_samples(session, query.order_by(*order).limit(limit).offset(offset))

    def damaged(self) -> Iterator[Damage]:
        """The damaged rows of samples and versions; deleted samples are left out."""
        yield from (row for row in self.rows() if isinstance(row, Damage))
        yield from self.versions.damaged()

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
        query = select(func.count()).select_from(Sample).where(_sample_filter(writer, label, wrong, unsure))
        if labelled:
            query = query.where(Sample.label.is_not(None))
        with self._database.read() as session:
            return session.scalars(query).one()

    def newest(self, writer: str, limit: int) -> tuple[list[uuid.UUID], NDArray[np.str_], NDArray[np.uint8]]:
        """Ids, labels (n,) and glyphs (n, 28, 28) of a writer's newest labelled samples, at most `limit`."""
        query = select(*raw(Sample, "id", "label", "glyph"))
        query = query.where(Sample.label.is_not(None), _sample_filter(writer))
        query = query.order_by(Sample.time.desc(), Sample.id.desc()).limit(limit)
        found = []
        with self._database.read() as session:
            for row in session.execute(query):
                with suppress(InkwiseError):  # a damaged row is left out
                    found.append(
                        (decode_id(row.id), validate_field("label", row.label), decode_glyph(row.glyph))
                    )
        ids, labels, glyphs = zip(*found, strict=True) if found else ((), (), ())
        return (
            list(ids),
            np.array(labels, np.str_),
            np.array(glyphs, np.uint8).reshape(-1, GLYPH_SIDE, GLYPH_SIDE),
        )

    def writers(self) -> list[str]:
        """The names of all writers, sorted."""
        query = select(*raw(Sample, "writer")).where(_sample_filter()).distinct()
        with self._database.read() as session:
            return sorted(name for name in session.scalars(query) if is_text("writer", name))

    def labels(self, writer: str | None = None) -> list[str]:
        """All labels that a writer's samples have, or all samples, sorted."""
        query = (
            select(*raw(Sample, "label")).where(Sample.label.is_not(None), _sample_filter(writer)).distinct()
        )
        with self._database.read() as session:
            return sorted(label for label in session.scalars(query) if is_text("label", label))

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
        query = select(right, func.count()).where(_ANSWERED_AND_LABELLED, _sample_filter(writer))
        if source is not None:
            query = query.where(Sample.source == source)
        if since is not None:
            query = query.where(Sample.time >= since.astimezone(UTC))
        with self._database.read() as session:
            return Accuracy(*session.execute(query).one())

    def answers(self, writer: str | None = None) -> list[bool]:
        """Which answers to a writer's samples, or to all, were right, in the order of time."""
        query = select(Sample.label == Sample.answer).where(_ANSWERED_AND_LABELLED, _sample_filter(writer))
        with self._database.read() as session:
            return list(session.scalars(query.order_by(Sample.time, Sample.id)))

    def change_marker(self, writer: str) -> tuple[int, ...]:
        """Numbers that change whenever what this writer taught does; the last is the version that is used."""
        with self._database.read() as session:
            return tuple(session.execute(_CHANGE_MARKER, {"writer": writer}).one())

    def confusion(self, writer: str | None = None) -> Confusion:
        """Which of a writer's labels, or of all, were read as which."""
        query = select(*raw(Sample, "label", "answer"), func.count()).where(
            _ANSWERED_AND_LABELLED, _sample_filter(writer)
        )
        query = query.group_by(Sample.label, Sample.answer)
        with self._database.read() as session:
            cells = [
                (row[0], row[1], int(row[2]))
                for row in session.execute(query)
                if is_text("label", row[0]) and is_text("answer", row[1])
            ]
        return Confusion.of(cells)

    def to_dataset(self, writer: str | None = None) -> Dataset:
        """The labelled samples of a writer, or of all, in the order of time."""
        return dataset_of(self._labelled(writer), writer or "corrections")

    def to_strokes(self, writer: str | None = None) -> StrokeSet:
        """Those samples of `to_dataset` that were drawn, as strokes."""
        return strokes_of(self._labelled(writer), writer or "corrections")

    def _labelled(self, writer: str | None) -> list[Sample]:
        rows = self.rows(writer=writer)
        return [row for row in rows if isinstance(row, Sample) and row.label is not None]


def _find(session: Session, sample_id: uuid.UUID) -> Sample:
    row = rows.find_sample(session, sample_id)
    if row is None or readable(row).deleted:
        raise StoreError(f"there is no sample {sample_id}")
    return readable(row)


def _sample_filter(
    writer: str | None = None, label: str | None = None, wrong: bool = False, unsure: float | None = None
) -> ColumnElement[bool]:
    """The condition under which a sample is one of these."""
    # A damaged value hides nothing.
    conditions: list[ColumnElement[bool]] = [Sample.deleted.is_not(True)]
    if writer is not None:
        conditions.append(Sample.writer == writer)
    if label is not None:
        conditions.append(Sample.label == label)
    if wrong:
        conditions.append(Sample.label != Sample.answer)
    if unsure is not None:
        conditions.append(Sample.probability < unsure)
    return and_(*conditions)
