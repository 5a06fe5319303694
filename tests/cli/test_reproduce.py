import sys
from pathlib import Path

import pytest

from inkwise.cli import main
from inkwise.reproduction import experiments


def inkwise(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["inkwise", "reproduce", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_an_unknown_name_is_one_line(monkeypatch, capsys, tmp_path):
    assert inkwise(monkeypatch, "lenet-dropuot", "--quick", "--out", str(tmp_path)) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "inkwise: nothing to reproduce by the name 'lenet-dropuot'; did you mean lenet-dropout"
    )


@pytest.mark.parametrize(
    ("arguments", "page"),
    [
        (["all"], "docs/papers.md"),
        (["cnn-small", "--out", "runs"], "runs/papers.md"),
        (["cnn-small", "--page", "mine.md"], "mine.md"),
    ],
)
def test_some_rows_do_not_replace_the_page_of_all(monkeypatch, arguments, page):
    written = []
    monkeypatch.setattr(experiments, "reproduce", lambda *given: written.append(given[3]))
    assert inkwise(monkeypatch, *arguments) == 0
    assert written == [Path(page)]


@pytest.mark.network
def test_a_little_of_every_system_stays_above_its_floor(monkeypatch, capsys, tmp_path):
    assert inkwise(monkeypatch, "all", "--quick", "--out", str(tmp_path)) == 0
    assert len(capsys.readouterr().out.splitlines()) == 8
