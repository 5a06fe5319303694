"""Damaged rows are left out and named; everything else continues."""

import pytest
from damage import KINDS, VERSIONS, damage, name_of

from inkwise._util.errors import StoreError
from inkwise.corrections import (
    Accuracy,
    Learner,
    Sample,
    Store,
    VersionScores,
    export_samples,
    import_samples,
)
from inkwise.corrections.learner import LabelledAnswer

SEVEN = [[[30, 25], [85, 25], [55, 100]]]
SCORES = VersionScores(mnist=Accuracy(9_965, 10_000), own=Accuracy(27, 33))


@pytest.fixture(params=KINDS, ids=map(name_of, KINDS))
def kind(request):
    return request.param


@pytest.fixture
def url(kind, request, tmp_path):
    if kind[0] == "sqlite":
        return f"sqlite:///{tmp_path / 'corrections.db'}"
    return request.getfixturevalue("postgresql")


@pytest.fixture
def taught(store, add, url, kind):
    """Three samples of Anna's, of which the last is damaged."""
    samples = [add(label=label, answer="1", probability=0.5, strokes=SEVEN) for label in "714"]
    damage(url, "samples", *kind[1:], where="label = '4'")
    return samples


def ids(samples):
    return {sample.id for sample in samples}


def test_queries_leave_out_a_damaged_row_and_name_it(store, taught, kind):
    good = ids(taught[:2])
    assert ids(store.samples()) == good
    (found,) = store.damaged()
    assert kind[1] in found.reason.replace("stroke ", "strokes ")
    assert str(found).isprintable()
    assert len(str(found)) < 200
    assert kind[1] == "id" or found.id == str(taught[2].id)

    assert good <= {*store.newest("anna", 9)[0]}
    assert {"7", "1"} <= {*store.label_counts()} <= {"7", "1", "4"}
    assert store.writers() == ["anna"]
    assert {"7", "1"} <= set(store.confusion().labels) <= {"7", "1", "4"}
    assert store.count() == 3
    assert store.accuracy("anna").n >= 2
    assert len(store.answers("anna")) >= 2
    assert len(store.to_dataset()) == len(store.to_strokes()) == 2
    assert ids(store.samples(limit=3, wrong=True, unsure=0.9)) == {taught[0].id}


def test_delete_hides_a_damaged_row(store, taught, kind):
    if kind[1] == "id":
        with pytest.raises(StoreError, match="there is no sample"):
            store.delete(taught[2].id)
        return
    store.delete(taught[2].id)
    assert list(store.damaged()) == []
    assert store.count() == 2
    if kind[1] == "deleted":  # the deletion repaired the flag
        assert store.undo("anna").id == taught[2].id
        return
    with pytest.raises(StoreError, match=f"passed over: .*{taught[2].id} is damaged"):
        store.undo("anna")
    assert store.count() == 2, "undo does not restore it"


def test_delete_damaged_hides_all_damaged_rows(store, taught):
    mark = store.change_marker("anna")
    assert store.delete_damaged() == 1
    assert list(store.damaged()) == []
    assert store.delete_damaged() == 0
    assert store.count() == 2
    assert ids(store.samples()) == ids(taught[:2])
    assert store.change_marker("ben") == (0, 0, 0)
    assert store.change_marker("anna")[0] == mark[0], "no step"


def test_undo_skips_a_damaged_sample(store, taught):
    with pytest.raises(StoreError, match=r"the last step is passed over: sample .* is damaged"):
        store.undo("anna")
    assert store.undo("anna").id == taught[1].id
    assert store.undo("anna").id == taught[0].id
    assert store.undo("anna") is None


def test_undo_of_several_with_a_damaged_sample_changes_nothing(store, taught):
    with pytest.raises(StoreError):
        store.undo_of("anna", ids(taught[1:]))
    assert ids(store.samples()) == ids(taught[:2])
    assert [step.number for step in _steps(store)] == [3, 2, 1]


def test_label_and_get_report_the_damage(store, taught, kind):
    for act in (store.get, lambda sample_id: store.label(sample_id, "7")):
        with pytest.raises(StoreError, match="is damaged" if kind[1] != "id" else "there is no sample"):
            act(taught[2].id)
    assert store.label(taught[0].id, "9").label == "9"


