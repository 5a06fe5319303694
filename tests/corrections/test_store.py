import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from inkwise._util.errors import InkwiseError, StoreError
from inkwise.corrections import Accuracy, Sample, Store, VersionScores, database
from inkwise.datasets import split_by_writer

SEVEN = [[[0, 0], [50, 0], [20, 90]], [[15, 50], [45, 50]]]

# Adds samples until it has enough or is killed, and prints the id of each one that is stored.
ADDING = """
import sys, numpy
from inkwise.corrections import Store
store = Store.open(sys.argv[1])
for number in range(int(sys.argv[2])):
    sample = store.add(numpy.zeros((28, 28), numpy.uint8), writer="anna", source="canvas", label=str(number))
    print(sample.id, flush=True)
"""


def adding(url, count):
    command = [sys.executable, "-c", ADDING, url, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_added_sample_is_stored(url, glyph):
    before = datetime.now(UTC)
    with Store.open(url) as store:
        added = store.add(
            glyph, writer="anna", source="canvas", strokes=SEVEN, answer="1", probability=0.62, model="hands"
        )
    with Store.open(url) as store:
        (found,) = store.samples()

    assert found.to_dict() == added.to_dict()
    assert (found.writer, found.source, found.answer, found.model) == ("anna", "canvas", "1", "hands")
    assert (found.probability, found.label) == (0.62, None)
    assert found.strokes == SEVEN
    np.testing.assert_array_equal(found.glyph, glyph)
    assert before <= found.time <= datetime.now(UTC)


def test_add_accepts_strokes_as_arrays(store, add):
    added = add(strokes=[np.array([[0, 1], [2, 3]], np.float32)])
    assert store.get(added.id).strokes == [[[0, 1], [2, 3]]]


def test_label_can_be_changed(store, add):
    sample = add(answer="1")
    store.label(sample.id, "7")
    assert store.label(sample.id, "€").label == "€"
    assert store.get(sample.id).label == "€"


def test_deleted_sample_is_hidden(store, add):
    sample, other = add(label="7", answer="1", strokes=SEVEN), add(writer="ben")
    store.delete(sample.id)

    assert [each.id for each in store.samples()] == [other.id]
    assert store.count() == 1
    assert store.writers() == ["ben"]
    assert store.accuracy().n == len(store.to_dataset()) == len(store.to_strokes()) == 0
    for act in (store.get, store.delete, lambda sample_id: store.label(sample_id, "7")):
        with pytest.raises(StoreError, match=f"there is no sample {sample.id}"):
            act(sample.id)


def test_invalid_label_changes_nothing(store, add):
    sample = add(label="7")
    with pytest.raises(InkwiseError, match="10,000 characters"):
        store.label(sample.id, "x" * 10_000)
    with pytest.raises(InkwiseError, match="control character"):
        add(label="\x07")
    assert [each.label for each in store.samples()] == ["7"]
    assert store.undo("anna").deleted  # the addition: there is no other step


def test_undo_reverts_step_by_step(store, add):
    sample = add(answer="1")
    store.label(sample.id, "4")
    store.label(sample.id, "7")
    store.delete(sample.id)

    assert store.undo("anna").deleted is False
    assert store.get(sample.id).label == "7"
    assert store.undo("anna").label == "4"
    assert store.undo("anna").label is None
    assert store.undo("anna").deleted is True
    assert store.count() == 0
    assert store.undo("anna") is None


def test_undo_continues_before_the_undone_step(store, add):
    first, second = add(), add()
    store.undo("anna")
    third = add()

    assert [store.undo("anna").id for _ in range(2)] == [third.id, first.id]
    assert second.id not in {first.id, third.id}
    assert store.undo("anna") is None


def test_undo_affects_one_writer(store, add):
    anna, ben = add(), add(writer="ben")
    store.label(anna.id, "7")
    store.label(ben.id, "1")

    store.undo("anna")

    assert (store.get(anna.id).label, store.get(ben.id).label) == (None, "1")


def test_samples_filters_by_writer_label_wrong_and_unsure(store, add):
    add(writer="anna", answer="1", probability=0.9, label="7")
    add(writer="anna", answer="7", probability=0.6, label="7")
    add(writer="ben", answer="4", probability=0.5, label="4")
    add(writer="ben", answer="4", probability=0.99)
    add(writer="ben", label="7")

    def found(**chosen):
        samples = store.samples(**chosen)
        assert store.count(**chosen) == len(samples)
        return [(each.writer, each.answer, each.label) for each in samples]

    assert len(found()) == 5
    assert found(writer="anna") == [("anna", "7", "7"), ("anna", "1", "7")]
    assert found(label="7", writer="ben") == [("ben", None, "7")]
    assert found(wrong=True) == [("anna", "1", "7")]
    assert found(unsure=0.9) == [("ben", "4", "4"), ("anna", "7", "7")]
    assert found(unsure=0.9, label="4") == [("ben", "4", "4")]
    assert found(writer="carla") == []
    assert store.writers() == ["anna", "ben"]


def test_labels_of_all_and_of_one_writer(store, add):
    for label in ("7", "€", "7", None):
        add(label=label)
    add(writer="ben", label="1")
    store.delete(add(label="A").id)
    assert list(store.label_counts().items()) == [("1", 1), ("7", 2), ("€", 1)]
    assert store.label_counts("anna") == {"7": 2, "€": 1}


def test_samples_are_paged_newest_first(store, add):
    for number in range(7):
        add(label=str(number))

    pages = [store.samples(limit=3, offset=offset) for offset in (0, 3, 6, 9)]

    assert [[each.label for each in page] for page in pages] == [list("654"), list("321"), ["0"], []]


def test_accuracy_counts_answered_and_labelled_samples(store, add):
    add(answer="7", label="7")
    add(answer="7", label="1")
    add(answer="7", label="7", writer="ben")
    add(answer="7")
    add(label="7")

    assert (store.accuracy("anna").right, store.accuracy("anna").n) == (1, 2)
    assert store.accuracy().share == pytest.approx(2 / 3)
    assert np.isnan(store.accuracy("carla").share)


def test_number_accuracy_counts_numbers_with_every_digit_right(store, add):
    one, other, ben = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    for label, number_id in [("7", one), ("7", one), ("7", other), ("1", other), ("1", None)]:
        add(answer="7", label=label, number_id=number_id)
    add(answer="7", number_id=other)
    add(answer="7", label="7", number_id=ben, writer="ben")

    assert store.number_accuracy("anna") == Accuracy(1, 2)
    assert store.number_accuracy() == Accuracy(2, 3)
    assert store.number_accuracy("carla") == Accuracy(0, 0)


def test_samples_of_tables_do_not_score_a_writer(store, add):
    add(answer="7", label="7")
    add(answer="1", label="7", source="review", number_id=uuid.uuid4())
    assert store.accuracy("anna") == Accuracy(1, 1)
    assert store.number_accuracy("anna").n == 0
    assert store.answers("anna") == [True]
    assert store.confusion("anna").labels == ("7",)
    assert store.count(writer="anna", labelled=True) == 2, "both can be learnt"


def test_confusion_has_a_row_for_each_label_and_a_column_for_each_answer(store, add):
    for label, answer in [("7", "1"), ("7", "1"), ("7", "7"), ("€", "6"), ("1", None), (None, "1")]:
        add(label=label, answer=answer)
    add(label="1", answer="7", writer="ben")

    confusion = store.confusion("anna")

    assert confusion.labels == ("1", "6", "7", "€")
    assert confusion.counts.tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [2, 0, 1, 0], [0, 1, 0, 0]]
    assert store.confusion().counts[0].tolist() == [0, 0, 1, 0]
    assert store.confusion("carla").counts.shape == (0, 0)


