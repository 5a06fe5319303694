import sqlite3
import time
from dataclasses import replace

import pytest
from optuna import create_study
from optuna.trial import TrialState
from sqlalchemy import make_url

from inkwise._util.errors import DataError, InkwiseError, StoreError
from inkwise.tuning.shared_study import trial_number


def numbers(study, *states):
    return [trial_number(trial) for trial in study.trials(*states)]


def claim_when_stale(study):
    """The next trial; waits for the grace period of a trial whose process is gone."""
    deadline = time.monotonic() + 60
    while (claim := study.claim()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return claim


@pytest.fixture
def grid(plan, storage):
    """Four trials, on each kind of storage."""
    return plan("model.neurons2=4,8", "seed=0,1", sampler="grid", storage=storage)


def test_claim_returns_each_trial_once(grid, opened):
    claims = [opened(grid).claim() for _ in range(5)]
    assert claims.pop() is None
    assert [tuple(claim.values.values()) for claim in claims] == [(4, 0), (4, 1), (8, 0), (8, 1)]
    assert [claim.folder.name for claim in claims] == ["trial-0", "trial-1", "trial-2", "trial-3"]


def test_finish_stores_accuracy_and_attributes(grid, opened):
    study = opened(grid)
    for accuracy in (0.5, 0.75, None, 0.25):
        study.finish(study.claim(), accuracy, seconds=1.5)
    assert study.finished()
    assert study.claim() is None
    assert numbers(study, TrialState.PRUNED) == [2]
    assert [trial.value for trial in study.trials(TrialState.COMPLETE)] == [0.5, 0.75, 0.25]
    assert {trial.user_attrs["seconds"] for trial in study.trials()} == {1.5}


def test_claim_retries_trial_of_dead_process(grid, opened, short_grace_period):
    lost = opened(grid).claim()
    lost.trial.report(0.5, 1)
    other = opened(grid)
    for number in (1, 2, 3):
        claim = other.claim()
        assert claim.trial.number == number
        other.finish(claim, 0.25)
    retry = claim_when_stale(other)
    assert (retry.values, retry.folder, retry.reported) == (lost.values, lost.folder, {1})
    assert numbers(other, TrialState.RUNNING) == [0]
    assert len(other.trials()) == 4

    other.finish(lost, 0.25)  # the process was alive after all; its trial belongs to another one now
    assert numbers(other, TrialState.RUNNING) == [0]
    other.finish(retry, 0.5)
    assert [trial.value for trial in other.trials(TrialState.COMPLETE)] == [0.5, 0.25, 0.25, 0.25]


@pytest.mark.slow
def test_claim_keeps_trial_with_heartbeat(plan, storage, opened, short_grace_period):
    one = plan("seed=0", sampler="grid", storage=storage)
    study, other = opened(one), opened(one)
    with study.storage.heartbeat(study.claim().id):
        time.sleep(4)
        assert other.claim() is None
    assert trial_number(claim_when_stale(other).trial._cached_frozen_trial) == 0


def test_claim_retries_trial_that_failed_without_retry(grid, opened):
    study = opened(grid)
    study._study.tell(
        study.claim().trial.number, state=TrialState.FAIL
    )  # killed before its retry was enqueued
    assert not study.finished()
    assert opened(grid).claim().folder.name == "trial-0"


def test_claim_marked_before_kill_stays_waiting(grid, opened):
    study = opened(grid)
    study.storage.optuna.record_heartbeat(study.claim().id + 1)  # killed before the trial was running
    assert opened(grid).claim().trial.number == 1


def test_released_trial_is_next(grid, opened):
    study = opened(grid)
    study.release(study.claim())
    assert numbers(study, TrialState.WAITING) == [0, 1, 2, 3]
    assert study.claim().folder.name == "trial-0"
    assert study.claim().folder.name == "trial-1"


def test_study_adds_trials_and_removes_none(plan, opened):
    random = plan("optimization.lr=1e-4..1e-2", sampler="random", trials=2)
    assert len(opened(random).trials()) == 2
    assert len(opened(replace(random, trials=5)).trials()) == 5
    assert len(opened(random).trials()) == 5


def test_study_completes_partial_grid(plan, opened):
    grid = plan("seed=0..3", sampler="grid")
    assert len(opened(replace(grid, trials=3)).trials()) == 3
    study = opened(grid)
    claims = [study.claim() for _ in range(4)]
    assert [claim.values["seed"] for claim in claims] == [0, 1, 2, 3]


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_samplers_are_reproducible(plan, tmp_path, sampler, opened):
    def draw(storage):
        space = ("optimization.lr=1e-4..1e-2", "model.neurons2=4..8")
        study = opened(plan(*space, sampler=sampler, trials=12, storage=str(tmp_path / storage)))
        drawn = []
        for _ in range(12):
            claim = study.claim()
            drawn.append((claim.values["optimization.lr"], claim.values["model.neurons2"]))
            study.finish(claim, claim.values["optimization.lr"])
        return drawn

    drawn = draw("a.journal")
    assert draw("b.journal") == drawn
    assert len(set(drawn)) == 12


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"sampler": "random"}, "sampler"),
        ({"space": ["seed=0,1"]}, "space"),
        ({"recipe": ["optimization.epochs=4"]}, "recipe"),
    ],
)
def test_study_rejects_other_settings(plan, small, change, what, opened):
    opened(plan("seed=0", sampler="grid"))
    recipe = small.set_text(change.get("recipe", []))
    space, sampler = change.get("space", ["seed=0"]), change.get("sampler", "grid")
    other = plan(*space, recipe=recipe, sampler=sampler, trials=1)
    message = rf"sweep\.db: search bars belongs to another {what}; choose another --name$"
    with pytest.raises(InkwiseError, match=message):
        opened(other)
    opened(replace(other, name="other"))


