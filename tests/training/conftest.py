"""Four shapes that a network of a few thousand parameters learns in a second."""

import io

import numpy as np
import pytest
import torch
from rich.console import Console

from inkwise._util.text import NOT_A_DIGIT
from inkwise.datasets.idx import idx_bytes
from inkwise.preprocessing import strokes_to_glyph
from inkwise.training import load_recipe, train
from inkwise.training.glyph_task import GlyphSamples

SHAPES = {
    "0": [[(0, 0), (50, 0), (50, 80), (0, 80), (0, 0)]],
    "1": [[(0, 0), (0, 90)]],
    "4": [[(10, 0), (0, 50), (50, 50)], [(40, 10), (40, 90)]],
    "7": [[(0, 0), (60, 0), (20, 90)]],
}


def write(label, rng):
    return [np.array(stroke) + rng.normal(0, 4, (len(stroke), 2)) for stroke in SHAPES[label]]


# all ten digits in a box of 60 x 90
DIGITS = SHAPES | {
    "2": [[(0, 10), (30, 0), (55, 20), (0, 90), (60, 90)]],
    "3": [[(0, 0), (55, 0), (20, 40), (55, 60), (30, 90), (0, 80)]],
    "5": [[(55, 0), (5, 0), (0, 40), (50, 50), (50, 80), (0, 90)]],
    "6": [[(50, 0), (5, 40), (0, 80), (50, 85), (50, 50), (5, 55)]],
    "8": [[(30, 45), (5, 20), (30, 0), (55, 20), (5, 70), (30, 90), (55, 70), (30, 45)]],
    "9": [[(50, 10), (10, 0), (0, 40), (50, 40), (55, 0), (50, 90)]],
}


def save_set(path, samples, labels, writers):
    """Write an .npz of strokes."""
    strokes = [stroke for sample in samples for stroke in sample]
    np.savez(
        path,
        points=np.concatenate(strokes),
        stroke_offsets=np.cumsum([0, *map(len, strokes)]),
        sample_offsets=np.cumsum([0, *map(len, samples)]),
        labels=np.array(labels),
        **({} if writers is None else {"writer": np.array(writers)}),
    )
    return path


@pytest.fixture
def hand():
    """hand(label, rng) returns the strokes of a 0, 1, 4 or 7, with tremor."""
    return write


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Compute in one thread: more slow small networks down, the more so beside other processes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _restore_torch_random_state():
    with torch.random.fork_rng([]):
        yield


@pytest.fixture(scope="session")
def shapes():
    """200 glyphs (200, 28, 28) and their labels (200,)."""
    rng = np.random.default_rng(0)
    labels = np.array(list(SHAPES) * 50)
    glyphs = [strokes_to_glyph(write(label, rng), float(rng.uniform(1.8, 4))) for label in labels.tolist()]
    return np.stack(glyphs), labels


@pytest.fixture(scope="session")
def shapes_folder(shapes, tmp_path_factory):
    """The shapes as an IDX folder, whose glyphs are read unchanged."""
    folder = tmp_path_factory.mktemp("shapes")
    (folder / "train-images-idx3-ubyte").write_bytes(idx_bytes(shapes[0]))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx_bytes(shapes[1].astype(np.uint8)))
    return folder


@pytest.fixture(scope="session")
def tiny(shapes_folder):
    """A recipe that trains on the shapes for a fraction of a second."""
    return load_recipe("default").set(
        data={"train": (str(shapes_folder),), "test": (), "validation": 0.2},
        model={"channels": (8, 8, 8)},
        optimization={"epochs": 4, "batch": 16, "precision": "float32"},
    )


@pytest.fixture(scope="session")
def base(tiny, tmp_path_factory):
    """A model file that classifies 0, 1, 4 and 7."""
    folder = tmp_path_factory.mktemp("base")
    return train(tiny, folder, device="cpu", console=Console(file=io.StringIO()))


@pytest.fixture(scope="session")
def stripes():
    """40 non-digits (40, 28, 28): horizontal stripes."""
    rng = np.random.default_rng(0)
    rows = np.arange(28)[:, None] + rng.integers(8, size=(40, 1, 1))
    return np.where(rows % 8 < 4, rng.integers(150, 256, (40, 28, 28)), 0).astype(np.uint8)


@pytest.fixture(scope="session")
def with_stripes(tiny, stripes, tmp_path_factory):
    """The recipe with the stripes as non-digits."""
    path = tmp_path_factory.mktemp("stripes") / "stripes.csv"
    head = ",".join(["label", *(f"pixel{number}" for number in range(784))])
    rows = [",".join([NOT_A_DIGIT, *map(str, glyph.ravel().tolist())]) for glyph in stripes]
    path.write_text("\n".join([head, *rows, ""]))
    return tiny.set(data={"train": (*tiny.data.train, str(path))}, optimization={"epochs": 8})


@pytest.fixture(scope="session")
def rejecting(with_stripes, tmp_path_factory):
    """A model file that classifies 0, 1, 4 and 7 and rejects stripes."""
    folder = tmp_path_factory.mktemp("rejecting")
    return train(with_stripes, folder, device="cpu", console=Console(file=io.StringIO()))


@pytest.fixture
def samples(shapes):
    """160 training and 40 validation samples."""
    glyphs, classes = (
        torch.from_numpy(shapes[0]),
        torch.from_numpy(np.unique(shapes[1], return_inverse=True)[1]),
    )
    return GlyphSamples(glyphs[40:], classes[40:]), GlyphSamples(glyphs[:40], classes[:40])


@pytest.fixture
def console():
    """A console that prints into console.file."""
    return Console(file=io.StringIO(), width=100)


@pytest.fixture
def save_strokes(tmp_path):
    """save_strokes(samples, labels, writers) writes an .npz file of strokes and returns its path."""

    def save(samples, labels, writers=None):
        return save_set(tmp_path / "strokes.npz", samples, labels, writers)

    return save
