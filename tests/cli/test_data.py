"""`inkwise data`."""

import hashlib

import numpy as np
import pytest

from inkwise.datasets import mnist
from inkwise.datasets.idx import idx_bytes


@pytest.fixture
def data(inkwise):
    return lambda *arguments: inkwise("data", *arguments)


@pytest.fixture
def tiny_mnist(tmp_path, monkeypatch):
    """A folder of four small files that are accepted as MNIST's; the cache is empty."""
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


def test_list_names_data_sets_and_cache_folders(data, tiny_mnist, tmp_path):
    before = data("list")[1].splitlines()
    assert before[0].split() == ["name", "what", "samples", "cached"]
    assert before[1].split() == ["mnist-train", "MNIST,", "training", "digits", "60,000", "no"]
    assert before[2].split() == ["mnist-test", "MNIST,", "test", "digits", "10,000", "no"]
    assert before[3].split() == ["unipen-digits", "UNIPEN,", "digits", "drawn", "with", "a", "pen", "no"]
    data("get", "mnist", "--from", tiny_mnist)
    _, after, _ = data("list")
    assert after.count(str(tmp_path / "cache" / "mnist")) == 4
    assert after.count(" no") == 3  # the UNIPEN sets


def test_get_mnist_prints_source_and_folder(data, tiny_mnist, tmp_path):
    out, err = f"MNIST is in {tmp_path / 'cache' / 'mnist'}\n", f"MNIST: asking {tiny_mnist}\n"
    assert data("get", "mnist", "--from", tiny_mnist) == (0, out, err)


def test_get_unipen_parses_it_and_prints_counts(data, tmp_path, monkeypatch):
    monkeypatch.setenv("INKWISE_DATA", str(tmp_path / "cache"))
    file = tmp_path / "unipen" / "data" / "1a" / "abc" / "x.dat"
    file.parent.mkdir(parents=True)
    file.write_text(
        '.COORD X Y\n.PEN_DOWN\n0 0\n1 9\n.SEGMENT CHARACTER 0 OK "1"\n.SEGMENT CHARACTER 1 OK "2"\n'
    )
    cache = tmp_path / "cache" / "unipen"
    assert data("get", "unipen", "--from", tmp_path / "unipen") == (
        0,
        f"UNIPEN is in {cache}\n",
        "UNIPEN: 1 digits, 0 nondigits, 0 digit strings; 1 writers\n"
        "skipped: 0 files, 1 samples (missing components: 1)\n",
    )
    assert str(cache) in data("list")[1]
    assert f"from     {cache}" in data("info", "unipen-digits")[1]


def test_get_suggests_known_names(inkwise_fails):
    assert inkwise_fails("data", "get", "mnits") == (
        "mnits: cannot be fetched by that name; did you mean mnist?"
    )


def test_info_of_named_set(data, tiny_mnist, tmp_path):
    data("get", "mnist", "--from", tiny_mnist)
    assert data("info", "mnist-train")[1].splitlines() == [
        "name     mnist-train",
        f"from     {tmp_path / 'cache' / 'mnist'}",
        "samples  1,200",
        "image    28x28",
        "writers  unknown",
        "labels   0: 600, 1: 600",
    ]


def test_info_of_file_with_writers_and_without_labels(data, tmp_path):
    path = tmp_path / "hands.npz"
    np.savez(path, images=np.full((3, 30, 30), 255, np.uint8), writer=[4, 4, 9])
    lines = data("info", path)[1].splitlines()
    assert f"from     {path}" in lines
    assert "writers  2" in lines
    assert "labels   none: 3" in lines


def test_info_suggests_known_names(inkwise_fails):
    assert "did you mean mnist-test" in inkwise_fails("data", "info", "mnist-tset")
