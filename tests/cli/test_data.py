import hashlib

import numpy as np
import pytest
from typer.testing import CliRunner

from inkwise._util.errors import DataError
from inkwise.cli.data import app
from inkwise.datasets import mnist
from inkwise.datasets.idx import idx_bytes


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


def test_list_shows_cached_sets(tiny_mnist, tmp_path):
    before = run("list").output.splitlines()
    assert before[0].split() == ["name", "what", "samples", "cached"]
    assert before[1].split() == ["mnist-train", "MNIST,", "training", "digits", "60,000", "no"]
    assert before[2].split() == ["mnist-test", "MNIST,", "test", "digits", "10,000", "no"]
    assert before[3].split() == ["unipen-digits", "UNIPEN,", "digits", "drawn", "with", "a", "pen", "no"]
    run("get", "mnist", "--from", tiny_mnist)
    after = run("list").output
    assert after.count(str(tmp_path / "cache" / "mnist")) == 4
    assert after.count(" no") == 3  # what is of UNIPEN


def test_get_reports_source_and_cache_folder(tiny_mnist, tmp_path):
    result = run("get", "mnist", "--from", tiny_mnist)
    assert result.exit_code == 0
    assert result.stdout == f"MNIST is in {tmp_path / 'cache' / 'mnist'}\n"
    assert result.stderr == f"MNIST: asking {tiny_mnist}\n"


def test_get_parses_unipen_and_reports_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("INKWISE_DATA", str(tmp_path / "cache"))
    file = tmp_path / "unipen" / "data" / "1a" / "abc" / "x.dat"
    file.parent.mkdir(parents=True)
    file.write_text(
        '.COORD X Y\n.PEN_DOWN\n0 0\n1 9\n.SEGMENT CHARACTER 0 OK "1"\n.SEGMENT CHARACTER 1 OK "2"\n'
    )
    result = run("get", "unipen", "--from", tmp_path / "unipen")
    assert result.exit_code == 0
    assert result.stdout == f"UNIPEN is in {tmp_path / 'cache' / 'unipen'}\n"
    assert result.stderr == (
        "UNIPEN: 1 digits, 0 nondigits, 0 digit strings; 1 writers\n"
        "skipped: 0 files, 1 samples (missing components: 1)\n"
    )
    assert str(tmp_path / "cache" / "unipen") in run("list").output
    assert f"from     {tmp_path / 'cache' / 'unipen'}" in run("info", "unipen-digits").output


def test_get_suggests_known_name():
    error = run("get", "mnits").exception
    assert isinstance(error, DataError)
    assert str(error) == "mnits: cannot be fetched by that name; did you mean mnist?"


def test_info_by_name(tiny_mnist, tmp_path):
    run("get", "mnist", "--from", tiny_mnist)
    assert run("info", "mnist-train").output.splitlines() == [
        "name     mnist-train",
        f"from     {tmp_path / 'cache' / 'mnist'}",
        "samples  1,200",
        "image    28x28",
        "writers  unknown",
        "labels   0: 600, 1: 600",
    ]


def test_info_of_file_with_writers_and_without_labels(tmp_path):
    path = tmp_path / "hands.npz"
    np.savez(path, images=np.full((3, 30, 30), 255, np.uint8), writer=[4, 4, 9])
    lines = run("info", path).output.splitlines()
    assert f"from     {path}" in lines
    assert "writers  2" in lines
    assert "labels   none: 3" in lines


def test_info_suggests_known_name():
    error = run("info", "mnist-tset").exception
    assert isinstance(error, DataError)
    assert "did you mean mnist-test" in str(error)
