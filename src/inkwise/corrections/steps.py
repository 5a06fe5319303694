"""The steps by which samples came about, in SQL, so that a damaged sample can have steps, too."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, literal, select, update
from sqlalchemy.orm import Session

from inkwise._util.errors import InkwiseError
from inkwise.corrections.rows import Damage, decode_bool, decode_id, find_sample, raw, shown
from inkwise.corrections.sample import Sample, UndoStep


def note_step(session: Session, sample_id: uuid.UUID, *, deleted: bool) -> None:
    """Note what a sample is before it changes.

    Args:
        session: of the transaction that changes it.
        sample_id: which.
        deleted: whether undoing this step deletes it.
    """
    before = select(Sample.writer, Sample.id, Sample.label, literal(deleted)).where(Sample.id == sample_id)
    session.execute(insert(UndoStep).from_select(["writer", "sample_id", "label", "deleted"], before))


def last_steps(session: Session, writer: str, count: int) -> Sequence[Row[Any]]:
    """Read the last steps of a writer, the newest first."""
    query = select(UndoStep.number, *raw(UndoStep, "sample_id", "label", "deleted")).where(
        UndoStep.writer == writer
    )
    return session.execute(query.order_by(UndoStep.number.desc()).limit(count)).all()


def take_back(session: Session, step: Row[Any]) -> Sample | Damage:
    """Undo a step and remove it; where it or its sample is damaged, only remove it."""
    session.execute(delete(UndoStep).where(UndoStep.number == step.number))
    try:
        sample = find_sample(session, decode_id(step.sample_id))
        if not isinstance(sample, Sample):
            return sample or Damage("sample", shown(step.sample_id), "it is gone")
        sample.label, sample.deleted = step.label, decode_bool("deleted", step.deleted)
    except InkwiseError as error:
        return Damage("step", str(step.number), str(error))
    changed = update(Sample).where(Sample.id == sample.id)
    session.execute(changed.values(label=sample.label, deleted=sample.deleted))
    return sample
