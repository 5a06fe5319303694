import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from inkwise._util.errors import DataError
from inkwise.datasets import fetch_mnist, missing_files, mnist, mnist_folder
from inkwise.datasets.mnist import load_mnist
from inkwise.datasets.mnist_sources import FolderSource


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refused(names):
    pytest.fail("a source was asked although everything was there")


def test_the_cache_lies_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("INKWISE_DATA", str(tmp_path))
    assert mnist_folder() == tmp_path / "mnist"
    monkeypatch.delenv("INKWISE_DATA")
    assert mnist_folder() == Path(platformdirs.user_cache_dir("inkwise")) / "mnist"


def test_a_folder_fills_the_cache_and_then_nobody_is_asked(tiny_mnist, monkeypatch):
    cache = fetch_mnist(from_dir=tiny_mnist, sources=[])
    assert names(cache) == sorted(mnist.FILES)
    assert missing_files() == []
    monkeypatch.setattr(FolderSource, "files", refused)
    assert fetch_mnist(from_dir=tiny_mnist, sources=[FolderSource(tiny_mnist)]) == cache


def test_both_parts_load_by_name(tiny_mnist, digits):
    fetch_mnist(from_dir=tiny_mnist, sources=[])
    train, test = load_mnist("mnist-train"), load_mnist("mnist-test")
    np.testing.assert_array_equal(train.glyphs, digits[:4])
    np.testing.assert_array_equal(test.glyphs, digits[4:])
    assert (train.name, test.name) == ("mnist-train", "mnist-test")
    assert test.labels.tolist() == ["4", "5"]


def test_the_next_source_gives_what_the_one_before_could_not(tiny_mnist, tmp_path):
    partial = tmp_path / "partial"
    partial.mkdir()
    (partial / "train-images-idx3-ubyte").write_bytes((tiny_mnist / "train-images-idx3-ubyte").read_bytes())
    (partial / "train-labels-idx1-ubyte").write_bytes(b"an error page")
    told = []
    cache = fetch_mnist(sources=[FolderSource(partial), FolderSource(tiny_mnist)], report=told.append)
    assert told == [f"MNIST: asking {partial}", f"MNIST: asking {tiny_mnist}"]
    assert names(cache) == sorted(mnist.FILES)
    assert missing_files() == []


def test_a_damaged_file_in_the_cache_is_fetched_again(tiny_mnist):
    cache = fetch_mnist(from_dir=tiny_mnist, sources=[])
    damaged = cache / "t10k-labels-idx1-ubyte"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\x09")
    assert missing_files() == [damaged.name]
    fetch_mnist(sources=[FolderSource(tiny_mnist)])
    assert damaged.read_bytes() == (tiny_mnist / damaged.name).read_bytes()


def test_when_nobody_has_it_each_source_is_told_with_its_reason(tiny_mnist, tmp_path):
    wrong, empty = tmp_path / "wrong", tmp_path / "empty"
    wrong.mkdir()
    (wrong / "train-images-idx3-ubyte").write_bytes(b"something else")
    with pytest.raises(DataError) as caught:
        fetch_mnist(from_dir=empty, sources=[FolderSource(wrong)])
    assert str(caught.value) == (
        f"MNIST cannot be had: {tmp_path / 'cache' / 'mnist'} (cache): 4 of 4 files missing or damaged"
        f"; {empty}: no train-images-idx3-ubyte there"
        f"; {wrong}: train-images-idx3-ubyte has another SHA-256 than MNIST's"
        ". With its files in a folder DIR: inkwise data get mnist --from DIR"
    )


def test_a_full_disk_is_told_and_leaves_nothing_behind(tiny_mnist, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    mnist_folder().mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        DataError, match=r"train-images-idx3-ubyte: cannot be written \(No space left on device\)$"
    ):
        fetch_mnist(from_dir=tiny_mnist, sources=[FolderSource(tiny_mnist)])
    assert names(mnist_folder()) == []


def test_a_cache_that_cannot_be_made_is_told(tiny_mnist, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(DataError, match=r"mnist: cannot be made \(Not a directory\)$"):
        fetch_mnist(from_dir=tiny_mnist, sources=[])


FETCH = """
import pathlib, sys
from inkwise.datasets import mnist, mnist_sources as sources
mnist.FILES = dict(line.split() for line in sys.argv[2:])
class Slow(sources.FolderSource):
    def files(self, names):
        print("ready", flush=True)
        sys.stdin.readline()
        yield from super().files(names)
mnist.fetch_mnist(sources=[Slow(pathlib.Path(sys.argv[1]))])
"""


def test_two_processes_may_fetch_at_once(tiny_mnist):
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
    assert names(mnist_folder()) == sorted(mnist.FILES)


@pytest.mark.network
def test_the_real_mnist_can_be_had(monkeypatch, tmp_path):
    monkeypatch.setenv("INKWISE_DATA", str(tmp_path))
    images = fetch_mnist() / "t10k-images-idx3-ubyte"
    assert hashlib.sha256(images.read_bytes()).hexdigest() == mnist.FILES[images.name]
    assert np.unique(load_mnist("mnist-test").labels, return_counts=True)[1].tolist() == [
        *[980, 1135, 1032, 1010, 982],
        *[892, 958, 1028, 974, 1009],
    ]
