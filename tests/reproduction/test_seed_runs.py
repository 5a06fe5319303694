import os

import pytest

from inkwise._util.errors import DataError, InkwiseError
from inkwise.reproduction import seed_runs
from inkwise.reproduction.claims import Experiment
from inkwise.reproduction.evaluation_sets import prepare_sets
from inkwise.reproduction.seed_runs import SeedRun, load_result, run_all, run_one
from inkwise.training import load_recipe


@pytest.fixture
def task(small_mnist, tmp_path):
    chosen = load_recipe("mlp-50").set(optimization={"epochs": 2, "batch": 16, "precision": "float32"})
    return SeedRun(
        Experiment("mlp-50", 5, chosen), chosen, tmp_path / "mlp-50-0", ("mnist-train", "mnist-modified")
    )


def test_run_one_trains_and_measures_all_sets(task):
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


def test_run_one_reuses_result(task, monkeypatch):
    _, result = run_one(task)
    monkeypatch.setattr(seed_runs, "train_and_evaluate", lambda *_, **__: pytest.fail("trained again"))
    monkeypatch.setattr(seed_runs, "evaluate_model", lambda *_: pytest.fail("the test set was read again"))
    assert run_one(task)[1] == result


def test_run_one_measures_new_set_without_training(task, monkeypatch, handwriting, tmp_path):
    run_one(task)
    monkeypatch.setattr(seed_runs, "train_and_evaluate", lambda *_, **__: pytest.fail("trained again"))
    sets = tuple(map(str, prepare_sets(tmp_path / "sets", handwriting)))
    _, result = run_one(SeedRun(task.row, task.recipe, task.folder, sets))
    assert result.sets["canvas"][1] == 8


def test_run_one_rejects_run_of_other_recipe(task):
    run_one(task)
    with pytest.raises(DataError, match="mlp-50-0: contains a run of another recipe; delete it"):
        run_one(SeedRun(task.row, task.recipe.set(model={"dropout": 0.5}), task.folder))


@pytest.fixture
def bars(bars_folder, tmp_path):
    """Two tasks without MNIST, which other processes can run."""
    chosen = load_recipe("mlp-50").set(
        data={"train": (str(bars_folder),), "test": (str(bars_folder),)},
        optimization={"epochs": 2, "batch": 16, "precision": "float32"},
    )
    row = Experiment("mlp-50", 5, chosen)
    return [SeedRun(row, chosen.set(seed=seed), tmp_path / f"mlp-50-{seed}") for seed in range(2)]


@pytest.mark.slow
def test_run_all_uses_other_processes(bars):
    results = {task.folder.name: result for task, result in run_all(bars)}
    assert {*results} == {"mlp-50-0", "mlp-50-1"}
    for task in bars:
        assert load_result(task.folder) == results[task.folder.name]


class Deadly:
    """Kills the process that receives it."""

    def __reduce__(self):
        return os._exit, (9,)


@pytest.mark.slow
def test_run_all_reports_killed_process(bars):
    deadly = SeedRun(bars[0].row, Deadly(), bars[0].folder)
    with pytest.raises(InkwiseError, match="a run was killed; rerun the same command to resume"):
        list(run_all([deadly]))


@pytest.mark.slow
def test_run_all_raises_error_of_other_process(bars):
    missing = SeedRun(bars[0].row, bars[0].recipe.set(data={"train": ("nowhere.csv",)}), bars[0].folder)
    with pytest.raises(DataError, match=r"nowhere\.csv: no such data set"):
        list(run_all([missing]))


@pytest.mark.parametrize("text", ["", "[]", '{"sets": {"canvas": 3}, "figures": {}}'])
def test_load_result_rejects_damaged_file(tmp_path, text):
    (tmp_path / "measured.json").write_text(text)
    with pytest.raises(DataError, match="is damaged; delete it"):
        load_result(tmp_path)
