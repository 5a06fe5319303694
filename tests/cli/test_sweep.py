import json

import pytest
from typer.testing import CliRunner

import inkwise.tuning  # noqa: F401 (the command needs it)
from inkwise._util.errors import InkwiseError
from inkwise.cli import app


@pytest.fixture
def run(bars_folder, tmp_path, monkeypatch):
    """run("--space", ..) searches with a small net on bars, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        keys = [
            f"data.train={bars_folder}",
            "data.test=",
            "data.validation=0.2",
            "optimization.epochs=2",
            "optimization.precision=float32",
            "model.neurons1=8",
        ]
        settings = [word for key in keys for word in ("--set", key)]
        return CliRunner().invoke(app, ["sweep", "mlp-50", *settings, "--device", "cpu", *words])

    return run


@pytest.mark.slow
def test_sweep_writes_results_and_repeats_without_training(run, tmp_path):
    search = (
        "--space",
        "model.neurons2=0..8",
        "--space",
        "optimization.lr=1e-3..1e-1",
        "--trials",
        "2",
        "--prune",
    )
    result = run(*search)
    assert result.exit_code == 0, result.output
    assert [line.split()[1] for line in result.stdout.splitlines()] == ["state", "done", "done"]
    assert result.stderr.splitlines()[-1] == "wrote runs/sweep-mlp-50/best.json"
    best = json.loads((tmp_path / "runs/sweep-mlp-50/best.json").read_text())
    assert (best["recipe"], best["optimization"]["epochs"]) == ("mlp-50", 2)
    assert (tmp_path / "runs/sweep-mlp-50/sweep.db").exists()
    assert (tmp_path / "runs/sweep-mlp-50/trial-1/model.onnx").exists()

    again = run(*search)
    assert again.exit_code == 0
    assert again.stdout == result.stdout


def test_sweep_reports_error_of_worker(run):
    result = run("--space", "seed=0,1", "--sampler", "grid", "--set", "data.train=none.npz")
    assert isinstance(result.exception, InkwiseError)
    assert "none.npz" in str(result.exception)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--space", "model.neuron2=25"], r"recipe mlp-50 has no key 'model.neuron2'; did you mean"),
        (["--space", "optimization.lr=1..1"], r"--space optimization\.lr=1\.\.1: an empty range"),
        (["--space", "seed=0", "--trials", "1", "--sampler", "best"], "no sampler 'best'"),
        (["--space", "seed=0"], "--trials is needed"),
        (
            ["--space", "seed=0", "--trials", "1", "--storage", "postgresql://me:secret@127.0.0.1:1/all"],
            r"postgresql://me:\*\*\*@127\.0\.0\.1:1/all: connection",
        ),
    ],
)
def test_sweep_reports_bad_input_in_one_line(run, words, message):
    result = run(*words)
    assert isinstance(result.exception, InkwiseError)  # `main` prints it, and exits with 1
    assert "\n" not in str(result.exception)
    with pytest.raises(InkwiseError, match=message):
        raise result.exception
