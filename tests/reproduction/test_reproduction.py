import pytest

from inkwise._util.errors import InkwiseError
from inkwise.reproduction import claims as rows
from inkwise.reproduction import experiments as reproduction
from inkwise.reproduction.claims import Claim, Experiment
from inkwise.reproduction.experiments import reproduce, run_quick_check
from inkwise.reproduction.seed_runs import run_one
from inkwise.training import load_recipe

QUICK = load_recipe("mlp-50").set(optimization={"epochs": 2, "batch": 16, "precision": "float32"})


@pytest.fixture
def told():
    return []


@pytest.fixture
def little_rows(little_mnist, monkeypatch):
    """Two rows of a second each, done in this process, where MNIST is the little one."""
    chosen = (
        Experiment("mlp-50", 5, QUICK, (Claim("test", 97.5, "mnist-test"),), seeds=2, floor=0.1),
        Experiment(
            "mlp-50-corrections-3", 5, QUICK, (Claim("canvas", 83.6, "canvas"),), seeds=1, corrections=3
        ),
    )
    monkeypatch.setattr(rows, "EXPERIMENTS", chosen)
    monkeypatch.setattr(reproduction, "EXPERIMENTS", chosen)
    monkeypatch.setattr(reproduction, "run_all", lambda tasks: map(run_one, tasks))
    monkeypatch.setattr(reproduction, "save_corrections", misread)


def misread(folder, hands, model, count):
    """Three digits of the canvas, whatever the little net reads."""
    return folder / "canvas"  # prepared already


def test_rows_are_trained_and_the_page_written(little_rows, hands, told, tmp_path):
    reproduce(["all"], tmp_path / "runs", hands, tmp_path / "papers.md", told.append)
    assert [line.partition(",")[0] for line in told] == [
        "1 of 2: mlp-50-0",
        "2 of 2: mlp-50-1",
        "1 of 1: mlp-50-corrections-3-0",
    ]
    assert "| `default` |" not in (tmp_path / "papers.md").read_text()
    folders = {folder.name for folder in (tmp_path / "runs").iterdir()}
    assert folders == {"mlp-50-0", "mlp-50-1", "mlp-50-corrections-3-0", "sets"}
    taught = load_recipe(str(tmp_path / "runs" / "mlp-50-corrections-3-0" / "recipe.json"))
    assert taught.data == ("mnist-train", str(tmp_path / "runs" / "sets" / "canvas"))


def test_without_hands_nobody_corrects(little_rows, told, tmp_path):
    reproduce(["all"], tmp_path / "runs", None, tmp_path / "papers.md", told.append)
    assert len(told) == 2


def test_corrections_need_what_was_misread(little_rows, hands, told, tmp_path):
    with pytest.raises(InkwiseError, match="needs what mlp-50 misreads: reproduce mlp-50 first"):
        reproduce(["mlp-50-corrections-3"], tmp_path / "runs", hands, tmp_path / "papers.md", told.append)


def test_quick_is_one_epoch_of_one_seed_above_its_floor(little_rows, told, tmp_path):
    run_quick_check(["all"], tmp_path, told.append)
    assert len(told) == 1
    assert told[0].endswith("of MNIST test, the floor is 10 %")
    assert load_recipe(str(tmp_path / "mlp-50-quick" / "recipe.json")).optimization.epochs == 1


def test_quick_trains_anew(little_rows, told, tmp_path):
    (tmp_path / "mlp-50-quick").mkdir()
    (tmp_path / "mlp-50-quick" / "measured.json").write_text("of an older day")
    run_quick_check(["all"], tmp_path, told.append)
    assert len(told) == 1


def test_quick_fails_below_a_floor(little_rows, told, tmp_path, monkeypatch):
    monkeypatch.setattr(
        rows, "EXPERIMENTS", (Experiment("mlp-50", 5, QUICK.set(optimization={"lr": 1e-9}), floor=0.99),)
    )
    with pytest.raises(InkwiseError, match="below the floor: mlp-50"):
        run_quick_check(["mlp-50"], tmp_path, told.append)


def test_quick_says_where_one_epoch_tells_nothing(little_rows, told, tmp_path):
    with pytest.raises(InkwiseError, match="mlp-50-corrections-3: one epoch tells nothing"):
        run_quick_check(["mlp-50-corrections-3"], tmp_path, told.append)
