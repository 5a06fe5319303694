"""`inkwise corrections` and `inkwise learn`."""

import sys
from datetime import UTC, datetime

import numpy as np
import platformdirs
import pytest
from damage import damage

import inkwise.training  # noqa: F401 (the command needs it)
from inkwise.corrections import Accuracy, ModelVersion, Store, VersionScores, learning_jobs


@pytest.fixture
def corrections(inkwise):
    return lambda *arguments: inkwise("corrections", *arguments)


@pytest.fixture
def taught(tmp_path):
    """The URL of a database with a seven of Anna's and a one of Ben's."""
    url = f"sqlite:///{tmp_path / 'taught.db'}"
    with Store.open(url) as store:
        for writer, label in {"anna": "7", "ben": "1"}.items():
            store.add(np.zeros((28, 28), np.uint8), writer=writer, source="canvas", label=label)
    return url


def test_export_and_import_into_another_database(corrections, taught, tmp_path):
    folder, url = tmp_path / "out", f"sqlite:///{tmp_path / 'other.db'}"
    exported = corrections("export", folder, "--database", taught)
    assert exported == (0, f"exported 2 samples to {folder}\n", "")
    assert corrections("import", folder, "--database", url) == (0, "imported 2 new samples\n", "")
    again = corrections("import", folder / "samples.jsonl", "--database", url)
    assert again == (0, "imported 0 new samples\n", "")
    with Store.open(url) as store:
        assert store.writers() == ["anna", "ben"]


def test_export_of_one_writer_and_import_as_another(corrections, taught, tmp_path):
    corrections("export", tmp_path / "out", "--writer", "ben", "--database", taught)
    (tmp_path / "out" / "samples.jsonl").unlink()
    corrections("import", tmp_path / "out", "--writer", "carla", "--database", taught)
    with Store.open(taught) as store:
        assert [each.label for each in store.samples(writer="carla")] == ["1"]


def test_default_database_is_in_user_data_folder(corrections, tmp_path, taught, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: str(tmp_path / "home"))
    corrections("export", tmp_path / "out", "--database", taught)
    assert corrections("import", tmp_path / "out")[0] == 0
    assert (tmp_path / "home" / "corrections.db").exists()


def test_import_reports_bad_row_in_one_line(inkwise_fails, tmp_path, taught):
    (tmp_path / "samples.jsonl").write_text("seven\n")
    error = inkwise_fails("corrections", "import", tmp_path, "--database", taught)
    assert error == f"{tmp_path / 'samples.jsonl'}: row 1: is not JSON"


def test_backup_is_a_database(corrections, taught, tmp_path):
    backup = tmp_path / "backup.db"
    done = corrections("backup", backup, "--database", taught)
    assert done == (0, f"backed up 2 samples and all personal models to {backup}\n", "")
    again = corrections("backup", backup, "--database", taught)
    assert again == (1, "", f"inkwise: {backup}: exists already; name a new file\n")
    with Store.open(f"sqlite:///{backup}") as store:
        assert store.writers() == ["anna", "ben"]


def test_backup_copies_and_names_a_damaged_version(corrections, taught, tmp_path, damaged_weights):
    scores = VersionScores(Accuracy(9_950, 10_000), Accuracy(3, 4))
    with Store.open(taught) as store:
        number = store.versions.add("anna", damaged_weights, 8, scores, scores).number
    status, _, err = corrections("backup", tmp_path / "backup.db", "--database", taught)
    assert status == 0
    assert err.startswith(f"inkwise: version {number} is damaged (the model: ")
    assert err.count("\n") == 1
    with Store.open(f"sqlite:///{tmp_path / 'backup.db'}") as store:
        assert store.versions.weights(number) == damaged_weights