def test_study_rejects_trials_of_another_program(plan, tmp_path, opened):
    create_study(storage=f"sqlite:///{tmp_path / 'sweep.db'}", study_name="bars").enqueue_trial({})
    with pytest.raises(InkwiseError, match="belongs to another program"):
        opened(plan("seed=0", sampler="grid"))


def test_study_rejects_missing_number_of_trials_and_unknown_sampler(plan, opened):
    with pytest.raises(InkwiseError, match=r"^--trials is needed with sampler tpe"):
        opened(plan("seed=0,1"))
    with pytest.raises(InkwiseError, match=r"^no sampler 'gird'; did you mean grid\?$"):
        opened(plan("seed=0,1", sampler="gird"))


@pytest.mark.parametrize(
    ("storage", "message"),
    [
        ("postgresql://me:secret@127.0.0.1:1/all", r"^postgresql://me:\*\*\*@127\.0\.0\.1:1/all: connection"),
        (
            "mysql://me:secret@host/all",
            r"^the database must be sqlite:///FILE or postgresql://USER@HOST/NAME$",
        ),
        ("{folder}/text/sweep.db", r"/text: cannot be made \(File exists\)$"),
        ("{folder}/text/sweep.journal", r"/text: cannot be made \(File exists\)$"),
        ("{folder}/text", r"/text: file is not a database$"),
        ("{folder}/text.journal", r"/text\.journal: not a storage of this Optuna version"),
    ],
)
def test_storage_reports_unusable_location(plan, tmp_path, storage, message, opened):
    for name in ("text", "text.journal"):
        (tmp_path / name).write_text("no trials here\n" * 100)
    with pytest.raises(InkwiseError, match=message) as caught:
        opened(plan("seed=0", sampler="grid", storage=storage.format(folder=tmp_path)))
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("storage", ["", ":memory:", "sqlite://", "sqlite:///:memory:"])
def test_storage_rejects_memory(plan, storage, opened):
    with pytest.raises(StoreError, match=r"^the (storage|database) must be "):
        opened(plan("seed=0", sampler="grid", storage=storage))


def test_claim_reports_unusable_run_folder(plan, tmp_path, opened):
    (tmp_path / "trial-0").write_text("a file in place of the folder")
    study = opened(plan("seed=0", sampler="grid"))
    with pytest.raises(DataError, match=r"/trial-0: cannot be made \(File exists\)$"):
        study.claim()
    assert numbers(study, TrialState.WAITING) == [0]


def test_claim_reports_lost_storage(plan, tmp_path, opened):
    study = opened(plan("seed=0", sampler="grid"))
    with sqlite3.connect(tmp_path / "sweep.db") as connection:
        connection.execute("DROP TABLE trials")
    with pytest.raises(StoreError, match=r"sweep\.db: no such table: trials$"):
        study.claim()


@pytest.mark.postgres
def test_storage_accepts_password_with_braces(postgresql, plan, opened):
    storage = make_url(postgresql).set(password="{x}").render_as_string(hide_password=False)
    assert opened(plan("seed=0", sampler="grid", storage=storage)).claim()
