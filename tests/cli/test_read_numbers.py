"""`inkwise read` of numbers and its constraints, with a model that reads each upright bar as 1."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from inkwise.recognition import model as model_files


@pytest.fixture(autouse=True)
def _bars(bars_reader, monkeypatch):
    monkeypatch.setattr(model_files, "_LINE_WEIGHTS", bars_reader.parent)


@pytest.fixture
def bars(tmp_path):
    """bars(3) is the path of an image of three bars."""

    def bars(count):
        picture = np.full((100, 300), 230, np.uint8)
        for number in range(count):
            picture[20:80, 50 + 40 * number : 58 + 40 * number] = 30
        path = tmp_path / f"{count}.png"
        Image.fromarray(picture).save(path)
        return path

    return bars


def test_read_reads_one_number_per_image(inkwise, bars):
    status, out, err = inkwise("read", "--expect", "number", bars(2), bars(5))
    rows = [json.loads(line) for line in out.splitlines()]
    assert (status, err) == (0, "")
    assert [(row["text"], row["accepted"], row["unconstrained"]) for row in rows] == [
        ("11", True, None),
        ("11111", True, None),
    ]
    assert [len(number["digits"]) for row in rows for number in row["numbers"]] == [2, 5]
    assert rows[0]["model"] == "bars (2026-01-01)"


@pytest.mark.parametrize(
    ("known", "accepted"),
    [
        (["--length", "3"], True),
        (["--length", "2-4"], True),
        (["--length", "4-6"], False),
        (["--range", "100-200"], True),
        (["--range", "0-99"], False),
        (["--pattern", r"1\d*"], True),
        (["--pattern", "[2-9]+"], False),
        (["--check", "ean"], False),
        (["--length", "3", "--pattern", "1+", "--range", "111"], True),
    ],
)
def test_read_applies_constraints(inkwise, bars, known, accepted):
    status, out, _ = inkwise("read", *known, bars(3))
    row = json.loads(out)
    assert (status, row["accepted"], row["unconstrained"]) == (0, accepted, "111")
    assert accepted or row["reason"] == "the ink says 111, which the constraint rules out"


def test_read_applies_vocabulary_of_one_number_per_line(inkwise, bars, tmp_path):
    (tmp_path / "numbers.txt").write_text("\ufeff0800\n\n 111 \r\n222\n", encoding="utf-8")
    for count, accepted in ((3, True), (2, False)):
        _, out, _ = inkwise("read", "--vocabulary", tmp_path / "numbers.txt", bars(count))
        assert json.loads(out)["accepted"] == accepted


def test_read_with_model_file_writes_table(inkwise, bars, bars_reader, tmp_path):
    table, model = tmp_path / "table.csv", tmp_path / "mine.onnx"
    model.write_bytes(bars_reader.read_bytes())
    arguments = "read", "--length", "3", "--model", model, bars(3), "--out", table
    assert inkwise(*arguments) == (0, "", f"wrote {table}: pages: 1, numbers: 1, doubtful: 0\n")
    with table.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["text"], row["unconstrained"], row["accepted"]) == ("111", "111", "True")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--expect", "digits"], "expect: there is no 'digits'; did you mean digit?"),
        (["--expect", "digit", "--form", "form.yaml"], "--expect and --form: choose one"),
        (["--expect", "digit", "--length", "1"], "--length describes one number: leave out --expect digit"),
        (["--expect", "page", "--vocabulary", "numbers.txt"], "--vocabulary describes one number: leave out"),
        (
            ["--length", "three"],
            "--length 'three': write a number, or the least and the most, as 4-6",
        ),
        (["--range", "1-2-3"], "--range '1-2-3': write a number"),
        (["--range", "9-1"], "range: the minimum, 9, is larger than the maximum, 1"),
        (["--pattern", "("], "pattern"),
        (["--check", "lunh"], "there is no check 'lunh'; did you mean luhn?"),
        (["--length", "3", "--range", "1000-"], "--range '1000-': write a number"),
        (["--length", "3", "--range", "1000"], "there is no number that satisfies this"),
        (["--vocabulary", "none.txt"], "none.txt: cannot be opened (No such file or directory)"),
        (["--vocabulary", "empty.txt"], "the vocabulary is empty"),
        (
            ["--vocabulary", "binary.txt"],
            "binary.txt: is not text (UTF-8) with one number a line",
        ),
        (
            ["--expect", "number", "--model", "tiny"],
            "tiny: cannot be opened (no such file; bundled models: default)",
        ),
    ],
)
def test_read_reports_bad_input(inkwise_fails, bars, tmp_path, monkeypatch, arguments, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "numbers.txt").write_text("111\n")
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    assert reason in inkwise_fails("read", *arguments, bars(3))
