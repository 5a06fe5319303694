import json
from collections.abc import Callable
from pathlib import Path

import pytest

from inkwise.datasets import Dataset
from inkwise.errors import InkwiseError
from inkwise.evaluation import Result, evaluate_model, report, write_report
from inkwise.evaluation.results import Classifier

FACTS = {"name": "<em>v1</em>", "labels": ("0", "1"), "recipe": {"epochs": 3, "data": "a & b"}}
HISTORY = [{"epoch": 1, "train_loss": 0.5}, {"epoch": 2, "train_loss": 0.25}]


@pytest.fixture
def results(model: Classifier, make: Callable[..., Dataset], mixed: Dataset) -> list[Result]:
    # twice the same name: the second must not overwrite the first
    return evaluate_model(model, [mixed, make("mixed", ("3", "3", 90))])


def test_the_report_stands_alone_and_says_it_all(tmp_path: Path, results: list[Result]) -> None:
    write_report(tmp_path / "out" / "report.html", FACTS, results, HISTORY)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")

    assert page.count('src="data:image/png;base64,') == page.count("<img ") == 2 * 4 + 1
    assert "<script" not in page
    assert "http" not in page
    assert "<td>mixed</td><td>6</td><td>4</td><td>33.33 %</td><td>9.68 to 70.00 %</td>" in page
    assert "4 misses in 6 · 1 without ink" in page
    assert "<td>epochs</td><td>3</td>" in page


def test_every_text_is_escaped(tmp_path: Path, model: Classifier, make: Callable[..., Dataset]) -> None:
    results = evaluate_model(model, [make("<script>", ("3", "3", 90))])
    write_report(tmp_path / "report.html", FACTS, results)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")

    assert "<em>" not in page
    assert "&lt;em&gt;v1" in page
    assert "<script>" not in page
    assert "a &amp; b" in page


def test_numbers_and_pictures_lie_beside_it(tmp_path: Path, results: list[Result]) -> None:
    write_report(tmp_path / "report.html", FACTS, results, HISTORY)

    content = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert content["model"]["recipe"]["epochs"] == 3
    assert [(each["name"], each["misses"]) for each in content["sets"]] == [("mixed", 4), ("mixed", 0)]
    kinds = ("confusion", "coverage", "mistakes", "reliability")
    pictures = [f"{number}-mixed-{kind}.png" for number in (1, 2) for kind in kinds]
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [*pictures, "training.png"]


def test_an_undefined_number_is_a_dash(model: Classifier, make: Callable[..., Dataset]) -> None:
    [unread] = evaluate_model(model, [make("blank", ("1", "", 0))])
    assert report.summary_row(unread)[-2:] == ("–", "–")


def test_a_path_that_cannot_be_written_is_one_clear_line(tmp_path: Path, results: list[Result]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InkwiseError, match=r"cannot write the report .*report.html"):
        write_report(tmp_path / "file" / "report.html", FACTS, results)
