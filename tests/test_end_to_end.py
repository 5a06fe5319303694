"""End to end: fetch MNIST, train for seconds, evaluate, read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

INKWISE = Path(sys.executable).with_name("inkwise")


@pytest.mark.network
def test_short_training_reaches_the_accuracy_floor(tmp_path, seven):
    run = tmp_path / "run"
    done = subprocess.run(
        [INKWISE, "train", "--set", "optimization.epochs=1", "--out", run],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (result,) = json.loads((run / "evaluation.json").read_text())["sets"]
    assert result["n"] == 10_000
    # An accuracy of 1 would mean that test data leaked into the training.
    assert 0.985 <= result["accuracy"] < 1
    assert {path.name for path in run.iterdir()} >= {
        "recipe.json",
        "history.csv",
        "weights.safetensors",
        "model.onnx",
        "report.html",
        "pictures",
    }
    from PIL import Image

    Image.fromarray(seven).save(tmp_path / "seven.png")
    read = subprocess.run(
        [INKWISE, "read", tmp_path / "seven.png", "--model", run / "model.onnx"],
        capture_output=True,
        check=True,
    )
    assert json.loads(read.stdout)["text"] == "7"
