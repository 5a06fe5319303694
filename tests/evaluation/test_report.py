import json
from collections.abc import Callable
from pathlib import Path

import pytest

from inkwise._util.errors import InkwiseError
from inkwise.datasets import Dataset
from inkwise.evaluation import EvaluationResult, evaluate_model, explain_mistakes, report, write_report
from inkwise.recognition.model import Classifier

FACTS = {"name": "<em>v1</em>", "labels": ("0", "1"), "recipe": {"epochs": 3, "data": "a & b"}}
HISTORY = [{"epoch": 1, "train_loss": 0.5}, {"epoch": 2, "train_loss": 0.25}]
NET = [["Conv2d", [10, 24, 24], 260], ["Linear", [120], 53880]]


@pytest.fixture(scope="module")
def results(model: Classifier, make: Callable[..., Dataset], mixed: Dataset) -> list[EvaluationResult]:
    # The same name twice: the second must not overwrite the first.
    return explain_mistakes(model, evaluate_model(model, [mixed, make("mixed", ("3", "3", 90))]))


@pytest.fixture(scope="module")
def written(results: list[EvaluationResult], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with all that it can contain except neighbours."""
    path = tmp_path_factory.mktemp("report") / "out" / "report.html"
    write_report(path, FACTS | {"net": NET}, results, HISTORY)
    return path


@pytest.fixture(scope="module")
def page(written: Path) -> str:
    return written.read_text(encoding="utf-8")


def test_write_report_writes_self_contained_page(page: str) -> None:
    assert page.startswith("<!doctype html>")
    assert page.count('src="data:image/png;base64,') == page.count("<img ") == 2 * 5 + 1 + 1
    assert "<script" not in page
    assert "http" not in page
    assert "<td>mixed</td><td>6</td><td>4</td><td>33.33 %</td><td>9.68 to 70.00 %</td>" in page
    assert "4 misses in 6 · 1 without ink" in page
    assert "first 6 samples: true → read" in page
    # As caption and alt text; the other set has nothing to explain.
    assert page.count("explained mistakes (3)") == 2
    assert "most similar training digits" not in page
    assert "<td>epochs</td><td>3</td>" in page
    assert "<td>labels</td><td>0, 1</td>" in page


def test_write_report_escapes_facts(page: str) -> None:
    assert "<em>" not in page
    assert "&lt;em&gt;v1" in page
    assert "a &amp; b" in page


def test_write_report_lists_layers_with_total(page: str, written: Path) -> None:
    assert "<td>Conv2d</td><td>10 × 24 × 24</td><td>260</td>" in page
    assert "<td>total</td><td></td><td>54,140</td>" in page
    assert "<td>net</td>" not in page
    content = json.loads(written.with_name("evaluation.json").read_text(encoding="utf-8"))
    assert content["model"]["net"] == NET


def test_write_report_writes_json_and_figures(written: Path) -> None:
    content = json.loads(written.with_name("evaluation.json").read_text(encoding="utf-8"))
    assert content["model"]["recipe"]["epochs"] == 3
    assert [(each["name"], each["misses"]) for each in content["sets"]] == [("mixed", 4), ("mixed", 0)]
    kinds = ("confusion", "coverage", "mistakes", "predictions", "reliability")
    figures = [f"{number}-mixed-{kind}.png" for number in (1, 2) for kind in kinds]
    assert {path.name for path in (written.parent / "pictures").iterdir()} == {
        *figures,
        "1-mixed-explained.png",
        "training.png",
    }


def test_write_report_mentions_neighbours_and_escapes_set_name(
    tmp_path: Path, model: Classifier, make: Callable[..., Dataset], perfect: Dataset
) -> None:
    explained = explain_mistakes(model, evaluate_model(model, [make("<script>", ("2", "7", 60))]), perfect)
    write_report(tmp_path / "report.html", {"name": "model"}, explained)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "red ink the true digit; beside them the most similar training digits" in page
    assert "<h2>&lt;script&gt;</h2>" in page
    assert "<script>" not in page
    assert "parameters" not in page
    assert "Training" not in page


@pytest.mark.parametrize("net", [None, 5, "LeNet", [["Conv2d"]], [["Conv2d", 3, "many"]]])
def test_layer_rows_ignores_malformed_layers(net: object) -> None:
    assert report._layer_rows(net) == []


def test_summary_row_shows_dash_for_undefined(model: Classifier, make: Callable[..., Dataset]) -> None:
    [unread] = evaluate_model(model, [make("blank", ("1", "", 0))])
    assert report.summary_row(unread)[-2:] == ("–", "–")


def test_write_report_rejects_unwritable_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InkwiseError, match=r"file/pictures: cannot be made \(Not a directory\)$"):
        write_report(tmp_path / "file" / "report.html", FACTS, [])
