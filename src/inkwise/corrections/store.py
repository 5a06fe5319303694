"""The database of corrections: samples with undo, queries, statistics, and arrays for training."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self, Unpack

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, case, delete, func, insert, or_, select, update

from inkwise._util.errors import InkwiseError, StoreError
from inkwise.corrections import rows
from inkwise.corrections.accuracy import Accuracy, Confusion
from inkwise.corrections.database import Database
from inkwise.corrections.rows import Damage, decode_id, raw
from inkwise.corrections.sample import (
    Merge,
    Sample,
    UndoStep,
    glyph_from_bytes,
    is_text,
    to_dataset,
    to_strokes,
    validate_field,
)
from inkwise.corrections.sample_filter import SampleFilter, where
from inkwise.corrections.versions import PROMOTED_VERSION, VersionStore, erase_versions
from inkwise.datasets import Dataset, StrokeSet
from inkwise.preprocessing import GLYPH_SIDE

_MAX_DIGITS = 500  # digits of a number that is undone as a whole

# Last step, last merge, version: queried before every reading, and answered from indexes alone.
_CHANGE_MARKER = select(
    *(
        select(func.coalesce(func.max(table.number), 0))
        .where(table.writer == bindparam("writer"))
        .scalar_subquery()
        for table in (UndoStep, Merge)
    ),
    PROMOTED_VERSION,
)


class Store(AbstractContextManager["Store"]):
    """What people drew, what the model read, and the true labels.

    A method that returns has written its change to disk. Processes may share a database, and threads a store.
    A method that raises StoreError (no such sample, the database cannot be used) or InkwiseError (an invalid
    value) has changed nothing.

    >>> with Store.open() as store:  # doctest: +SKIP
    ...     sample = store.add(glyph, writer="anna", source="canvas", answer="1", probability=0.62)
    ...     store.label(sample.id, "7")
    """

    def __init__(self, database: Database) -> None:
        """Use an open database; `Store.open` is the usual way."""
        self._database = database

    @classmethod
    def open(cls, url: str | None = None) -> Self:
        """Open a database; create its tables, or migrate them to this version.

        Args:
            url: sqlite:///FILE or postgresql://USER@HOST/NAME; None is a file in the user's data folder.

        Raises:
            StoreError: The database cannot be opened, or a newer Inkwise made it.
        """
        return cls(Database(url))

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def __exit__(self, *exc_info: object) -> None:
        """Close all connections."""
        self.close()

    @property
    def url(self) -> str:
        """The URL for another process to open, including the password if there is one."""
        return self._database.url

    @property
    def versions(self) -> VersionStore:
        """The fine-tuned models in this database."""
        return VersionStore(self._database)

    def add(self, glyph: NDArray[np.uint8], **values: Any) -> Sample:
        """Add a new sample; glyph (28, 28) uint8, `writer`, `source` and the other attributes of `Sample`."""
        return self.extend([Sample.now(glyph, **values)])[0]

    def extend(self, samples: Sequence[Sample]) -> list[Sample]:
        """Add new samples, all or none, and return them as stored; `undo` removes them one by one.

        A sample whose id is stored already stays as it is, so a caller may safely repeat the call; only a
        damaged row is replaced.
        """
        stored = []
        with self._database.write() as session:
            for sample in samples:
                known = rows.read_row(session, sample.id)
                if known is None:
                    session.execute(insert(Sample), [rows.row_values(sample)])
                    rows.add_step(session, sample.id, deleted=True)
                elif isinstance(known, Damage):
                    rows.merge_batch(session, [sample])
                stored.append(known if isinstance(known, Sample) else sample)
        return stored

    def label(self, sample_id: uuid.UUID, label: str) -> Sample:
        """Set the true label of a sample, 1 to 32 characters."""
        with self._database.write() as session:
            sample = rows.find_sample(session, sample_id)
            sample.label = label
            rows.add_step(session, sample_id, deleted=False)
            session.execute(update(Sample).where(Sample.id == sample_id).values(label=sample.label))
        return sample

    def delete(self, sample_id: uuid.UUID) -> None:
        """Hide a sample, even if its row is damaged."""
        with self._database.write() as session:
            visible = (Sample.id == sample_id) & where()
            if session.scalar(select(Sample.id).where(visible)) is None:
                raise StoreError(f"there is no sample {sample_id}")
            rows.add_step(session, sample_id, deleted=False)
            session.execute(update(Sample).where(visible).values(deleted=True))

    def delete_damaged(self) -> int:
        """Hide all damaged samples, which `undo` cannot restore, and return their number."""
        with self._database.write() as session:
            return rows.hide_damaged(session, where())

    def erase(self, writer: str) -> int:
        """Delete for good what is stored of a writer, and return the number of samples, hidden ones included.

        Deleted are samples, the steps that `undo` restores, and versions; SQLite overwrites them with zeros.
        Copies in exports and backups are not.
        """
        own = select(Sample.id).where(Sample.writer == writer)
        steps = or_(UndoStep.writer == writer, UndoStep.sample_id.in_(own))
        with self._database.write() as session:
            count = session.scalars(select(func.count()).select_from(own.subquery())).one()
            erase_versions(session, writer)
            for query in (
                delete(UndoStep).where(steps),
                delete(Merge).where(Merge.writer == writer),
                delete(Sample).where(Sample.writer == writer),
            ):
                session.execute(query.execution_options(synchronize_session=False))
        return count

    def undo(self, writer: str) -> Sample | None:
        """Undo the writer's last step that added, labelled or deleted a sample.

        Returns:
            The sample as it is now, with `deleted` set if its addition was undone; None if no step is left.

        Raises:
            StoreError: The sample is damaged; its step is removed, and the next call undoes the step before.
        """
        return next(iter(self._undo(writer, 1)), None)

    def undo_answer(self, writer: str) -> list[Sample]:
        """Undo as `undo`; of a number, the addition of all its digits. The last comes first."""
        return self._undo(writer, _MAX_DIGITS)

    def _undo(self, writer: str, most: int) -> list[Sample]:
        undone: list[Sample | Damage] = []
        with self._database.write() as session:
            for step in rows.last_steps(session, writer, most):
                if undone and not rows.adds_to_number(session, step, undone[0]):
                    break
                undone.append(rows.undo_step(session, step))
        if undone and isinstance(undone[0], Damage):
            raise StoreError(f"the last step is passed over: {undone[0]}")
        return [sample for sample in undone if isinstance(sample, Sample)]

    def undo_of(self, writer: str, sample_ids: Collection[uuid.UUID]) -> list[Sample]:
        """Undo the writer's last steps, one for each of these samples, all or none; the last comes first.

        Raises:
            StoreError: Other steps were made since, or a sample is damaged.
        """
        with self._database.write() as session:
            last = rows.last_steps(session, writer, len(sample_ids))
            if {rows.shown_id(step.sample_id) for step in last} != set(map(str, sample_ids)):
                raise StoreError("it cannot be undone: something else was done since")
            return [rows.undamaged(rows.undo_step(session, step)) for step in last]

    def merge(self, samples: Iterable[Sample]) -> int:
        """Import samples, all or none, with a few in memory at a time, and return how many were added.

        A sample that is stored already stays as it is, a deleted one is restored, and a damaged row is
        replaced. `undo` does not revert an import.
        """
        with self._database.write() as session:
            return sum(rows.merge_batch(session, batch) for batch in rows.batches(samples))

    def backup(self, path: Path) -> int:
        """Copy an SQLite database, versions included, into a new file, and return the number of samples.

        The copy holds everything that was on disk when it began; others may write meanwhile.

        Raises:
            StoreError: The file exists, the database is damaged, or it is not SQLite.
            DataError: The file cannot be written.
        """
        with self._database.read() as session:
            count = session.scalars(select(func.count()).select_from(Sample).where(where())).one()
            self._database.copy(session, path)
        return count

    def get(self, sample_id: uuid.UUID) -> Sample:
        """Return a sample; StoreError if it does not exist or its row is damaged."""
        with self._database.read() as session:
            return rows.find_sample(session, sample_id)

    def rows(
        self,
        *,
        newest: bool = False,
        limit: int | None = None,
        offset: int = 0,
        **conditions: Unpack[SampleFilter],
    ) -> Iterator[Sample | Damage]:
        """Iterate over samples and damaged rows of one database state, with a few in memory at a time.

        Args:
            newest: Newest first instead of oldest first.
            limit: Maximum number of rows after `offset`.
            offset: Number of rows to skip.
            conditions: See `SampleFilter`.
        """
        keys = (Sample.time, Sample.id)
        query = rows.sample_query(where(**conditions)).order_by(
            *(key.desc() if newest else key for key in keys)
        )
        with self._database.read() as session:
            yield from rows.read_samples(session, query.limit(limit).offset(offset))

    def samples(
        self, *, limit: int | None = None, offset: int = 0, **conditions: Unpack[SampleFilter]
    ) -> list[Sample]:
        """Return the undamaged samples of `rows`, newest first."""
        found = self.rows(newest=True, limit=limit, offset=offset, **conditions)
        return [row for row in found if isinstance(row, Sample)]

    def damaged(self) -> Iterator[Damage]:
        """Iterate over the damaged rows of samples and versions; deleted samples are skipped."""
        yield from (row for row in self.rows() if isinstance(row, Damage))
        yield from self.versions.damaged()

    def count(self, **conditions: Unpack[SampleFilter]) -> int:
        """Return the number of samples, damaged rows included."""
        with self._database.read() as session:
            query = select(func.count()).select_from(Sample).where(where(**conditions))
            return session.scalars(query).one()

    def newest(
        self, writer: str, limit: int, *, of_digits: bool = False
    ) -> tuple[list[uuid.UUID], NDArray[np.str_], NDArray[np.uint8]]:
        """Return ids, labels (n,) and glyphs (n, 28, 28) of a writer's newest labelled samples."""
        condition = where(writer=writer, labelled=True, of_digits=of_digits)
        query = select(*raw(Sample, "id", "label", "glyph")).where(condition)
        query = query.order_by(Sample.time.desc(), Sample.id.desc()).limit(limit)
        found = []
        with self._database.read() as session:
            for row in session.execute(query):
                with suppress(InkwiseError):  # skip a damaged row
                    found.append(
                        (decode_id(row.id), validate_field("label", row.label), glyph_from_bytes(row.glyph))
                    )
        ids, labels, glyphs = zip(*found, strict=True) if found else ((), (), ())
        return (
            list(ids),
            np.array(labels, np.str_),
            np.array(glyphs, np.uint8).reshape(-1, GLYPH_SIDE, GLYPH_SIDE),
        )

    def stored(self, writer: str) -> int:
        """Return the number of a writer's samples, hidden and damaged ones included."""
        with self._database.read() as session:
            return session.scalars(select(func.count()).where(Sample.writer == writer)).one()

    def writers(self) -> list[str]:
        """Return the names of all writers, sorted."""
        query = select(*raw(Sample, "writer")).where(where()).distinct()
        with self._database.read() as session:
            return sorted(text for text in session.scalars(query) if is_text("writer", text))

    def label_counts(self, writer: str | None = None) -> dict[str, int]:
        """Return the labels of a writer's samples, or of all samples, sorted, with the number of each."""
        query = select(*raw(Sample, "label"), func.count()).where(where(writer=writer)).group_by(Sample.label)
        with self._database.read() as session:
            found = [(row[0], row[1]) for row in session.execute(query)]
        return dict(sorted((label, count) for label, count in found if is_text("label", label)))

    def accuracy(
        self, writer: str | None = None, *, source: str | None = None, since: datetime | None = None
    ) -> Accuracy:
        """Return how many answers to a writer's samples, or to all samples, are right; see `SampleFilter`.

        The answer "not a digit" to a non-digit is right. Samples of a table do not count.
        """
        query = select(func.count().filter(Sample.label == Sample.answer), func.count())
        query = query.where(where(writer=writer, source=source, since=since, scored=True))
        with self._database.read() as session:
            return Accuracy(*session.execute(query).one())

    def number_accuracy(self, writer: str | None = None) -> Accuracy:
        """Return how many drawn numbers of a writer, or of all, were read with every digit right."""
        right = func.min(case((Sample.label == Sample.answer, 1), else_=0)).label("right")
        numbers = select(right).where(where(writer=writer, scored=True), Sample.number_id.is_not(None))
        each = numbers.group_by(Sample.number_id).subquery()
        counts = select(func.coalesce(func.sum(each.c.right), 0), func.count(each.c.right))
        with self._database.read() as session:
            return Accuracy(*session.execute(counts).one())

    def answers(self, writer: str | None = None) -> list[bool]:
        """Return which answers to a writer's samples, or to all samples, are right, in order of time."""
        query = select(Sample.label == Sample.answer).where(where(writer=writer, scored=True))
        with self._database.read() as session:
            return list(session.scalars(query.order_by(Sample.time, Sample.id)))

    def confusion(self, writer: str | None = None) -> Confusion:
        """Return the confusion matrix of a writer's samples, or of all samples."""
        query = select(*raw(Sample, "label", "answer"), func.count())
        query = query.where(where(writer=writer, scored=True)).group_by(Sample.label, Sample.answer)
        with self._database.read() as session:
            cells: list[Any] = [*session.execute(query)]
        return Confusion.of([(a, b, n) for a, b, n in cells if is_text("label", a) and is_text("answer", b)])

    def change_marker(self, writer: str) -> tuple[int, ...]:
        """Return numbers that change with the writer's samples or model; the last is the promoted version."""
        with self._database.read() as session:
            return tuple(session.execute(_CHANGE_MARKER, {"writer": writer}).one())

    def to_dataset(self, writer: str | None = None) -> Dataset:
        """Return the labelled samples of a writer, or of all writers, in order of time."""
        return to_dataset(self._labelled(writer), writer or "corrections")

    def to_strokes(self, writer: str | None = None) -> StrokeSet:
        """Return those samples of `to_dataset` that were drawn, as strokes."""
        return to_strokes(self._labelled(writer), writer or "corrections")

    def _labelled(self, writer: str | None) -> list[Sample]:
        return self.samples(writer=writer, labelled=True)[::-1]