def test_to_dataset_and_to_strokes_are_in_order_of_time(store, add, glyph):
    add(label="7", strokes=SEVEN)
    add(answer="1")
    add(label="€", writer="ben")

    dataset, strokes = store.to_dataset(), store.to_strokes()

    assert (dataset.name, dataset.labels.tolist()) == ("corrections", ["7", "€"])
    np.testing.assert_array_equal(dataset.glyphs, np.stack([glyph, glyph]))
    assert dataset.glyphs.dtype == np.uint8
    assert (strokes.labels.tolist(), strokes.writers.tolist()) == (["7"], dataset.writers[:1].tolist())
    assert [(stroke.shape, stroke.dtype) for stroke in strokes.samples[0]] == [
        ((3, 2), np.float32),
        ((2, 2), np.float32),
    ]
    assert store.to_dataset("ben").labels.tolist() == ["€"]


def test_to_dataset_without_samples_is_empty(store):
    dataset = store.to_dataset()
    assert dataset.glyphs.shape == (0, 28, 28)
    assert (dataset.labels.shape, dataset.writers.dtype, len(store.to_strokes())) == ((0,), np.int64, 0)


def test_writer_number_depends_on_the_name_alone(store, add):
    add(label="7")
    # From SHA-256 of the name: a change here would leak test writers into training.
    assert store.to_dataset().writers.tolist() == [3_074_777_303_797_688_423]
    assert split_by_writer(store.to_dataset().writers).tolist() == ["validation"]


def test_merge_keeps_present_samples_and_restores_deleted_ones(store, add):
    kept, deleted = add(label="7"), add(label="1")
    elsewhere = [Sample.from_dict(each.to_dict()) for each in (kept, deleted)]
    new = Sample.from_dict({**kept.to_dict(), "id": "00000000-0000-0000-0000-000000000007", "label": "4"})
    store.label(kept.id, "2")
    store.delete(deleted.id)

    assert store.merge([*elsewhere, new]) == 2

    assert {each.id: each.label for each in store.samples()} == {kept.id: "2", deleted.id: "1", new.id: "4"}


def test_threads_share_a_store(url, glyph, monkeypatch):
    monkeypatch.setattr(database, "CONNECT_TIMEOUT", 60.0)  # SQLite's waiting is not fair on a busy machine

    def add(number):
        store.label(store.add(glyph, writer="anna", source="canvas").id, str(number))

    with Store.open(url) as store:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(add, range(40)))
        assert sorted(int(each.label) for each in store.samples()) == list(range(40))


