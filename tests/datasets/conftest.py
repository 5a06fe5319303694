"""A tiny MNIST in place of the real one, and an image of a one."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from inkwise.datasets import mnist
from inkwise.datasets.idx import idx_bytes


@pytest.fixture
def digits() -> np.ndarray:
    """(6, 28, 28) uint8 noise: IDX and CSV accept any bytes as glyphs."""
    return np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)


@pytest.fixture
def one() -> np.ndarray:
    """(40, 40) uint8: a dark bar on white paper."""
    image = np.full((40, 40), 255, np.uint8)
    image[8:32, 18:22] = 0
    return image


@pytest.fixture
def tiny_mnist(tmp_path: Path, digits: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with MNIST's four files, six digits in all, whose hashes are expected; the cache is empty."""
    folder = tmp_path / "official"
    folder.mkdir()
    labels = np.arange(6, dtype=np.uint8)
    for part, chosen in {"train": slice(4), "t10k": slice(4, 6)}.items():
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(digits[chosen]))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(labels[chosen]))
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in mnist.FILES}
    monkeypatch.setattr(mnist, "FILES", hashes)
    monkeypatch.setenv("INKWISE_DATA", str(tmp_path / "cache"))
    return folder
