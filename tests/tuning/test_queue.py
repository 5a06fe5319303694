"""A trial is one process's at a time, and nobody's death loses it."""

import sqlite3
from dataclasses import replace

import pytest
from optuna import create_study
from optuna.trial import TrialState
from sqlalchemy import make_url

from inkwise._util.errors import DataError, InkwiseError, StoreError
from inkwise.tuning import trial_queue as queue_module


def numbers(queue, *states):
    return [trial.number for trial in queue.trials(*states)]


@pytest.fixture
def grid(plan, storage):
    """Four trials, on each kind of storage."""
    return plan("model.neurons2=4,8", "seed=0,1", sampler="grid", storage=storage)


def test_each_trial_is_claimed_once(grid, opened):
    claims = [opened(grid).claim() for _ in range(5)]
    assert claims.pop() is None
    assert [tuple(claim.values.values()) for claim in claims] == [(4, 0), (4, 1), (8, 0), (8, 1)]
    assert [claim.folder.name for claim in claims] == ["trial-0", "trial-1", "trial-2", "trial-3"]


def test_a_finished_trial_stays_finished(grid, opened):
    queue = opened(grid)
    for accuracy in (0.5, 0.75, None, 0.25):
        queue.finish(queue.claim(), accuracy, seconds=1.5)
    assert queue.finished()
    assert queue.claim() is None
    assert numbers(queue, TrialState.PRUNED) == [2]
    assert [trial.value for trial in queue.trials(TrialState.COMPLETE)] == [0.5, 0.75, 0.25]
    assert {trial.user_attrs["seconds"] for trial in queue.trials()} == {1.5}


def test_what_a_dead_process_left_is_taken_up_as_it_was(grid, opened):
    left = opened(grid).claim()
    other = opened(grid)
    assert other.claim().trial.number == 1
    left.lock.release()  # as the kernel does when a process dies
    taken = other.claim()
    assert (taken.trial.number, taken.values, taken.folder) == (0, left.values, left.folder)
    assert len(other.trials()) == 4


def test_a_process_that_died_while_it_claimed(grid, opened):
    queue = opened(grid)
    queue._set_state(0, TrialState.RUNNING)
    assert opened(grid).claim().trial.number == 0


def test_a_trial_that_is_given_back_is_the_next(grid, opened):
    queue = opened(grid)
    queue.release(queue.claim())
    assert numbers(queue, TrialState.WAITING) == [0, 1, 2, 3]
    assert queue.claim().trial.number == 0


@pytest.mark.parametrize(
    ("module", "name", "other"),
    [("platform", "node", "elsewhere"), ("uuid", "getnode", 1)],
    ids=["another name", "the same name"],
)
def test_a_trial_of_another_machine_is_taken_over_when_it_gives_no_sign(
    plan, storage, monkeypatch, opened, module, name, other
):
    one = plan("seed=0", sampler="grid", storage=storage)
    here, there = opened(one), opened(one)
    with monkeypatch.context() as away:
        away.setattr(getattr(queue_module, module), name, lambda: other)
        left = there.claim()
    left.lock.release()  # on the other machine's disk: it says nothing here
    assert here.claim() is None
    monkeypatch.setattr(queue_module, "HEARTBEAT_GRACE_PERIOD", 0.0)
    with there.heartbeat(left):
        pass
    assert here.claim() is None  # there was a sign since the last look
    taken = here.claim()
    assert taken.trial.number == 0

    there.finish(left, 0.25)  # it was alive all the same: too late
    assert numbers(here, TrialState.RUNNING) == [0]
    here.finish(taken, 0.5)
    assert [trial.value for trial in here.trials()] == [0.5]


def test_more_trials_are_added_and_none_taken_away(plan, opened):
    random = plan("optimization.lr=1e-4..1e-2", sampler="random", trials=2)
    assert len(opened(random).trials()) == 2
    assert len(opened(replace(random, trials=5)).trials()) == 5
    assert len(opened(random).trials()) == 5


