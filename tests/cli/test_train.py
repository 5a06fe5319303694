"""`inkwise train`, `ensemble`, `sweep` and `reproduce`: from data of any 28x28 classes to models."""

import csv
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import inkwise.training
import inkwise.tuning  # noqa: F401 (the commands need both)
from inkwise.datasets.idx import idx_bytes
from inkwise.preprocessing import strokes_to_glyph
from inkwise.reproduction import experiments

SHAPES = {
    "A": [[(0, 90), (30, 0), (60, 90)], [(12, 55), (48, 55)]],
    "B": [[(0, 0), (0, 90), (40, 70), (0, 45), (40, 20), (0, 0)]],
    "€": [[(60, 10), (20, 20), (20, 70), (60, 80)], [(0, 35), (45, 35)], [(0, 55), (45, 55)]],
}
QUICK = (
    "model.channels=4,4,8",
    "optimization.epochs=20",
    "optimization.batch=16",
    "optimization.lr=0.02",
    "data.validation=0.25",
    "optimization.precision=float32",
)
SET = [part for change in QUICK for part in ("--set", change)]


@pytest.fixture(scope="session")
def letters():
    """60 glyphs (60, 28, 28) with jitter and their labels (60,)."""
    rng = np.random.default_rng(0)
    labels = np.array(list(SHAPES) * 20)
    glyphs = [
        strokes_to_glyph([np.array(stroke) + rng.normal(0, 3, (len(stroke), 2)) for stroke in SHAPES[label]])
        for label in labels.tolist()
    ]
    return np.stack(glyphs), labels


def write_csv(path, letters):
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["label", *(f"pixel{number}" for number in range(784))])
        rows.writerows([label, *glyph.ravel().tolist()] for glyph, label in zip(*letters, strict=True))
    return path


def write_npz(path, letters):
    np.savez(path, images=letters[0], labels=letters[1])
    return path


