"""Changes of many samples at once, which no step tells of: imports, and the deletion of damaged rows."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, insert, update
from sqlalchemy.orm import Session

from inkwise.corrections.rows import Damage, damaged_rows, read_samples, samples_query, values_of
from inkwise.corrections.sample import Merge, Sample, is_text

_ROWS = 500  # in a batch
_POINTS = 50_000  # of the strokes in a batch: they take about 200 bytes each


def batches(samples: Iterable[Sample]) -> Iterator[list[Sample]]:
    """Split samples into lists of bounded size."""
    batch: list[Sample] = []
    points = 0
    for sample in samples:
        batch.append(sample)
        points += sum(map(len, sample.strokes or []))
        if len(batch) == _ROWS or points >= _POINTS:
            yield batch
            batch, points = [], 0
    if batch:
        yield batch


def merge_batch(session: Session, batch: list[Sample]) -> int:
    """Insert what is new, show again what was deleted, replace damaged rows, and count all of these."""
    new = {sample.id: sample for sample in reversed(batch)}  # of several with one id the first counts
    writers = set()
    hidden, damaged = [], []
    for row in read_samples(session, samples_query(Sample.id.in_(new))):
        if isinstance(row, Damage):
            damaged.append(new.pop(uuid.UUID(row.id)))
            continue
        del new[row.id]
        writers.add(row.writer)
        if row.deleted:
            hidden.append(row.id)
    if hidden:
        session.execute(update(Sample).where(Sample.id.in_(hidden)).values(deleted=False))
    if damaged:
        session.execute(update(Sample), [values_of(sample) for sample in damaged])
    if new:
        # In the order in which they came.
        session.execute(insert(Sample), [values_of(sample) for sample in reversed(new.values())])
    writers |= {sample.writer for sample in (*damaged, *new.values())}
    _note(session, writers)
    return len(hidden) + len(damaged) + len(new)


def hide_damaged(session: Session, condition: ColumnElement[bool]) -> int:
    """Delete the damaged rows among those that meet a condition, as `Store.delete` does, and count them."""
    found = damaged_rows(session, condition)
    for row, _ in found:
        hidden = update(Sample).where(row).values(deleted=True)
        session.execute(hidden.execution_options(synchronize_session=False))  # else it reads the damaged id
    _note(session, {writer for _, writer in found if is_text("writer", writer)})
    return len(found)


def _note(session: Session, writers: Iterable[str]) -> None:
    time = datetime.now(UTC)
    for writer in sorted(writers):
        session.execute(insert(Merge).values(writer=writer, time=time))
