import os

import pytest

from inkwise._util.errors import DataError, InkwiseError
from inkwise.reproduction import seed_runs as runs
from inkwise.reproduction.claims import Experiment
from inkwise.reproduction.evaluation_sets import prepare_sets
from inkwise.reproduction.seed_runs import SeedRun, load_result, run_all, run_one
from inkwise.training import load_recipe


@pytest.fixture
def task(little_mnist, tmp_path):
    chosen = load_recipe("mlp-50").set(optimization={"epochs": 2, "batch": 16, "precision": "float32"})
    return SeedRun(
        Experiment("mlp-50", 5, chosen), chosen, tmp_path / "mlp-50-0", ("mnist-train", "mnist-modified")
    )


def test_a_run_is_trained_and_measured_on_all_sets(task):
    _, result = run_one(task)
    assert {name: n for name, (_, n) in result.sets.items()} == {
        "mnist-test": 40,
        "mnist-modified": 40,
        "mnist-train": 120,
    }
    assert result.figures["parameters"] == 42_310 - 6 * 51, "four classes, not ten"
    assert result.figures["epochs"] == 2
    assert result.value("validation 2") == result.value("validation")
    assert result.value("mnist-test") == 1 - result.sets["mnist-test"][0] / 40
    assert result.value("canvas") is None
    assert load_result(task.folder) == result
    assert (task.folder / "report.html").exists()


def test_what_is_done_is_not_done_again(task, monkeypatch):
    _, result = run_one(task)
    monkeypatch.setattr(runs, "train_and_evaluate", lambda *_, **__: pytest.fail("trained again"))
    monkeypatch.setattr(runs, "evaluate_model", lambda *_: pytest.fail("the test set was read again"))
    assert run_one(task)[1] == result


def test_a_set_that_came_later_is_measured_without_training_again(task, monkeypatch, hands, tmp_path):
    run_one(task)
    monkeypatch.setattr(runs, "train_and_evaluate", lambda *_, **__: pytest.fail("trained again"))
    sets = tuple(map(str, prepare_sets(tmp_path / "sets", hands)))
    _, result = run_one(SeedRun(task.row, task.recipe, task.folder, sets))
    assert result.sets["canvas"][1] == 8


def test_a_run_of_another_recipe_is_not_taken_for_it(task):
    run_one(task)
    with pytest.raises(DataError, match="mlp-50-0: holds a run of another recipe; delete it"):
        run_one(SeedRun(task.row, task.recipe.set(model={"dropout": 0.5}), task.folder))


@pytest.fixture
def bars(bars_folder, tmp_path):
    """Two tasks that need no MNIST, so that other processes can do them."""
    chosen = load_recipe("mlp-50").set(
        data={"train": (str(bars_folder),), "test": (str(bars_folder),)},
        optimization={"epochs": 2, "batch": 16, "precision": "float32"},
    )
    row = Experiment("mlp-50", 5, chosen)
    return [SeedRun(row, chosen.set(seed=seed), tmp_path / f"mlp-50-{seed}") for seed in range(2)]


def test_runs_are_done_by_other_processes(bars):
    results = {task.folder.name: result for task, result in run_all(bars)}
    assert {*results} == {"mlp-50-0", "mlp-50-1"}
    for task in bars:
        assert load_result(task.folder) == results[task.folder.name]


class Deadly:
    """Kills the process that receives it."""

    def __reduce__(self):
        return os._exit, (9,)


def test_a_killed_process_is_one_line(bars):
    deadly = SeedRun(bars[0].row, Deadly(), bars[0].folder)
    with pytest.raises(InkwiseError, match="killed from outside; the same command goes on"):
        list(run_all([deadly]))


def test_an_error_of_another_process_is_ours(bars):
    lost = SeedRun(bars[0].row, bars[0].recipe.set(data={"train": ("nowhere.csv",)}), bars[0].folder)
    with pytest.raises(DataError, match=r"nowhere\.csv: no such data set"):
        list(run_all([lost]))


@pytest.mark.parametrize("text", ["", "[]", '{"sets": {"canvas": 3}, "figures": {}}'])
def test_a_damaged_result_is_one_line(tmp_path, text):
    (tmp_path / "measured.json").write_text(text)
    with pytest.raises(DataError, match="is damaged; delete it"):
        load_result(tmp_path)