def write_folder(path, letters):
    for number, (glyph, label) in enumerate(zip(*letters, strict=True)):
        (path / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(glyph).resize((84, 84)).save(path / label / f"{number}.png")
    return path


def metadata_of(report):
    return json.loads((report / "evaluation.json").read_text())["model"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("write", "name"), [(write_csv, "train.csv"), (write_npz, "train.npz"), (write_folder, "train")]
)
def test_train_and_evaluate_letters(inkwise, letters, tmp_path, write, name):
    source, run = write(tmp_path / name, letters), tmp_path / "run"

    status, out, _ = inkwise("train", "--data", source, *SET, "--out", run)
    assert (status, out) == (0, "no test set was evaluated: the recipe names none (--set data.test=SET,..)\n")
    assert (run / "report.html").exists()
    assert metadata_of(run)["labels"] == ["A", "B", "€"]
    assert metadata_of(run)["metrics"]["test"] == {}

    status, out, _ = inkwise("evaluate", run, "--on", source, "--json")
    (result,) = json.loads(out)["sets"]
    assert (status, result["n"]) == (0, 60)
    assert result["misses"] < 30


@pytest.mark.slow
def test_train_from_recipe_file_then_fine_tune_ensemble_and_predict(inkwise, letters, tmp_path):
    source = write_csv(tmp_path / "train.csv", letters)
    (tmp_path / "best.json").write_text(json.dumps({"recipe": "default", "seed": 5}))
    first, second = tmp_path / "first", tmp_path / "second"
    inkwise(
        "train",
        tmp_path / "best.json",
        "--data",
        source,
        *SET,
        "--set",
        f"data.test={source}",
        "--out",
        first,
    )
    assert json.loads((first / "recipe.json").read_text())["recipe"]["seed"] == 5
    assert metadata_of(first)["metrics"]["test"]["train.csv"]["n"] == 60

    status, _, err = inkwise(
        "train",
        "--data",
        source,
        "--init",
        first,
        *SET,
        "--set",
        "optimization.layer_decay=0",
        "--out",
        second,
    )
    assert status == 0, err
    assert f"model.init={first}" in err
    assert metadata_of(second)["recipe"]["model"]["init"] == str(first)

    joined = tmp_path / "joined.onnx"
    status, out, _ = inkwise("ensemble", first, second, "--out", joined)
    assert (status, out[: len(f"wrote {joined}: ensemble of 2: default (")]) == (
        0,
        f"wrote {joined}: ensemble of 2: default (",
    )
    status, out, _ = inkwise("evaluate", joined, "--on", source, "--json", "--out", tmp_path / "report")
    assert (status, json.loads(out)["sets"][0]["n"]) == (0, 60)
    Image.fromarray(letters[0][0]).resize((84, 84)).save(tmp_path / "a.png")
    status, out, _ = inkwise("read", "--expect", "digit", tmp_path / "a.png", "--model", joined)
    assert json.loads(out)["numbers"][0]["digits"][0]["label"] in SHAPES
    assert inkwise("predict", source, "--submission", tmp_path / "out.csv", "--model", joined)[0] == 0
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 61


@pytest.mark.slow
def test_train_distills_from_a_teacher(inkwise, letters, tmp_path):
    source, teacher, student = (tmp_path / name for name in ("train.npz", "teacher", "student"))
    train = ("train", "--data", write_npz(source, letters), *SET, "--set", "optimization.epochs=3")
    inkwise(*train, "--out", teacher)

    status, _, err = inkwise(
        *train,
        "--set",
        f"optimization.teachers={teacher}",
        "--set",
        "optimization.distillation_weight=0.9",
        "--out",
        student,
    )
    assert status == 0, err
    assert metadata_of(student)["recipe"]["optimization"]["teachers"] == [str(teacher)]
    assert metadata_of(student)["recipe"]["optimization"]["distillation_weight"] == 0.9

    status, out, err = inkwise(*train, "--set", "optimization.teachers=default", "--out", tmp_path / "other")
    assert (status, out) == (1, "")
    assert err.splitlines()[-1].startswith("inkwise: default cannot teach: its classes are 0, 1, 2, ")
    assert err.splitlines()[-1].endswith("; those to learn are A, B, €")


def test_train_finds_test_set_of_idx_folder(inkwise, letters, tmp_path):
    classes = np.unique(letters[1], return_inverse=True)[1].astype(np.uint8)
    for part in ("train", "t10k"):
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(letters[0]))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(classes))
    status, out, _ = inkwise("train", "--data", tmp_path, *SET, "--out", tmp_path / "run")
    assert status == 0
    assert f"{tmp_path.name}/t10k" in out
    recipe = json.loads((tmp_path / "run" / "recipe.json").read_text())["recipe"]
    assert (recipe["data"]["train"], recipe["data"]["test"]) == (
        [str(tmp_path / "train")],
        [str(tmp_path / "t10k")],
    )


@pytest.mark.slow
def test_train_rejects_folder_of_running_training_and_resumes_after_kill(bars_folder, tmp_path):
    folder = tmp_path / "run"
    inkwise = Path(sys.executable).with_name("inkwise")
    changes = [
        "data.test=",
        "data.validation=0.2",
        "optimization.epochs=20",
        "optimization.batch=8",
        "optimization.precision=float32",
    ]
    command = [inkwise, "train", "mlp-50", "--data", bars_folder, "--out", folder, "--device", "cpu"]
    command += [part for change in changes for part in ("--set", change)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as first:
        while not (folder / "checkpoint.pt").exists():
            assert first.poll() is None
            time.sleep(0.05)
        first.send_signal(signal.SIGSTOP)
        try:
            before = sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())
            for again in (command, [inkwise, "train", "--resume", folder]):
                second = subprocess.run(again, capture_output=True, text=True)
                error = f"inkwise: {folder}: another training writes here\n"
                assert (second.returncode, second.stderr) == (1, error)
            assert sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir()) == before
        finally:
            first.kill()
    last = subprocess.run([inkwise, "train", "--resume", folder], capture_output=True, text=True)
    assert last.returncode == 0, last.stderr
    with (folder / "history.csv").open() as file:
        assert [int(row["epoch"]) for row in csv.DictReader(file)] == [*range(1, 21)]
    assert not (folder / ".lock").exists()