def test_processes_create_and_fill_a_database_concurrently(url):
    processes = [adding(url, 20), adding(url, 20)]
    told = [process.communicate()[0].split() for process in processes]

    assert [len(ids) for ids in told] == [20, 20]
    with Store.open(url) as store:
        assert {str(each.id) for each in store.samples()} == {*told[0], *told[1]}


def test_killed_process_loses_no_acknowledged_sample(url):
    with adding(url, 1_000_000) as process:
        told = [process.stdout.readline() for _ in range(10)]
        process.kill()
        told += process.stdout.readlines()

    with Store.open(url) as store:
        kept = {f"{each.id}\n" for each in store.samples()}
        assert {line for line in told if line.endswith("\n")} <= kept
        assert store.undo("anna").deleted


def drawn(glyph, label, **values):
    return Sample.now(glyph, **{"writer": "anna", "source": "canvas", "label": label, **values})


def test_undo_reverts_extend_one_by_one(store, glyph):
    store.extend([drawn(glyph, label) for label in "714"])
    assert [store.undo("anna").label for _ in range(3)] == ["4", "1", "7"]
    assert store.count() == 0


def test_accuracy_filters_by_source_and_time(store, add):
    add(answer="1", label="7")
    since = add(answer="7", label="7", source="trial").time
    add(answer="7", label="7", source="trial")
    assert store.accuracy("anna", source="trial") == Accuracy(2, 2)
    assert store.accuracy("anna", source="canvas") == Accuracy(0, 1)
    assert store.accuracy("anna", since=since) == Accuracy(2, 2)
    abroad = since.astimezone(timezone(timedelta(hours=9)))
    assert store.accuracy("anna", since=abroad) == Accuracy(2, 2), "the same moment elsewhere"


def test_answers_are_in_order_of_time(store, add):
    for answer in "7177":
        add(answer=answer, label="7")
    add(label="7")
    add(answer="7", label="7", writer="ben")
    assert store.answers("anna") == [True, False, True, True]
    assert len(store.answers()) == 5


def test_change_marker_changes_with_the_writers_samples_alone(store, add):
    scores = VersionScores(Accuracy(1, 1), Accuracy(1, 1))
    sample = add(label="7")
    marks = [store.change_marker("anna")]

    def changed():
        marks.append(store.change_marker("anna"))
        return marks[-1] != marks[-2]

    store.label(sample.id, "1")
    assert changed()
    store.undo("anna")
    store.label(sample.id, "9")
    assert changed(), "as many steps as before, but another label"
    store.delete(sample.id)
    assert changed()
    number = store.versions.add("anna", b"", 10, scores, scores).number
    store.versions.promote("anna", number)
    assert changed()
    add(label="7", writer="ben")
    assert not changed()


def test_change_marker_changes_with_an_import(store, add):
    sample = add(label="7")
    store.delete(sample.id)
    before = store.change_marker("anna")
    store.merge([Sample.from_dict(sample.to_dict())])
    assert store.change_marker("anna") != before


def test_extend_keeps_a_stored_sample(store, glyph):
    first = drawn(glyph, "7")
    store.extend([first])
    store.label(first.id, "1")
    (again, other) = store.extend([drawn(glyph, "7", id=first.id), drawn(glyph, "4")])
    assert (again.id, again.label, other.label) == (first.id, "1", "4")
    assert store.count() == 2
    assert store.undo("anna").label == "4"
    assert store.undo("anna").label == "7", "the label, not the second addition"


def test_undo_of_reverts_the_last_steps_or_none(store, add):
    first, second, third = (add(label=label) for label in "714")
    with pytest.raises(StoreError, match="something else was done since"):
        store.undo_of("anna", [first.id, second.id])
    with pytest.raises(StoreError, match="something else was done since"):
        store.undo_of("ben", [third.id])
    assert store.count() == 3
    assert [sample.label for sample in store.undo_of("anna", [second.id, third.id])] == ["4", "1"]
    assert store.count() == 1


def test_newest_returns_arrays(store, add):
    add(label="7")
    newer = add(label="1")
    add()
    add(label="4", writer="ben")
    ids, labels, glyphs = store.newest("anna", 1)
    assert (ids, labels.tolist(), glyphs.shape) == ([newer.id], ["1"], (1, 28, 28))
    assert store.newest("nobody", 5)[2].shape == (0, 28, 28)
    assert store.count(writer="anna", labelled=True) == 2


def test_answers_of_the_letters_model_can_be_left_out(store, add):
    digit, unread = add(label="7", model="default (2025-11-01)"), add(label="1", model=None)
    add(label="Z", model="letters (2025-11-30)")
    assert {*store.newest("anna", 9, of_digits=True)[0]} == {digit.id, unread.id}
    assert len(store.newest("anna", 9)[0]) == 3
    assert store.count(writer="anna", of_digits=True) == 2
