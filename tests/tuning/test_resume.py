"""A killed search resumes: no trial is lost, and none is done twice."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from optuna.trial import TrialState

pytestmark = pytest.mark.slow

EPOCHS = 100


@pytest.fixture
def search(plan, small, storage):
    """Four trials, long enough to be killed during one."""
    recipe = small.set(optimization={"epochs": EPOCHS})
    return plan("model.neurons2=4,8", "seed=0,1", recipe=recipe, sampler="grid", storage=storage)


@pytest.fixture
def start(search, tmp_path):
    """Start the command with two workers in a process group of its own."""
    (tmp_path / "recipe.json").write_text(json.dumps(search.recipe.to_dict()))
    command = [Path(sys.executable).with_name("inkwise"), "sweep", tmp_path / "recipe.json", "--workers", "2"]
    command += [
        "--space",
        "model.neurons2=4,8",
        "--space",
        "seed=0,1",
        "--sampler",
        "grid",
        "--device",
        "cpu",
    ]
    command += ["--storage", search.storage, "--name", search.name, "--out", search.out]
    options = {"env": {**os.environ, "OMP_NUM_THREADS": "1"}, "text": True, "process_group": 0}

    def start():
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    return start


def stop_during_trial(process, folder):
    """Halt the command while one trial is done and another is not; return the checkpoint of the latter."""
    until = time.monotonic() + 300
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.05)
        os.killpg(process.pid, signal.SIGSTOP)
        if any(folder.glob("trial-*/model.onnx")):
            for path in folder.glob("trial-*/checkpoint.pt"):
                if torch.load(path, weights_only=True)["epoch"] < EPOCHS - 1:
                    return path
        os.killpg(process.pid, signal.SIGCONT)
    with suppress(ProcessLookupError):  # the command has ended
        os.killpg(process.pid, signal.SIGKILL)
    _, stderr = process.communicate()
    pytest.fail(f"the command ended before it could be stopped: {stderr}")


def seconds(folder):
    """Training time of each epoch; no two are equal."""
    with (folder / "history.csv").open() as file:
        return [float(row["seconds"]) for row in csv.DictReader(file)]


def check_complete(study):
    """All four trials are complete, each combination once, each with all its epochs."""
    trials = study.trials()
    assert Counter(trial.state for trial in trials) == {TrialState.COMPLETE: 4}
    combinations = Counter((trial.params["model.neurons2"], trial.params["seed"]) for trial in trials)
    assert combinations == {(neurons, seed): 1 for neurons in (4, 8) for seed in (0, 1)}
    assert all(sorted(trial.intermediate_values) == [*range(1, EPOCHS + 1)] for trial in trials)


def test_search_resumes_after_kill(start, search, tmp_path, opened):
    with start() as process:
        checkpoint = stop_during_trial(process, tmp_path)
        os.killpg(process.pid, signal.SIGKILL)
    before = [row["seconds"] for row in torch.load(checkpoint, weights_only=True)["history"]]
    assert 0 < len(before) < EPOCHS
    with start() as process:
        stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert stdout.count("done") == 4
    assert stderr.splitlines()[-1] == f"wrote {tmp_path / 'best.json'}"
    check_complete(opened(search))
    after = seconds(checkpoint.parent)
    assert len(after) == EPOCHS
    assert after[: len(before)] == before  # earlier epochs are not trained again


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
def test_search_resumes_after_ctrl_c(start, search, tmp_path, opened):
    with start() as process:
        stop_during_trial(process, tmp_path)
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGCONT)
        _, stderr = process.communicate()
    assert process.returncode == 1
    assert stderr.splitlines()[-1].endswith("of 4 trials are done; rerun the same command to resume")
    assert "Traceback" not in stderr
    with start() as process:
        _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    check_complete(opened(search))
