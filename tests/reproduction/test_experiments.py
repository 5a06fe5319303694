import pytest

from inkwise._util.errors import InkwiseError
from inkwise.reproduction import claims, experiments
from inkwise.reproduction.claims import Claim, Experiment
from inkwise.reproduction.experiments import reproduce, run_quick_check
from inkwise.reproduction.seed_runs import run_one
from inkwise.training import load_recipe

QUICK = load_recipe("mlp-50").set(optimization={"epochs": 2, "batch": 16, "precision": "float32"})


@pytest.fixture
def lines():
    return []


@pytest.fixture
def small_rows(small_mnist, monkeypatch):
    """Two rows of a second each on the small MNIST, run in this process."""
    chosen = (
        Experiment("mlp-50", 5, QUICK, (Claim("test", 97.5, "mnist-test"),), seeds=2, floor=0.1),
        Experiment(
            "mlp-50-corrections-3", 5, QUICK, (Claim("canvas", 83.6, "canvas"),), seeds=1, corrections=3
        ),
    )
    monkeypatch.setattr(claims, "EXPERIMENTS", chosen)
    monkeypatch.setattr(experiments, "EXPERIMENTS", chosen)
    monkeypatch.setattr(experiments, "run_all", lambda tasks: map(run_one, tasks))
    monkeypatch.setattr(experiments, "save_corrections", misread)


def misread(folder, handwriting, model, count):
    """Return digits of the canvas as corrections, whatever the model reads."""
    return folder / "canvas"  # exists already


@pytest.mark.slow
def test_reproduce_trains_rows_and_writes_page(small_rows, handwriting, lines, tmp_path):
    reproduce(["all"], tmp_path / "runs", handwriting, tmp_path / "papers.md", lines.append)
    assert [line.partition(",")[0] for line in lines] == [
        "1 of 2: mlp-50-0",
        "2 of 2: mlp-50-1",
        "1 of 1: mlp-50-corrections-3-0",
    ]
    assert "| `default` |" not in (tmp_path / "papers.md").read_text()
    folders = {folder.name for folder in (tmp_path / "runs").iterdir()}
    assert folders == {"mlp-50-0", "mlp-50-1", "mlp-50-corrections-3-0", "sets"}
    taught = load_recipe(str(tmp_path / "runs" / "mlp-50-corrections-3-0" / "recipe.json"))
    assert taught.data.train == ("mnist-train", str(tmp_path / "runs" / "sets" / "canvas"))


@pytest.mark.slow
def test_reproduce_without_handwriting_skips_corrections(small_rows, lines, tmp_path):
    reproduce(["all"], tmp_path / "runs", None, tmp_path / "papers.md", lines.append)
    assert len(lines) == 2


def test_reproduce_corrections_needs_mistakes(small_rows, handwriting, lines, tmp_path):
    with pytest.raises(InkwiseError, match="needs the mistakes of mlp-50: reproduce mlp-50 first"):
        reproduce(
            ["mlp-50-corrections-3"], tmp_path / "runs", handwriting, tmp_path / "papers.md", lines.append
        )


def test_run_quick_check_trains_one_epoch_of_one_seed(small_rows, lines, tmp_path):
    run_quick_check(["all"], tmp_path, lines.append)
    assert len(lines) == 1
    assert lines[0].endswith("of MNIST test, the floor is 10 %")
    assert load_recipe(str(tmp_path / "mlp-50-quick" / "recipe.json")).optimization.epochs == 1


def test_run_quick_check_replaces_earlier_run(small_rows, lines, tmp_path):
    (tmp_path / "mlp-50-quick").mkdir()
    (tmp_path / "mlp-50-quick" / "measured.json").write_text("earlier result")
    run_quick_check(["all"], tmp_path, lines.append)
    assert len(lines) == 1


def test_run_quick_check_rejects_accuracy_below_floor(small_rows, lines, tmp_path, monkeypatch):
    monkeypatch.setattr(
        claims, "EXPERIMENTS", (Experiment("mlp-50", 5, QUICK.set(optimization={"lr": 1e-9}), floor=0.99),)
    )
    with pytest.raises(InkwiseError, match="below the floor: mlp-50"):
        run_quick_check(["mlp-50"], tmp_path, lines.append)


def test_run_quick_check_rejects_rows_without_floor(small_rows, lines, tmp_path):
    with pytest.raises(InkwiseError, match="mlp-50-corrections-3: one epoch shows nothing"):
        run_quick_check(["mlp-50-corrections-3"], tmp_path, lines.append)
