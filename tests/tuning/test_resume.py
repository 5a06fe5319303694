"""A sweep that is killed at any moment goes on: no trial is lost, and none done twice."""

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

EPOCHS = 100


@pytest.fixture
def sweep(plan, small, storage):
    """Four trials, long enough to be killed in the middle of one."""
    recipe = small.set(optimization={"epochs": EPOCHS})
    return plan("model.neurons2=4,8", "seed=0,1", recipe=recipe, sampler="grid", storage=storage)


@pytest.fixture
def start(sweep, tmp_path):
    """Start it with two workers, as a command in a process group of its own."""
    (tmp_path / "recipe.json").write_text(json.dumps(sweep.recipe.to_dict()))
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
    command += ["--storage", sweep.storage, "--name", sweep.name, "--out", sweep.out]
    options = {"env": {**os.environ, "OMP_NUM_THREADS": "1"}, "text": True, "process_group": 0}

    def start():
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    return start


def stop_in_the_middle(process, folder):
    """Halt the command while one trial is done and another not, and give the other's checkpoint."""
    until = time.monotonic() + 300
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.05)
        os.killpg(process.pid, signal.SIGSTOP)
        if any(folder.glob("trial-*/model.onnx")):
            for path in folder.glob("trial-*/checkpoint.pt"):
                if torch.load(path, weights_only=True)["epoch"] < EPOCHS - 1:
                    return path
        os.killpg(process.pid, signal.SIGCONT)
    with suppress(ProcessLookupError):  # it has ended, and so have its workers
        os.killpg(process.pid, signal.SIGKILL)
    _, said = process.communicate()
    pytest.fail(f"no trial was in the middle of its training; the command said: {said}")


def seconds(folder):
    """What each epoch took: no two are equal."""
    with (folder / "history.csv").open() as file:
        return [float(row["seconds"]) for row in csv.DictReader(file)]


def check_whole(queue):
    """All four trials are done, each combination once, each with all its epochs."""
    trials = queue.trials()
    assert Counter(trial.state for trial in trials) == {TrialState.COMPLETE: 4}
    combinations = Counter((trial.params["model.neurons2"], trial.params["seed"]) for trial in trials)
    assert combinations == {(neurons, seed): 1 for neurons in (4, 8) for seed in (0, 1)}
    assert all(sorted(trial.intermediate_values) == [*range(1, EPOCHS + 1)] for trial in trials)


def test_killed_with_all_its_workers_it_goes_on(start, sweep, tmp_path, opened):
    with start() as process:
        checkpoint = stop_in_the_middle(process, tmp_path)
        os.killpg(process.pid, signal.SIGKILL)
    before = [row["seconds"] for row in torch.load(checkpoint, weights_only=True)["history"]]
    assert 0 < len(before) < EPOCHS
    with start() as process:
        table, said = process.communicate()
    assert process.returncode == 0, said
    assert table.count("done") == 4
    assert said.splitlines()[-1] == f"wrote {tmp_path / 'best.json'}"
    check_whole(opened(sweep))
    after = seconds(checkpoint.parent)
    assert len(after) == EPOCHS
    assert after[: len(before)] == before  # what was trained before the kill was not trained again


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
def test_ctrl_c_ends_it_in_one_line_and_it_goes_on(start, sweep, tmp_path, opened):
    with start() as process:
        stop_in_the_middle(process, tmp_path)
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGCONT)
        _, said = process.communicate()
    assert process.returncode == 1
    assert said.splitlines()[-1].endswith("of 4 trials are done; the same command goes on")
    assert "Traceback" not in said
    with start() as process:
        _, said = process.communicate()
    assert process.returncode == 0, said
    check_whole(opened(sweep))
