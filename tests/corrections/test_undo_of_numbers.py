"""Undo of a whole number: the digits that one answer added."""

import uuid

import pytest
from sqlalchemy import text

from inkwise._util.errors import StoreError
from inkwise.corrections import Sample


@pytest.fixture
def write(store, glyph):
    """Add the digits of a number, or one digit: write("714")."""

    def write(labels, writer="anna"):
        number = uuid.uuid4() if len(labels) > 1 else None
        values = {"writer": writer, "source": "canvas", "number_id": number}
        return store.extend([Sample.now(glyph, label=label, **values) for label in labels])

    return write


def labels(samples):
    return [sample.label for sample in samples]


def test_digits_of_a_number_are_undone_together(store, write):
    write("3")
    write("26")
    write("5", "ben")
    write("714")
    undone = store.undo_answer("anna")
    assert labels(undone) == ["4", "1", "7"]
    assert all(sample.deleted for sample in undone)
    assert labels(store.undo_answer("anna")) == ["6", "2"]
    assert labels(store.undo_answer("anna")) == ["3"]
    assert store.undo_answer("anna") == []
    assert labels(store.samples()) == ["5"]


def test_relabelled_or_deleted_digit_is_undone_alone(store, write):
    _, one, four = write("714")
    store.label(one.id, "2")
    store.delete(four.id)
    assert [(sample.label, sample.deleted) for sample in store.undo_answer("anna")] == [("4", False)]
    assert [(sample.label, sample.deleted) for sample in store.undo_answer("anna")] == [("1", False)]
    assert labels(store.undo_answer("anna")) == ["4", "1", "7"]


def test_damaged_digit_ends_the_undo_of_a_number(store, write):
    _, one, _ = write("714")
    with store._database.write() as session:
        session.execute(text("UPDATE samples SET glyph = 'x' WHERE label = '1'"))
    assert labels(store.undo_answer("anna")) == ["4"]
    with pytest.raises(StoreError, match=f"the last step is passed over: .*{one.id}"):
        store.undo_answer("anna")
    assert labels(store.undo_answer("anna")) == ["7"]
