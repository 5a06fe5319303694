"""A worker trains what is left, and its trials end as they should."""

import csv
import itertools
import math

import pytest
from optuna.trial import TrialState

from inkwise._util.errors import DataError, InkwiseError
from inkwise.training.callbacks import Checkpoint
from inkwise.training.loop import TrainingLoop
from inkwise.tuning.trial_worker import TrialCallback, train_trials

pytestmark = pytest.mark.usefixtures("quick")


def stay(seconds):
    return False


def kill(monkeypatch, epoch):
    """Have the process end once, after the checkpoint of an epoch."""
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


def test_it_trains_every_trial_in_a_folder_of_its_own(plan, storage, tmp_path, opened):
    grid = plan("model.neurons2=4,8", "seed=0,1", sampler="grid", storage=storage)
    train_trials(grid, stay)
    trials = opened(grid).trials(TrialState.COMPLETE)
    assert [tuple(trial.params.values()) for trial in trials] == [(4, 0), (4, 1), (8, 0), (8, 1)]
    for trial in trials:
        accuracies = [
            float(row["validation_accuracy"]) for row in history(tmp_path / f"trial-{trial.number}")
        ]
        assert [trial.intermediate_values[epoch] for epoch in (1, 2, 3)] == accuracies
        assert trial.value == max(accuracies)


def test_a_killed_trial_goes_on_from_its_checkpoint(plan, tmp_path, monkeypatch, opened):
    grid = plan("seed=0,1", sampler="grid")
    kill(monkeypatch, 2)
    with pytest.raises(SystemExit):
        train_trials(grid, stay)
    assert len(opened(grid).trials(TrialState.RUNNING)) == 1
    steps = []
    monkeypatch.setattr(TrialCallback, "on_step_end", lambda self, loop: steps.append(loop.step))
    train_trials(grid, stay)
    per_epoch = 6
    assert len(steps) == (1 + 3) * per_epoch
    assert [row["epoch"] for row in history(tmp_path / "trial-0")] == ["1", "2", "3"]
    assert len(opened(grid).trials(TrialState.COMPLETE)) == len(opened(grid).trials()) == 2


def test_an_epoch_that_is_trained_twice_is_reported_once(plan, monkeypatch, opened):
    grid = plan("seed=0", sampler="grid")
    report = TrialCallback.on_epoch_end

    def dying(self, loop):
        report(self, loop)
        monkeypatch.setattr(TrialCallback, "on_epoch_end", report)
        raise SystemExit  # reported, and not yet saved

    monkeypatch.setattr(TrialCallback, "on_epoch_end", dying)
    with pytest.raises(SystemExit):
        train_trials(grid, stay)
    train_trials(grid, stay)
    (trial,) = opened(grid).trials(TrialState.COMPLETE)
    assert sorted(trial.intermediate_values) == [1, 2, 3]


def test_a_hopeless_trial_is_pruned_and_its_training_ended(plan, small, tmp_path, opened):
    # Five trials that learn come first: the median is theirs.
    space = ("optimization.lr=1e-2,1e-9", "seed=0..4")
    search = plan(*space, recipe=small.set(optimization={"epochs": 12}), sampler="grid", trials=6, prune=True)
    train_trials(search, stay)
    *five, last = opened(search).trials()
    assert {trial.state for trial in five} == {TrialState.COMPLETE}
    assert last.state == TrialState.PRUNED
    assert 1 <= len(history(tmp_path / "trial-5")) < search.recipe.optimization.epochs
    assert (tmp_path / "trial-5" / "model.onnx").exists()


def test_a_trial_that_diverges_is_done_once(plan, monkeypatch, opened):
    def break_it(self, loop):
        if loop.recipe.optimization.lr > 1:
            loop.net.head.weight.data.fill_(math.nan)

    monkeypatch.setattr(TrialCallback, "on_step_end", break_it)
    grid = plan("optimization.lr=1e-2,10", sampler="grid")
    train_trials(grid, stay)
    done, diverged = opened(grid).trials()
    assert (done.state, diverged.state) == (TrialState.COMPLETE, TrialState.PRUNED)
    assert diverged.user_attrs["diverged"] is True


def test_what_cannot_be_trained_ends_the_worker_and_is_not_lost(plan, small, tmp_path, opened):
    broken = plan("seed=0,1", recipe=small.set(data={"train": (str(tmp_path / "none.npz"),)}), sampler="grid")
    with pytest.raises(DataError, match=r"none\.npz"):
        train_trials(broken, stay)
    with pytest.raises(InkwiseError, match=r"^no net 'compct'; did you mean"):
        train_trials(plan("model.net=compct", name="nets", sampler="grid"), stay)
    assert len(opened(broken).trials(TrialState.WAITING)) == 2


def test_told_to_leave_it_leaves_its_trial_to_the_next(plan, tmp_path, opened):
    grid = plan("seed=0,1", sampler="grid")
    asked = itertools.count()
    train_trials(grid, lambda seconds: next(asked) > 10)
    assert len(opened(grid).trials(TrialState.WAITING)) == 2
    assert (tmp_path / "trial-0" / "checkpoint.pt").exists()


def test_a_trial_that_was_taken_over_and_finished_is_dropped(plan, monkeypatch, opened):
    grid = plan("seed=0", sampler="grid")
    epoch = TrainingLoop._run_epoch

    def overtaken(self):
        monkeypatch.setattr(TrainingLoop, "_run_epoch", epoch)
        queue = opened(grid)
        queue._study.tell(0, 0.125)
        epoch(self)

    monkeypatch.setattr(TrainingLoop, "_run_epoch", overtaken)
    train_trials(grid, stay)
    assert [trial.value for trial in opened(grid).trials()] == [0.125]


def test_it_waits_for_what_others_train(plan, opened):
    grid = plan("seed=0", sampler="grid")
    other = opened(grid)
    claim, waited = other.claim(), []

    def leaving(seconds):
        if seconds:
            waited.append(seconds)
            claim.lock.release()  # the other dies
        return False

    train_trials(grid, leaving)
    assert len(waited) == 1
    assert len(other.trials(TrialState.COMPLETE)) == 1
