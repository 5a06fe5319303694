"""A small MNIST, like the real one except for its size, and handwriting of two writers."""

import hashlib

import numpy as np
import pytest

from inkwise.datasets import fetch_mnist, mnist
from inkwise.datasets.idx import idx_bytes
from inkwise.preprocessing import strokes_to_glyph

SHAPES = {
    0: [[(0, 0), (50, 0), (50, 80), (0, 80), (0, 0)]],
    1: [[(0, 0), (0, 90)]],
    4: [[(10, 0), (0, 50), (50, 50)], [(40, 10), (40, 90)]],
    7: [[(0, 0), (60, 0), (20, 90)]],
}


def written(label, rng):
    return [np.array(stroke) + rng.normal(0, 3, (len(stroke), 2)) for stroke in SHAPES[label]]


@pytest.fixture(scope="module")
def small_mnist(tmp_path_factory):
    """120 training digits and 40 test digits, 0, 1, 4 and 7, in place of MNIST in the cache."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("official")
    for part, count in {"train": 120, "t10k": 40}.items():
        labels = np.resize(list(SHAPES), count).astype(np.uint8)
        glyphs = np.stack([strokes_to_glyph(written(label, rng)) for label in labels.tolist()])
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(glyphs))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in mnist.FILES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist, "FILES", hashes)
        patch.setenv("INKWISE_DATA", str(tmp_path_factory.mktemp("cache")))
        fetch_mnist(from_dir=folder, sources={})
        yield


@pytest.fixture
def handwriting(tmp_path):
    """A folder with 12 digits each of two writers as strokes, and 8 images of a drawing program."""
    rng = np.random.default_rng(1)
    labels = np.resize(list(SHAPES), 24)
    samples = [written(label, rng) for label in labels.tolist()]
    strokes = [stroke for sample in samples for stroke in sample]
    folder = tmp_path / "handwriting"
    folder.mkdir()
    np.savez(
        folder / "unipen_digits.npz",
        points=np.concatenate(strokes),
        stroke_offsets=np.cumsum([0, *map(len, strokes)]),
        sample_offsets=np.cumsum([0, *map(len, samples)]),
        labels=labels,
        writer=np.repeat([3, 5], 12),
    )
    images = [255 - strokes_to_glyph(sample) for sample in samples[:8]]
    np.savez(folder / "hwd1000.npz", images=np.stack(images), labels=labels[:8])
    return folder
