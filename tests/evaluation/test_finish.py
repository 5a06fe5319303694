"""A run of a second on two shapes, then its end."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from inkwise._util.errors import DataError
from inkwise._util.files import locked
from inkwise.datasets.idx import idx_bytes
from inkwise.evaluation import EvaluationResult, train_and_evaluate
from inkwise.recognition import Model
from inkwise.training import load_recipe, resumed_recipe

Finished = tuple[Path, list[EvaluationResult]]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run folder and its results: upright (1) and lying (0) bars, tested on them with one label wrong."""
    folder = tmp_path_factory.mktemp("bars")
    rng = np.random.default_rng(0)
    glyphs, labels = np.zeros((60, 28, 28), np.uint8), np.tile(np.array([0, 1], np.uint8), 30)
    for glyph, label in zip(glyphs, labels.tolist(), strict=True):
        middle = int(rng.integers(11, 17))
        glyph[4:24, middle - 2 : middle + 2] = 255
        if not label:
            glyph[:] = glyph.T.copy()
    for part, truth in (("train", labels), ("t10k", np.r_[1 - labels[:1], labels[1:]])):
        (folder / part).mkdir()
        (folder / part / "train-images-idx3-ubyte").write_bytes(idx_bytes(glyphs))
        (folder / part / "train-labels-idx1-ubyte").write_bytes(idx_bytes(truth.astype(np.uint8)))
    quick = load_recipe("default").set(
        data={"train": (str(folder / "train"),), "test": (str(folder / "t10k"),), "validation": 0.2},
        model={"channels": (4, 4, 4)},
        optimization={"epochs": 6, "batch": 8, "precision": "float32"},
        augmentation={"rotate": 0.0},
    )
    quiet = Console(file=io.StringIO())
    return folder / "run", train_and_evaluate(quick, folder / "run", device="cpu", console=quiet)


def test_mistakes_are_explained_by_training_samples(finished: Finished) -> None:
    results = finished[1]
    [mistake] = results[0].explained
    assert (mistake.answer.index, mistake.answer.true, mistake.answer.read) == (0, "1", "0")
    assert mistake.against == "1"
    assert [near.label for near in mistake.neighbours] == ["0"] * 8


def test_report_shows_mistakes_and_network(finished: Finished) -> None:
    run = finished[0]
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "explained mistakes (1)" in page
    assert "the most similar training digits" in page
    assert "<td>Conv2d</td><td>4 × 14 × 14</td><td>100</td>" in page
    assert (run / "pictures" / "training.png").exists()
    model = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))["model"]
    assert model["net"][-1] == ["Linear", [2], 130]
    assert model["metrics"]["test"] == {"t10k": {"n": 60, "misses": 1}}


def test_model_file_holds_the_test_figures(finished: Finished) -> None:
    metrics = Model(finished[0] / "model.onnx").metadata["metrics"]
    assert metrics["test"] == {"t10k": {"n": 60, "misses": 1}}
    assert metrics["validation"]["n"] == 12


def test_failed_evaluation_leaves_the_model_without_test_figures(finished: Finished) -> None:
    run = finished[0]
    recipe = resumed_recipe(run).set(data={"test": ("none.npz",)}, optimization={"epochs": 1})
    with pytest.raises(DataError, match=r"none\.npz"):
        train_and_evaluate(recipe, run.parent / "failed", device="cpu", console=Console(quiet=True))
    assert "test" not in Model(run.parent / "failed" / "model.onnx").metadata["metrics"]


def test_locked_folder_is_rejected(finished: Finished) -> None:
    run = finished[0]
    with locked(run), pytest.raises(DataError, match=f"^{run}: another training writes here$"):
        train_and_evaluate(resumed_recipe(run), run)
