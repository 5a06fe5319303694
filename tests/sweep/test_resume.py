"""A sweep that is killed at any moment goes on: no trial is lost, and none done twice."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import torch
from optuna.trial import TrialState

SPACE = ("neurons2=4,8", "seed=0,1,2")


@pytest.fixture
def start(small, storage, tmp_path):
    """Start the sweep of six trials with two workers, as a command in a process group of its own."""
    keys = [f"{key}={getattr(small, key)}" for key in ("validation", "neurons1", "batch", "lr", "precision")]
    keys += [f"data={small.data[0]}", "test=", "epochs=150"]
    command = [Path(sys.executable).with_name("inkwise"), "sweep", "mlp-50", "--sampler", "grid"]
    command += [word for text in SPACE for word in ("--space", text)]
    command += [word for key in keys for word in ("--set", key)]
    command += [
        "--workers",
        "2",
        "--storage",
        storage,
        "--name",
        "bars",
        "--out",
        tmp_path,
        "--device",
        "cpu",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def start():
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            process_group=0,
        )

    return start


def begun(folder):
    """The checkpoint of a run in the middle of its training, as soon as one trial is done and one is not."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        done = {path.parent for path in folder.glob("trial-*/model.onnx")}
        running = [path for path in folder.glob("trial-*/checkpoint.pt") if path.parent not in done]
        if done and running:
            return running[0]
        time.sleep(0.02)
    pytest.fail("no trial began")


def epochs(folder):
    with (folder / "history.csv").open() as file:
        return [float(row["seconds"]) for row in csv.DictReader(file)]


def check_whole(queue):
    """All six trials are done, each combination once."""
    trials = queue.trials()
    assert Counter(trial.state for trial in trials) == {TrialState.COMPLETE: 6}
    combinations = Counter((trial.params["neurons2"], trial.params["seed"]) for trial in trials)
    assert combinations == {(neurons, seed): 1 for neurons in (4, 8) for seed in (0, 1, 2)}
    assert all([*trial.intermediate_values] == [*range(1, 151)] for trial in trials)


def test_killed_with_all_its_workers_it_goes_on(start, plan, small, storage, tmp_path, opened):
    with start() as process:
        checkpoint = begun(tmp_path)
        os.killpg(process.pid, signal.SIGKILL)
    before = [row["seconds"] for row in torch.load(checkpoint, weights_only=True)["history"]]
    with start() as process:
        table, said = process.communicate()
    assert process.returncode == 0, said
    assert "100.00%" in table
    assert f"wrote {tmp_path / 'best.json'}" in said
    recipe = small.set(epochs=150)
    check_whole(opened(plan(*SPACE, recipe=recipe, sampler="grid", storage=storage)))
    after = epochs(checkpoint.parent)
    assert len(after) == 150
    assert after[: len(before)] == before  # the epochs before the kill were not trained again


def test_ctrl_c_ends_it_in_one_line_and_it_goes_on(start, plan, small, storage, tmp_path, opened):
    with start() as process:
        begun(tmp_path)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 1
    assert said.splitlines()[-1].endswith("of 6 trials are done; the same command goes on")
    assert "Traceback" not in said
    queue = opened(plan(*SPACE, recipe=small.set(epochs=150), sampler="grid", storage=storage))
    assert queue.trials(TrialState.RUNNING) == []
    with start() as process:
        _, said = process.communicate()
    assert process.returncode == 0, said
    check_whole(queue)
