import errno
import hashlib
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from inkwise._util.errors import DataError
from inkwise.datasets import cache_folder, fetch_mnist, load_dataset, missing_files, mnist
from inkwise.datasets.mnist_sources import folder_files


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def folder_source(folder: Path):
    return {str(folder): partial(folder_files, folder)}


def test_cache_folder_follows_environment_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("INKWISE_DATA", str(tmp_path))
    assert cache_folder("mnist") == tmp_path / "mnist"
    monkeypatch.delenv("INKWISE_DATA")
    assert cache_folder("mnist") == Path(platformdirs.user_cache_dir("inkwise")) / "mnist"


def test_fetch_mnist_asks_no_source_once_cached(tiny_mnist):
    cache = fetch_mnist(from_dir=tiny_mnist, sources={})
    assert names(cache) == sorted(mnist.FILES)
    assert missing_files() == []
    asked = {"source": lambda names: pytest.fail("a source was asked for files that the cache has")}
    assert fetch_mnist(from_dir=tiny_mnist / "none", sources=asked) == cache


def test_load_dataset_loads_both_parts_by_name(tiny_mnist, digits):
    fetch_mnist(from_dir=tiny_mnist, sources={})
    train, test = load_dataset("mnist-train"), load_dataset("mnist-test")
    np.testing.assert_array_equal(train.glyphs, digits[:4])
    np.testing.assert_array_equal(test.glyphs, digits[4:])
    assert (train.name, test.name) == ("mnist-train", "mnist-test")
    assert test.labels.tolist() == ["4", "5"]


def test_fetch_mnist_asks_next_source_for_missing_files(tiny_mnist, tmp_path):
    incomplete = tmp_path / "incomplete"
    incomplete.mkdir()
    (incomplete / "train-images-idx3-ubyte").write_bytes(
        (tiny_mnist / "train-images-idx3-ubyte").read_bytes()
    )
    (incomplete / "train-labels-idx1-ubyte").write_bytes(b"an error page")
    lines = []
    cache = fetch_mnist(sources=folder_source(incomplete) | folder_source(tiny_mnist), report=lines.append)
    assert lines == [f"MNIST: asking {incomplete}", f"MNIST: asking {tiny_mnist}"]
    assert names(cache) == sorted(mnist.FILES)
    assert missing_files() == []


def test_fetch_mnist_replaces_damaged_file(tiny_mnist):
    cache = fetch_mnist(from_dir=tiny_mnist, sources={})
    damaged = cache / "t10k-labels-idx1-ubyte"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\x09")
    assert missing_files() == [damaged.name]
    fetch_mnist(sources=folder_source(tiny_mnist))
    assert damaged.read_bytes() == (tiny_mnist / damaged.name).read_bytes()


def test_fetch_mnist_lists_reason_of_each_source(tiny_mnist, tmp_path):
    wrong, empty = tmp_path / "wrong", tmp_path / "empty"
    wrong.mkdir()
    (wrong / "train-images-idx3-ubyte").write_bytes(b"something else")
    with pytest.raises(DataError) as caught:
        fetch_mnist(from_dir=empty, sources=folder_source(wrong))
    assert str(caught.value) == (
        f"MNIST is not available: {tmp_path / 'cache' / 'mnist'} (cache): 4 of 4 files missing or damaged"
        f"; {empty}: no train-images-idx3-ubyte there"
        f"; {wrong}: train-images-idx3-ubyte has a different SHA-256"
        ". With its files in a folder DIR: inkwise data get mnist --from DIR"
    )


def test_fetch_mnist_reports_full_disk_and_leaves_no_file(tiny_mnist, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    cache_folder("mnist").mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        DataError, match=r"train-images-idx3-ubyte: cannot be written \(No space left on device\)$"
    ):
        fetch_mnist(from_dir=tiny_mnist, sources=folder_source(tiny_mnist))
    assert names(cache_folder("mnist")) == []


def test_fetch_mnist_reports_unwritable_cache(tiny_mnist, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(DataError, match=r"mnist: cannot be made \(Not a directory\)$"):
        fetch_mnist(from_dir=tiny_mnist, sources={})


FETCH = """
import pathlib, sys
from inkwise.datasets import mnist, mnist_sources
mnist.FILES = dict(line.split() for line in sys.argv[2:])
def slow(names):
    print("ready", flush=True)
    sys.stdin.readline()
    yield from mnist_sources.folder_files(pathlib.Path(sys.argv[1]), names)
mnist.fetch_mnist(sources={"slow": slow})
"""


def test_fetch_mnist_from_two_processes(tiny_mnist):
    command = [sys.executable, "-c", FETCH, str(tiny_mnist), *map(" ".join, mnist.FILES.items())]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as first,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as second,
    ):
        # Both have found the cache empty before either may write.
        assert [process.stdout.readline() for process in (first, second)] == ["ready\n", "ready\n"]
        for process in (first, second):
            process.communicate("go\n")
    assert (first.returncode, second.returncode) == (0, 0)
    assert missing_files() == []
    assert names(cache_folder("mnist")) == sorted(mnist.FILES)


@pytest.mark.network
def test_fetch_mnist_downloads_mnist(monkeypatch, tmp_path):
    monkeypatch.setenv("INKWISE_DATA", str(tmp_path))
    images = fetch_mnist() / "t10k-images-idx3-ubyte"
    assert hashlib.sha256(images.read_bytes()).hexdigest() == mnist.FILES[images.name]
    assert np.unique(load_dataset("mnist-test").labels, return_counts=True)[1].tolist() == [
        *[980, 1135, 1032, 1010, 982],
        *[892, 958, 1028, 974, 1009],
    ]