def test_export_leaves_out_a_damaged_row_and_import_replaces_it(store, add, url, kind, tmp_path):
    samples = [add(label=label, answer="1", strokes=SEVEN) for label in "714"]
    export_samples(store, tmp_path / "before")
    damage(url, "samples", *kind[1:], where="label = '4'")

    skipped = []
    assert export_samples(store, tmp_path / "after", skipped=skipped.append) == 2
    assert skipped == list(store.damaged())

    with Store.open(f"sqlite:///{tmp_path / 'other.db'}") as other:
        assert import_samples(other, tmp_path / "after") == 2
    assert import_samples(store, tmp_path / "after") == 0
    assert import_samples(store, tmp_path / "before") == 1
    assert ids(store.samples()) == ids(samples)
    assert [sample.to_dict() for sample in store.samples() if sample.label == "4"] == [samples[2].to_dict()]
    assert len(list(store.damaged())) == (kind[1] == "id")


def test_extend_replaces_a_damaged_row(store, taught):
    (kept,) = store.extend([Sample.from_dict(taught[2].to_dict())])
    assert kept.id == taught[2].id
    assert store.get(kept.id).to_dict() == taught[2].to_dict()


def test_writer_of_a_damaged_row_reads_and_corrects(taught, url, store):
    learner = Learner(url)
    assert learner.read_strokes("anna", SEVEN).text
    (kept,) = learner.keep("anna", "canvas", [LabelledAnswer("7", SEVEN)])
    assert learner.read_strokes("anna", SEVEN).text == "7"
    assert store.undo("anna").id == kept.id
    learner.close()


def _steps(store):
    from inkwise.corrections.rows import last_steps

    with store._database.read() as session:
        return last_steps(session, "anna", 9)


class TestWithoutKinds:
    """Damage of other tables, in SQLite alone."""

    @pytest.fixture
    def url(self, tmp_path):
        return f"sqlite:///{tmp_path / 'corrections.db'}"

    @pytest.mark.parametrize(
        ("column", "sql"),
        [
            ("sample_id", "5"),
            ("sample_id", "CAST(x'ff' AS TEXT)"),
            ("sample_id", "'00000000000000000000000000000000'"),
            ("label", "x'00'"),
            ("deleted", "'no'"),
        ],
    )
    def test_undo_skips_a_damaged_step(self, store, add, url, column, sql):
        sample = add(label="7")
        store.label(sample.id, "1")
        damage(url, "steps", column, sql, "number = 2")
        with pytest.raises(StoreError, match="the last step is passed over"):
            store.undo("anna")
        assert store.get(sample.id).label == "1"
        assert store.undo("anna").deleted

    @pytest.mark.parametrize(("column", "sql"), VERSIONS)
    def test_version_list_leaves_out_a_damaged_version_and_names_it(self, store, url, column, sql):
        numbers = [store.versions.add("anna", b"", 67, SCORES, SCORES).number for _ in range(2)]
        damage(url, "versions", column, sql, "number = 2")
        assert [version.number for version in store.versions.list("anna")] == numbers[:1]
        (found,) = store.damaged()
        assert str(found).startswith(f"version 2 is damaged: {column} ")
        store.versions.promote("anna", 1)
        assert store.versions.promoted("anna") == 1

    @pytest.mark.parametrize("sql", ["'seven'", "x'00'", "99"])
    def test_damaged_promotion_means_the_base_model(self, store, url, sql):
        store.versions.add("anna", b"", 67, SCORES, SCORES, promote=True)
        damage(url, "promotions", "version", sql)
        assert store.versions.promoted("anna") == store.change_marker("anna")[-1] == 0

    @pytest.mark.parametrize("sql", ["'text'", "5", "x'00'", "''"])
    def test_base_model_replaces_a_damaged_model(self, store, url, add, sql):
        store.versions.add("anna", b"", 67, SCORES, SCORES, promote=True)
        damage(url, "versions", "onnx", sql)
        learner = Learner(url)
        learner.keep("anna", "canvas", 2 * [LabelledAnswer("9", SEVEN)])
        assert learner.recognizer("anna").model is learner.base.model
        assert learner.read_strokes("anna", SEVEN).text == "9", "with the adaptation"
        learner.close()
