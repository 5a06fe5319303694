import hashlib

import numpy as np
import pytest
from typer.testing import CliRunner

from inkwise.cli.data import app
from inkwise.datasets import mnist
from inkwise.datasets.idx import idx_bytes
from inkwise.errors import DataError


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def tiny_mnist(tmp_path, monkeypatch):
    """A folder with four files that pass for MNIST's; the cache is empty."""
    folder = tmp_path / "official"
    folder.mkdir()
    for part, count in {"train": 1200, "t10k": 2}.items():
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((count, 28, 28), np.uint8)))
        labels = np.arange(count, dtype=np.uint8) % 2
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    monkeypatch.setattr(mnist, "FILES", hashes)
    monkeypatch.setenv("INKWISE_DATA", str(tmp_path / "cache"))
    return folder


def test_list_says_what_is_cached_and_where(tiny_mnist, tmp_path):
    before = run("list").output.splitlines()
    assert before[0].split() == ["name", "what", "samples", "cached"]
    assert before[1].split() == ["mnist-train", "MNIST,", "the", "training", "digits", "60,000", "no"]
    assert before[2].split() == ["mnist-test", "MNIST,", "the", "test", "digits", "10,000", "no"]
    run("get", "mnist", "--from", tiny_mnist)
    assert run("list").output.count(str(tmp_path / "cache" / "mnist")) == len(before) - 1


def test_get_says_whom_it_asked_and_where_the_files_are(tiny_mnist, tmp_path):
    result = run("get", "mnist", "--from", tiny_mnist)
    assert result.exit_code == 0
    assert result.stdout == f"MNIST is in {tmp_path / 'cache' / 'mnist'}\n"
    assert result.stderr == f"MNIST: asking {tiny_mnist}\n"


def test_get_knows_only_mnist():
    error = run("get", "mnits").exception
    assert isinstance(error, DataError)
    assert str(error) == "mnits: nothing to get by that name; known is mnist; did you mean mnist?"


def test_info_of_a_known_set(tiny_mnist, tmp_path):
    run("get", "mnist", "--from", tiny_mnist)
    assert run("info", "mnist-train").output.splitlines() == [
        "name     mnist-train",
        f"from     {tmp_path / 'cache' / 'mnist'}",
        "samples  1,200",
        "image    28x28",
        "writers  unknown",
        "labels   0: 600, 1: 600",
    ]


def test_info_of_a_file_with_writers_and_without_labels(tmp_path):
    path = tmp_path / "hands.npz"
    np.savez(path, images=np.full((3, 30, 30), 255, np.uint8), writer=[4, 4, 9])
    lines = run("info", path).output.splitlines()
    assert f"from     {path}" in lines
    assert "writers  2" in lines
    assert "labels   none: 3" in lines


def test_info_of_what_is_not_there():
    error = run("info", "mnist-tset").exception
    assert isinstance(error, DataError)
    assert "did you mean mnist-test?" in str(error)