def test_damaged_samples_are_skipped_listed_and_deleted(corrections, taught, tmp_path):
    check = "check", "--database", taught
    assert corrections(*check) == (0, "2 samples, none damaged\n", "")

    damage(taught, "samples", "glyph", "substr(glyph, 1, 783)", "writer = 'ben'")
    with Store.open(taught) as store:
        (damaged,) = store.damaged()
    assert str(damaged) == f"sample {damaged.id} is damaged: glyph has 783 bytes, not 784"

    folder = tmp_path / "out"
    exported = corrections("export", folder, "--database", taught)
    assert exported == (0, f"exported 1 samples to {folder}\n", f"inkwise: skipped: {damaged}\n")

    assert corrections(*check) == (1, f"{damaged}\n", "")
    assert corrections(*check, "--delete") == (0, f"{damaged}\ndeleted 1 damaged samples\n", "")
    assert corrections(*check) == (0, "1 samples, none damaged\n", "")


def test_export_rejects_database_of_damaged_samples_only(corrections, taught, tmp_path):
    damage(taught, "samples", "time", "'noon'")
    assert corrections("export", tmp_path / "out", "--database", taught)[0] == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("missing", ["sqlalchemy", "alembic"])
def test_export_names_the_missing_extra(inkwise_fails, missing, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("inkwise.corrections")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    error = inkwise_fails("corrections", "export", tmp_path)
    assert error == f'keeping corrections needs {missing}: pip install "inkwise[app]"'


@pytest.fixture
def learn(inkwise, tmp_path):
    """Run `inkwise learn` for Anna, who has three sevens in the database."""
    url = f"sqlite:///{tmp_path / 'taught.db'}"
    with Store.open(url) as store:
        for _ in range(3):
            store.add(np.zeros((28, 28), np.uint8), writer="anna", source="canvas", label="7")
    return lambda *arguments: inkwise("learn", "--writer", "anna", "--database", url, *arguments)


@pytest.fixture
def learnt(monkeypatch):
    """Replace the fine-tuning by one with these misses of 10,000 and of 33 afterwards; return its calls."""
    calls = []

    def learnt(mnist, own):
        before = VersionScores(Accuracy(9_965, 10_000), Accuracy(27, 33))
        after = VersionScores(Accuracy(10_000 - mnist, 10_000), Accuracy(33 - own, 33))
        better = not after.worse_than(before)

        def learn(store, writer, base, *, progress, promote):
            progress("learning", 0.5)
            calls.append((writer, base, promote))
            return ModelVersion(4, writer, datetime.now(UTC), 67, before, after, promote or better)

        monkeypatch.setattr("inkwise.corrections.learn", learn)
        return calls

    return learnt


def test_learn_prints_scores_before_and_after(learn, learnt):
    calls = learnt(mnist=34, own=1)
    _, out, _ = learn()
    lines = [line.split() for line in out.splitlines()]
    assert lines[1] == ["mnist-test", "10,000", "35", "34"]
    assert lines[2] == ["anna,", "held", "back", "33", "6", "1"]
    assert out.splitlines()[3] == "version 4, trained on 67 samples: worse on neither: promoted"
    assert calls == [("anna", "default", False)]


def test_learn_promotes_worse_model_only_on_request(learn, learnt, tmp_path):
    calls = learnt(mnist=41, own=7)
    _, kept, _ = learn("--model", tmp_path / "a.onnx")
    _, forced, _ = learn("--promote")
    assert "worse on mnist-test and anna, held back: kept, not promoted" in kept
    assert forced.endswith("worse on mnist-test and anna, held back: promoted\n")
    assert calls == [("anna", str(tmp_path / "a.onnx"), False), ("anna", "default", True)]


def test_learn_reports_too_few_samples_in_one_line(learn):
    error = "inkwise: anna has 3 labelled samples; learning needs 7 more, 10 in all\n"
    assert learn() == (1, "", error)


def test_learn_names_the_missing_extra(learn, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("inkwise.training")]:
        monkeypatch.delitem(sys.modules, name)
    error = (
        "learning needs torch: pip install torch --index-url https://download.pytorch.org/whl/cpu"
        ' && pip install "inkwise[train]"'
    )
    assert learn() == (1, "", f"inkwise: {error}\n")
    assert learning_jobs.missing_dependencies() == error
