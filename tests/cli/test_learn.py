import sys
from datetime import UTC, datetime

import numpy as np
import pytest
from typer.testing import CliRunner

import inkwise.training  # noqa: F401 (the command needs it)
from inkwise._util.errors import InkwiseError, StoreError
from inkwise.cli import app
from inkwise.corrections import Accuracy, ModelVersion, Store, VersionScores
from inkwise.corrections import learning_jobs as learning


def run(*arguments):
    return CliRunner().invoke(app, ["learn", *map(str, arguments)])


@pytest.fixture
def database(tmp_path):
    """The URL of a database with three sevens of Anna's."""
    url = f"sqlite:///{tmp_path / 'taught.db'}"
    with Store.open(url) as store:
        for _ in range(3):
            store.add(np.zeros((28, 28), np.uint8), writer="anna", source="canvas", label="7")
    return url


@pytest.fixture
def learnt(monkeypatch):
    """learnt(mnist, own) has that many of 10,000 and of 33 missed after learning; the calls are its list."""
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


def test_it_shows_before_and_after_and_what_became_of_it(database, learnt):
    calls = learnt(mnist=34, own=1)
    done = run("--writer", "anna", "--database", database)

    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[1] == ["mnist-test", "10,000", "35", "34"]
    assert lines[2] == ["anna,", "held", "back", "33", "6", "1"]
    assert done.stdout.splitlines()[3] == ("version 4, learnt from 67 samples: worse on neither: promoted")
    assert calls == [("anna", "default", False)]


def test_what_is_worse_is_kept_and_promoted_if_so_told(database, learnt, tmp_path):
    calls = learnt(mnist=41, own=7)
    kept = run("--writer", "anna", "--database", database, "--model", tmp_path / "a.onnx")
    told = run("--writer", "anna", "--database", database, "--promote")

    assert "worse on mnist-test and anna, held back: kept, not promoted" in kept.stdout
    assert told.stdout.endswith("worse on mnist-test and anna, held back: promoted\n")
    assert calls == [("anna", str(tmp_path / "a.onnx"), False), ("anna", "default", True)]


def test_what_is_wrong_is_one_line(database):
    error = run("--writer", "anna", "--database", database).exception
    assert isinstance(error, StoreError)
    assert str(error) == "anna has 3 labelled samples; learning needs 7 more, 10 in all"


def test_without_the_extra_it_says_what_to_install(database, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("inkwise.training")]:
        monkeypatch.delitem(sys.modules, name)

    error = run("--writer", "anna", "--database", database).exception
    assert isinstance(error, InkwiseError)
    assert str(error) == 'learning needs torch: pip install "inkwise[train]"'
    assert learning.missing_dependencies() == str(error)
