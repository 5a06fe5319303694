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
from inkwise.evaluation import EvaluationResult, evaluate_run
from inkwise.training import load_recipe, train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training on bars that stand (1) or lie (0), to be tested on them with one label wrong."""
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
        data=(str(folder / "train"),),
        test=(str(folder / "t10k"),),
        channels=(4, 4, 4),
        epochs=6,
        batch=8,
        validation=0.2,
        rotate=0.0,
        precision="float32",
    )
    train(quick, folder / "run", device="cpu", console=Console(file=io.StringIO()))
    return folder / "run"


@pytest.fixture(scope="module")
def results(run: Path) -> list[EvaluationResult]:
    return evaluate_run(run)


def test_the_mistakes_are_explained_by_what_was_trained_on(results: list[EvaluationResult]) -> None:
    [mistake] = results[0].explained
    assert (mistake.answer.index, mistake.answer.true, mistake.answer.read) == (0, "1", "0")
    assert mistake.against == "1"
    assert [near.label for near in mistake.neighbours] == ["0"] * 8


def test_the_report_shows_them_and_the_net(run: Path, results: list[EvaluationResult]) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "explained mistakes (1)" in page
    assert "the most similar training digits" in page
    assert "<td>Conv2d</td><td>4 × 14 × 14</td><td>100</td>" in page
    assert (run / "pictures" / "training.png").exists()
    model = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))["model"]
    assert model["net"][-1] == ["Linear", [2], 130]
    assert model["metrics"]["test"] == {"t10k": {"n": 60, "misses": 1}}


def test_a_folder_that_is_trained_in_is_left_alone(run: Path) -> None:
    with locked(run), pytest.raises(DataError, match=f"^{run}: another training writes here$"):
        evaluate_run(run)
