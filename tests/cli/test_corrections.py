import sys

import numpy as np
import platformdirs
import pytest
from damage import damage
from typer.testing import CliRunner

from inkwise._util.errors import InkwiseError, StoreError
from inkwise.cli import app
from inkwise.corrections import Accuracy, Store, VersionScores


def run(*arguments):
    return CliRunner().invoke(app, ["corrections", *map(str, arguments)])


@pytest.fixture
def taught(tmp_path):
    """The URL of a database with a seven of Anna's and a one of Ben's."""
    url = f"sqlite:///{tmp_path / 'taught.db'}"
    with Store.open(url) as store:
        for writer, label in {"anna": "7", "ben": "1"}.items():
            store.add(np.zeros((28, 28), np.uint8), writer=writer, source="canvas", label=label)
    return url


def test_from_one_database_to_another(taught, tmp_path):
    url = f"sqlite:///{tmp_path / 'other.db'}"
    exported = run("export", tmp_path / "out", "--database", taught)
    imported = run("import", tmp_path / "out", "--database", url)
    again = run("import", tmp_path / "out" / "samples.jsonl", "--database", url)

    assert exported.stdout == f"exported 2 samples to {tmp_path / 'out'}\n"
    assert imported.stdout == "imported 2 samples that were not there\n"
    assert again.stdout == "imported 0 samples that were not there\n"
    with Store.open(url) as store:
        assert store.writers() == ["anna", "ben"]


def test_one_writer_goes_and_another_is_named(taught, tmp_path):
    run("export", tmp_path / "out", "--writer", "ben", "--database", taught)
    (tmp_path / "out" / "samples.jsonl").unlink()
    run("import", tmp_path / "out", "--writer", "carla", "--database", taught)

    with Store.open(taught) as store:
        assert [each.label for each in store.samples(writer="carla")] == ["1"]


def test_by_default_it_is_a_database_of_ones_own(tmp_path, taught, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: str(tmp_path / "home"))
    run("export", tmp_path / "out", "--database", taught)
    assert run("import", tmp_path / "out").exit_code == 0
    assert (tmp_path / "home" / "corrections.db").exists()


def test_what_is_wrong_is_one_line(tmp_path, taught):
    (tmp_path / "samples.jsonl").write_text("seven\n")
    error = run("import", tmp_path, "--database", taught).exception
    assert isinstance(error, StoreError)
    assert str(error) == f"{tmp_path / 'samples.jsonl'}: row 1: is not JSON"


def test_a_backup_is_a_database(taught, tmp_path):
    backup = tmp_path / "backup.db"
    done = run("backup", backup, "--database", taught)
    again = run("backup", backup, "--database", taught)

    assert done.stdout == f"backed up 2 samples and all learnt models to {backup}\n"
    assert isinstance(again.exception, StoreError)
    assert str(again.exception) == f"{backup}: exists already; name a new file"
    with Store.open(f"sqlite:///{backup}") as store:
        assert store.writers() == ["anna", "ben"]


def test_a_backup_holds_a_damaged_version_as_it_is_and_names_it(taught, tmp_path, damaged_weights):
    scores = VersionScores(Accuracy(9_950, 10_000), Accuracy(3, 4))
    with Store.open(taught) as store:
        number = store.versions.add("anna", damaged_weights, 8, scores, scores).number
    done = run("backup", tmp_path / "backup.db", "--database", taught)

    assert done.exit_code == 0
    assert done.stderr.startswith(f"inkwise: version {number} is damaged (the model: ")
    assert done.stderr.count("\n") == 1
    with Store.open(f"sqlite:///{tmp_path / 'backup.db'}") as store:
        assert store.versions.weights(number) == damaged_weights


def test_damaged_samples_are_left_out_listed_and_deleted(taught, tmp_path):
    checked = run("check", "--database", taught)
    assert (checked.exit_code, checked.stdout) == (0, "2 samples, none damaged\n")

    damage(taught, "samples", "glyph", "substr(glyph, 1, 783)", "writer = 'ben'")
    with Store.open(taught) as store:
        (damaged,) = store.damaged()
    assert str(damaged) == f"sample {damaged.id} is damaged: glyph has 783 bytes, not 784"

    exported = run("export", tmp_path / "out", "--database", taught)
    assert exported.exit_code == 0
    assert exported.stdout == f"exported 1 samples to {tmp_path / 'out'}\n"
    assert exported.stderr == f"inkwise: left out: {damaged}\n"

    checked = run("check", "--database", taught)
    assert (checked.exit_code, checked.stdout) == (1, f"{damaged}\n")
    deleted = run("check", "--delete", "--database", taught)
    assert (deleted.exit_code, deleted.stdout) == (0, f"{damaged}\ndeleted 1 damaged samples\n")
    checked = run("check", "--database", taught)
    assert (checked.exit_code, checked.stdout) == (0, "1 samples, none damaged\n")


def test_only_a_damaged_sample_is_nothing_to_export(taught, tmp_path):
    damage(taught, "samples", "time", "'noon'")
    error = run("export", tmp_path / "out", "--database", taught).exception
    assert isinstance(error, StoreError)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("missing", ["sqlalchemy", "alembic"])
def test_without_the_extra_it_says_what_to_install(missing, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("inkwise.corrections")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)

    error = run("export", tmp_path).exception
    assert isinstance(error, InkwiseError)
    assert str(error) == f'keeping corrections needs {missing}: pip install "inkwise[app]"'