@pytest.fixture
def sweep(inkwise, bars_folder, tmp_path, monkeypatch):
    """Run `inkwise sweep` on a small net and the bars data set, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    keys = [
        f"data.train={bars_folder}",
        "data.test=",
        "data.validation=0.2",
        "optimization.epochs=2",
        "optimization.precision=float32",
        "model.neurons1=8",
    ]
    settings = [word for key in keys for word in ("--set", key)]
    return lambda *words: inkwise("sweep", "mlp-50", *settings, "--device", "cpu", *words)


@pytest.mark.slow
def test_sweep_writes_best_recipe_and_resumes(sweep):
    search = ("--space", "model.neurons2=0..8", "--space", "optimization.lr=1e-3..1e-1")
    search += ("--trials", "2", "--prune")
    status, out, err = sweep(*search)
    assert status == 0, err
    assert [line.split()[1] for line in out.splitlines()] == ["state", "done", "done"]
    assert err.splitlines()[-1] == "wrote runs/sweep-mlp-50/best.json"
    folder = Path("runs/sweep-mlp-50")
    best = json.loads((folder / "best.json").read_text())
    assert (best["recipe"], best["optimization"]["epochs"]) == ("mlp-50", 2)
    assert (folder / "sweep.db").exists()
    assert (folder / "trial-1/model.onnx").exists()
    assert sweep(*search)[:2] == (0, out)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--space", "model.neuron2=25"], r"recipe mlp-50 has no key 'model.neuron2'; did you mean"),
        (["--space", "optimization.lr=1..1"], r"--space optimization\.lr=1\.\.1: an empty range"),
        (["--space", "seed=0", "--trials", "1", "--sampler", "best"], "no sampler 'best'"),
        (["--space", "seed=0"], "--trials is needed"),
        (["--space", "seed=0,1", "--sampler", "grid", "--set", "data.train=none.npz"], r"none\.npz"),
        (
            ["--space", "seed=0", "--trials", "1", "--storage", "postgresql://me:secret@127.0.0.1:1/all"],
            r"postgresql://me:\*\*\*@127\.0\.0\.1:1/all: connection",
        ),
    ],
)
def test_sweep_reports_bad_input_in_one_line(sweep, words, message):
    status, out, err = sweep(*words)
    assert (status, out) == (1, "")
    assert re.search(f"^inkwise: .*{message}", err.splitlines()[-1])


def test_reproduce_suggests_close_names(inkwise_fails, tmp_path):
    error = inkwise_fails("reproduce", "lenet-dropuot", "--quick", "--out", tmp_path)
    assert error.startswith("no experiment 'lenet-dropuot'; did you mean lenet-dropout")


@pytest.mark.parametrize(
    ("arguments", "page"),
    [
        (["all"], "docs/papers.md"),
        (["cnn-small", "--out", "runs"], "runs/papers.md"),
        (["cnn-small", "--page", "mine.md"], "mine.md"),
    ],
)
def test_reproduce_of_some_rows_keeps_the_page_of_all(inkwise, monkeypatch, arguments, page):
    written = []
    monkeypatch.setattr(experiments, "reproduce", lambda *given: written.append(given[3]))
    assert inkwise("reproduce", *arguments)[0] == 0
    assert written == [Path(page)]


@pytest.mark.network
def test_reproduce_quick_checks_every_system(inkwise, tmp_path):
    status, out, _ = inkwise("reproduce", "all", "--quick", "--out", tmp_path)
    assert status == 0
    assert len(out.splitlines()) == 8
