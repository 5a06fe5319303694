import csv
import itertools
import math
import time

import pytest
from optuna.trial import TrialState

from inkwise._util.errors import DataError, InkwiseError
from inkwise.training.callbacks import Checkpoint
from inkwise.training.loop import TrainingLoop
from inkwise.tuning.trial_worker import TrialCallback, train_trials

pytestmark = pytest.mark.usefixtures("without_export", "short_grace_period")


def wait(seconds):
    time.sleep(seconds)
    return False


def kill(monkeypatch, epoch):
    """End the process once, after the checkpoint of an epoch."""
    save = Checkpoint.on_epoch_end

    def dying(self, loop):
        save(self, loop)
        if loop.epoch == epoch:
            monkeypatch.setattr(Checkpoint, "on_epoch_end", save)
            raise SystemExit

    monkeypatch.setattr(Checkpoint, "on_epoch_end", dying)


def history(folder):
    with (folder / "history.csv").open() as file:
        return [*csv.DictReader(file)]


def test_train_trials_uses_a_folder_per_trial(plan, storage, tmp_path, opened):
    grid = plan("model.neurons2=4,8", "seed=0,1", sampler="grid", storage=storage)
    train_trials(grid, wait)
    trials = opened(grid).trials(TrialState.COMPLETE)
    assert [tuple(trial.params.values()) for trial in trials] == [(4, 0), (4, 1), (8, 0), (8, 1)]
    for trial in trials:
        accuracies = [
            float(row["validation_accuracy"]) for row in history(tmp_path / f"trial-{trial.number}")
        ]
        assert [trial.intermediate_values[epoch] for epoch in (1, 2, 3)] == accuracies
        assert trial.value == max(accuracies)


def test_train_trials_resumes_killed_trial_from_checkpoint(plan, tmp_path, monkeypatch, opened):
    grid = plan("seed=0,1", sampler="grid")
    kill(monkeypatch, 2)
    with pytest.raises(SystemExit):
        train_trials(grid, wait)
    assert len(opened(grid).trials(TrialState.RUNNING)) == 1
    steps = []
    monkeypatch.setattr(TrialCallback, "on_step_end", lambda self, loop: steps.append(loop.step))
    train_trials(grid, wait)
    per_epoch = 6
    assert len(steps) == (1 + 3) * per_epoch
    assert [row["epoch"] for row in history(tmp_path / "trial-0")] == ["1", "2", "3"]
    assert len(opened(grid).trials(TrialState.COMPLETE)) == len(opened(grid).trials()) == 2


def test_callback_reports_repeated_epoch_once(plan, monkeypatch, opened):
    grid = plan("seed=0", sampler="grid")
    report = TrialCallback.on_epoch_end

    def dying(self, loop):
        report(self, loop)
        monkeypatch.setattr(TrialCallback, "on_epoch_end", report)
        raise SystemExit  # after the report, before the checkpoint

    monkeypatch.setattr(TrialCallback, "on_epoch_end", dying)
    with pytest.raises(SystemExit):
        train_trials(grid, wait)
    train_trials(grid, wait)
    (trial,) = opened(grid).trials(TrialState.COMPLETE)
    assert sorted(trial.intermediate_values) == [1, 2, 3]


def test_train_trials_stops_pruned_trial(plan, small, tmp_path, opened):
    # the median pruner needs five complete trials
    space = ("optimization.lr=1e-2,1e-9", "seed=0..4")
    search = plan(*space, recipe=small.set(optimization={"epochs": 6}), sampler="grid", trials=6, prune=True)
    train_trials(search, wait)
    *five, last = opened(search).trials()
    assert {trial.state for trial in five} == {TrialState.COMPLETE}
    assert last.state == TrialState.PRUNED
    assert 1 <= len(history(tmp_path / "trial-5")) < search.recipe.optimization.epochs
    assert (tmp_path / "trial-5" / "model.onnx").exists()


def test_train_trials_does_not_retry_diverged_trial(plan, monkeypatch, opened):
    def break_it(self, loop):
        if loop.recipe.optimization.lr > 1:
            loop.net.head.weight.data.fill_(math.nan)

    monkeypatch.setattr(TrialCallback, "on_step_end", break_it)
    grid = plan("optimization.lr=1e-2,10", sampler="grid")
    train_trials(grid, wait)
    done, diverged = opened(grid).trials()
    assert (done.state, diverged.state) == (TrialState.COMPLETE, TrialState.PRUNED)
    assert diverged.user_attrs["diverged"] is True


def test_train_trials_keeps_trial_that_cannot_be_trained(plan, small, tmp_path, opened):
    broken = plan("seed=0,1", recipe=small.set(data={"train": (str(tmp_path / "none.npz"),)}), sampler="grid")
    with pytest.raises(DataError, match=r"none\.npz"):
        train_trials(broken, wait)
    with pytest.raises(InkwiseError, match=r"^no net 'compct'; did you mean"):
        train_trials(plan("model.net=compct", name="nets", sampler="grid"), wait)
    assert len(opened(broken).trials(TrialState.WAITING)) == 2


def test_train_trials_releases_trial_when_stopped(plan, tmp_path, opened):
    grid = plan("seed=0,1", sampler="grid")
    calls = itertools.count()
    train_trials(grid, lambda seconds: next(calls) > 10)
    assert len(opened(grid).trials(TrialState.WAITING)) == 2
    assert (tmp_path / "trial-0" / "checkpoint.pt").exists()


def test_train_trials_drops_trial_finished_by_another_process(plan, monkeypatch, opened):
    grid = plan("seed=0", sampler="grid")
    epoch = TrainingLoop._run_epoch

    def overtaken(self):
        monkeypatch.setattr(TrainingLoop, "_run_epoch", epoch)
        opened(grid)._study.tell(0, 0.125)
        epoch(self)

    monkeypatch.setattr(TrainingLoop, "_run_epoch", overtaken)
    train_trials(grid, wait)
    assert [trial.value for trial in opened(grid).trials()] == [0.125]


def test_train_trials_waits_for_running_trials(plan, opened):
    grid = plan("seed=0", sampler="grid")
    other = opened(grid)
    other.claim()
    waits = []
    train_trials(grid, lambda seconds: waits.append(seconds) or wait(seconds))
    assert any(waits)  # until the heartbeat of the other process is too old
    assert len(other.trials(TrialState.COMPLETE)) == 1


def test_train_trials_reports_run_folder_that_cannot_be_locked(plan, tmp_path, opened):
    (tmp_path / "trial-0" / ".attempt.lock").mkdir(parents=True)
    grid = plan("seed=0", sampler="grid")
    with pytest.raises(DataError, match="/trial-0/attempt: cannot be written"):
        train_trials(grid, wait)
    assert len(opened(grid).trials(TrialState.WAITING)) == 1
