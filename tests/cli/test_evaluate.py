import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from inkwise._util.errors import InkwiseError
from inkwise.cli.evaluate import evaluate
from inkwise.evaluation import results


class AlwaysSeven:
    """A model that reads every glyph as a seven, 91 % sure."""

    labels = tuple("0123456789")
    name = "seven"
    threshold = 0.5
    metadata: dict[str, Any] = {"version": "1"}  # noqa: RUF012

    def run(self, glyphs: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        row = np.full(10, 0.01, np.float32)
        row[7] = 0.91
        return np.tile(row, (len(glyphs), 1)), np.zeros((len(glyphs), 4), np.float32)


@pytest.fixture(autouse=True)
def seven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "open_model", lambda source: AlwaysSeven())


@pytest.fixture
def digits(tmp_path: Path) -> str:
    """A Kaggle CSV of a seven, a seven and a one."""
    rows = [[label, *[128] * 784] for label in (7, 7, 1)]
    header = ",".join(["label", *(f"pixel{i}" for i in range(784))])
    path = tmp_path / "digits.csv"
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return str(path)


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(evaluate)
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_a_table_has_a_line_for_every_set(digits: str) -> None:
    outcome = run("default", "--on", f"{digits}, {digits}")

    assert outcome.exit_code == 0
    assert "misses" in outcome.stdout
    assert outcome.stdout.count("66.67 %") == 2


def test_json_goes_to_stdout_and_nothing_else(digits: str, tmp_path: Path) -> None:
    outcome = run("default", "--on", digits, "--json", "--out", str(tmp_path / "out"))

    content = json.loads(outcome.stdout)
    assert content["model"] == {"name": "seven", "labels": list("0123456789"), "version": "1"}
    assert [(each["n"], each["misses"]) for each in content["sets"]] == [(3, 1)]
    assert (tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8") == outcome.stdout


def test_out_writes_the_report_with_its_pictures(digits: str, tmp_path: Path) -> None:
    outcome = run("default", "--on", digits, "--out", str(tmp_path / "out"))

    assert "report.html" in outcome.stderr
    assert (tmp_path / "out" / "report.html").is_file()
    assert len(list((tmp_path / "out" / "pictures").glob("*.png"))) == 6


def test_no_set_at_all_is_refused() -> None:
    with pytest.raises(InkwiseError, match="no data set"):
        run("default", "--on", " ,")


def test_without_the_extra_it_says_what_to_install(digits: str, without_module) -> None:
    without_module("sklearn.metrics", "inkwise.evaluation")

    with pytest.raises(InkwiseError, match=r'pip install "inkwise\[train\]"'):
        run("default", "--on", digits)