def test_part_of_a_grid_is_completed_later(plan, opened):
    grid = plan("seed=0..3", sampler="grid")
    assert len(opened(replace(grid, trials=3)).trials()) == 3
    queue = opened(grid)
    claims = [queue.claim() for _ in range(4)]
    assert [claim.values["seed"] for claim in claims] == [0, 1, 2, 3]


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_the_samplers_draw_the_same_again(plan, tmp_path, sampler, opened):
    def draw(storage):
        space = ("optimization.lr=1e-4..1e-2", "model.neurons2=4..8")
        queue = opened(plan(*space, sampler=sampler, trials=12, storage=str(tmp_path / storage)))
        drawn = []
        for _ in range(12):
            claim = queue.claim()
            drawn.append((claim.values["optimization.lr"], claim.values["model.neurons2"]))
            queue.finish(claim, claim.values["optimization.lr"])
        return drawn

    drawn = draw("a.journal")
    assert draw("b.journal") == drawn
    assert len(set(drawn)) == 12


def test_the_key_that_matters_has_the_larger_share(plan, opened):
    queue = opened(plan("optimization.lr=1e-4..1e-2", "seed=0..9", trials=12, sampler="random"))
    assert queue.importances() == {}
    while claim := queue.claim():
        queue.finish(claim, claim.values["optimization.lr"])
    shares = queue.importances()
    assert shares["optimization.lr"] > 0.8
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"sampler": "random"}, "sampler"),
        ({"space": ["seed=0,1"]}, "space"),
        ({"recipe": ["optimization.epochs=4"]}, "recipe"),
    ],
)
def test_a_sweep_of_something_else_is_left_alone(plan, small, change, what, opened):
    opened(plan("seed=0", sampler="grid"))
    recipe = small.set_text(change.get("recipe", []))
    space, sampler = change.get("space", ["seed=0"]), change.get("sampler", "grid")
    other = plan(*space, recipe=recipe, sampler=sampler, trials=1)
    message = rf"sweep\.db: the sweep bars is of another {what}; choose another --name$"
    with pytest.raises(InkwiseError, match=message):
        opened(other)
    opened(replace(other, name="other"))


def test_trials_of_another_program_are_left_alone(plan, tmp_path, opened):
    create_study(storage=f"sqlite:///{tmp_path / 'sweep.db'}", study_name="bars").enqueue_trial({})
    with pytest.raises(InkwiseError, match="is of another program"):
        opened(plan("seed=0", sampler="grid"))


def test_what_has_no_end(plan, opened):
    with pytest.raises(InkwiseError, match=r"^--trials is needed: tpe"):
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
        ("{folder}/text.journal", r"/text\.journal: holds something else"),
    ],
)
def test_a_storage_that_cannot_be_used(plan, tmp_path, storage, message, opened):
    for name in ("text", "text.journal"):
        (tmp_path / name).write_text("no trials here\n" * 100)
    with pytest.raises(StoreError, match=message) as caught:
        opened(plan("seed=0", sampler="grid", storage=storage.format(folder=tmp_path)))
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("storage", ["", ":memory:", "sqlite://", "sqlite:///:memory:"])
def test_a_storage_that_each_process_would_have_for_itself(plan, storage, opened):
    with pytest.raises(StoreError, match=r"^the (storage|database) must be "):
        opened(plan("seed=0", sampler="grid", storage=storage))


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("trial-0", r"/trial-0: cannot be made \(File exists\)$"),
        ("trial-0/lock/x", "/trial-0: cannot be locked"),
    ],
)
def test_a_run_folder_that_cannot_be_used(plan, tmp_path, file, message, opened):
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text("in the way")
    queue = opened(plan("seed=0", sampler="grid"))
    with pytest.raises(DataError, match=message):
        queue.claim()
    assert numbers(queue, TrialState.WAITING) == [0]


def test_a_storage_that_is_lost_meanwhile(plan, tmp_path, opened):
    queue = opened(plan("seed=0", sampler="grid"))
    with sqlite3.connect(tmp_path / "sweep.db") as connection:
        connection.execute("DROP TABLE trials")
    with pytest.raises(StoreError, match=r"sweep\.db: no such table: trials$"):
        queue.claim()


def test_a_password_with_braces(postgresql, plan, opened):
    storage = make_url(postgresql).set(password="{x}").render_as_string(hide_password=False)
    assert opened(plan("seed=0", sampler="grid", storage=storage)).claim()
