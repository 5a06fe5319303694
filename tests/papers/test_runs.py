import pytest

from inkwise.errors import DataError
from inkwise.papers import Row, runs
from inkwise.papers.runs import Task, do, measured
from inkwise.papers.sets import prepare
from inkwise.training import recipe


@pytest.fixture
def task(little_mnist, tmp_path):
    chosen = recipe("mlp-50").set(epochs=2, batch=16, precision="float32")
    return Task(Row("mlp-50", 5, chosen), chosen, tmp_path / "mlp-50-0", [])


def test_a_run_is_trained_and_measured_on_all_sets(task):
    _, result = do(task)
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
    assert measured(task.folder) == result
    assert (task.folder / "report.html").exists()


def test_what_is_done_is_not_done_again(task, monkeypatch):
    _, result = do(task)
    monkeypatch.setattr(runs, "train", lambda *_, **__: pytest.fail("trained again"))
    monkeypatch.setattr(runs, "finish", lambda *_: pytest.fail("the test set was read again"))
    assert do(task)[1] == result


def test_a_set_that_came_later_is_measured_without_training_again(task, monkeypatch, hands, tmp_path):
    do(task)
    monkeypatch.setattr(runs, "train", lambda *_, **__: pytest.fail("trained again"))
    _, result = do(Task(task.row, task.recipe, task.folder, prepare(tmp_path / "sets", hands)))
    assert result.sets["canvas"][1] == 8


@pytest.mark.parametrize("text", ["", "[]", '{"sets": {"canvas": 3}, "figures": {}}'])
def test_a_damaged_result_is_one_line(tmp_path, text):
    (tmp_path / "measured.json").write_text(text)
    with pytest.raises(DataError, match="is damaged; delete it"):
        measured(tmp_path)
