import json

import cv2
import pytest
import uvicorn
from typer.testing import CliRunner

from inkwise._util.errors import DataError, ImageError, InkwiseError, StoreError
from inkwise.cli import app

ROW = {"file": "a.png", "page": 1, "text": "", "confidence": 0.0, "accepted": False, "reason": "is damaged"}


@pytest.fixture
def run(monkeypatch):
    """Run a command that serves a page; the server ends as soon as it has begun."""
    monkeypatch.setattr(uvicorn.Server, "run", lambda server, sockets: None)
    return lambda *words: CliRunner().invoke(app, [*map(str, words), "--no-browser", "--port", "0"])


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.jsonl"
    path.write_text(json.dumps(ROW) + "\n")
    return path


def test_a_review_says_where_it_is(run, table, tmp_path):
    database = f"sqlite:///{tmp_path / 'taught.db'}"
    result = run("review", table, "--database", database, "--scans", tmp_path, "--threshold", "0.5")
    assert result.exit_code == 0, result.exception
    assert result.stdout.startswith("Inkwise is at http://127.0.0.1:")
    assert not table.with_name("table.jsonl.review").exists()


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (["--database", "mysql://host/all"], StoreError),
        (["--writer", " "], InkwiseError),
        (["--token", ""], InkwiseError),
    ],
)
def test_what_a_review_cannot_use_is_one_line(run, table, options, kind):
    assert isinstance(run("review", table, *options).exception, kind)


def test_a_table_that_is_none_is_one_line(run, tmp_path):
    assert isinstance(run("review", tmp_path / "no.jsonl").exception, DataError)


def test_the_form_editor_says_where_it_is(run, tmp_path, seven):
    cv2.imwrite(str(tmp_path / "form.png"), seven)
    result = run("form", "new", tmp_path / "form.png", "--host", "0.0.0.0")
    assert result.exit_code == 0, result.exception
    assert "/?token=" in result.stdout
    assert isinstance(run("form", "new", tmp_path / "no.pdf").exception, ImageError)
    assert not (tmp_path / "form.yaml").exists()
