import json
from collections.abc import Callable
from pathlib import Path

import pytest

from inkwise._util.errors import InkwiseError
from inkwise.datasets import Dataset
from inkwise.evaluation import EvaluationResult, evaluate_model, explain_mistakes, report, write_report
from inkwise.evaluation.results import Classifier

FACTS = {"name": "<em>v1</em>", "labels": ("0", "1"), "recipe": {"epochs": 3, "data": "a & b"}}
HISTORY = [{"epoch": 1, "train_loss": 0.5}, {"epoch": 2, "train_loss": 0.25}]


@pytest.fixture
def results(model: Classifier, make: Callable[..., Dataset], mixed: Dataset) -> list[EvaluationResult]:
    # twice the same name: the second must not overwrite the first
    return explain_mistakes(model, evaluate_model(model, [mixed, make("mixed", ("3", "3", 90))]))


def test_the_report_stands_alone_and_says_it_all(tmp_path: Path, results: list[EvaluationResult]) -> None:
    write_report(tmp_path / "out" / "report.html", FACTS, results, HISTORY)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")

    assert page.count('src="data:image/png;base64,') == page.count("<img ") == 2 * 5 + 1 + 1
    assert "<script" not in page
    assert "http" not in page
    assert "<td>mixed</td><td>6</td><td>4</td><td>33.33 %</td><td>9.68 to 70.00 %</td>" in page
    assert "4 misses in 6 · 1 without ink" in page
    assert "the first 6: true → read" in page
    assert (
        page.count("the surest 3 explained") == 2
    )  # as caption and for who cannot see; nothing to explain in
    assert "the training digits that are most like it" not in page  # ... the other set
    assert "<td>epochs</td><td>3</td>" in page


def test_every_text_is_escaped(tmp_path: Path, model: Classifier, make: Callable[..., Dataset]) -> None:
    results = evaluate_model(model, [make("<script>", ("3", "3", 90))])
    write_report(tmp_path / "report.html", FACTS, results)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")

    assert "<em>" not in page
    assert "&lt;em&gt;v1" in page
    assert "<script>" not in page
    assert "a &amp; b" in page


def test_numbers_and_pictures_lie_beside_it(tmp_path: Path, results: list[EvaluationResult]) -> None:
    write_report(tmp_path / "report.html", FACTS, results, HISTORY)

    content = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert content["model"]["recipe"]["epochs"] == 3
    assert [(each["name"], each["misses"]) for each in content["sets"]] == [("mixed", 4), ("mixed", 0)]
    kinds = ("confusion", "coverage", "mistakes", "predictions", "reliability")
    pictures = [f"{number}-mixed-{kind}.png" for number in (1, 2) for kind in kinds]
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {
        *pictures,
        "1-mixed-explained.png",
        "training.png",
    }


def test_what_the_mistakes_were_compared_with_is_shown(
    tmp_path: Path, model: Classifier, mixed: Dataset, perfect: Dataset
) -> None:
    write_report(
        tmp_path / "report.html",
        FACTS,
        explain_mistakes(model, evaluate_model(model, [mixed]), perfect),
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "red ink for the true digit, and the training digits that are most like it" in page


def test_the_net_is_a_table_with_its_sum(tmp_path: Path, results: list[EvaluationResult]) -> None:
    net = [["Conv2d", [10, 24, 24], 260], ["Linear", [120], 53880]]
    write_report(tmp_path / "report.html", FACTS | {"net": net}, results)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")

    assert "<td>Conv2d</td><td>10 × 24 × 24</td><td>260</td>" in page
    assert "<td>in all</td><td></td><td>54,140</td>" in page
    assert "<td>net</td>" not in page
    assert json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))["model"]["net"] == net


@pytest.mark.parametrize("net", [None, 5, "LeNet", [["Conv2d"]], [["Conv2d", 3, "many"]]])
def test_a_model_without_such_a_table_has_none(
    tmp_path: Path, results: list[EvaluationResult], net: object
) -> None:
    write_report(tmp_path / "report.html", FACTS | {"net": net}, results)
    assert "parameters" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_an_undefined_number_is_a_dash(model: Classifier, make: Callable[..., Dataset]) -> None:
    [unread] = evaluate_model(model, [make("blank", ("1", "", 0))])
    assert report.summary_row(unread)[-2:] == ("–", "–")


def test_a_path_that_cannot_be_written_is_one_clear_line(
    tmp_path: Path, results: list[EvaluationResult]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InkwiseError, match=r"file/pictures: cannot be made \(Not a directory\)$"):
        write_report(tmp_path / "file" / "report.html", FACTS, results)
