"""`inkwise evaluate`, `explain` and `predict`."""

import csv
import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inkwise.evaluation import results
from inkwise.recognition.adaptation import reference_glyphs

PIXELS = [f"pixel{number}" for number in range(784)]


class AlwaysSeven:
    """A model that reads every glyph as a seven with probability 0.91."""

    labels = tuple("0123456789")
    name = "seven"
    threshold = 0.5
    metadata: dict[str, Any] = {"version": "1"}  # noqa: RUF012

    def run(self, glyphs):
        row = np.full(10, 0.01, np.float32)
        row[7] = 0.91
        return np.tile(row, (len(glyphs), 1)), np.zeros((len(glyphs), 4), np.float32)


@pytest.fixture
def always_seven(monkeypatch):
    monkeypatch.setattr(results, "open_model", lambda source: AlwaysSeven())


@pytest.fixture
def sevens(tmp_path, always_seven):
    """A Kaggle CSV of a seven, a seven and a one."""
    path = tmp_path / "digits.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["label", *PIXELS], *([label, *[128] * 784] for label in (7, 7, 1))])
    return path


def test_evaluate_prints_one_line_per_set(inkwise, sevens):
    status, out, _ = inkwise("evaluate", "default", "--on", f"{sevens}, {sevens}")
    assert status == 0
    assert "misses" in out
    assert out.count("66.67 %") == 2


def test_evaluate_prints_json_and_writes_the_report(inkwise, sevens, tmp_path):
    folder = tmp_path / "out"
    _, out, err = inkwise("evaluate", "default", "--on", sevens, "--json", "--out", folder)
    content = json.loads(out)
    assert content["model"] == {"name": "seven", "labels": list("0123456789"), "version": "1"}
    assert [(each["n"], each["misses"]) for each in content["sets"]] == [(3, 1)]
    assert (folder / "evaluation.json").read_text(encoding="utf-8") == out
    assert err == f"wrote {folder / 'report.html'}\n"
    assert (folder / "report.html").is_file()
    assert len(list((folder / "pictures").glob("*.png"))) == 6


def test_evaluate_rejects_empty_list_of_sets(inkwise_fails, always_seven):
    assert "no data set" in inkwise_fails("evaluate", "default", "--on", " ,")


def test_evaluate_names_the_missing_extra(inkwise_fails, sevens, without_module):
    without_module("matplotlib.figure", "inkwise.evaluation")
    assert 'pip install "inkwise[train]"' in inkwise_fails("evaluate", "default", "--on", sevens)


@pytest.fixture
def explain(inkwise, tmp_path, monkeypatch, number):
    """Run `inkwise explain` in a folder with number.png, a 7, a 1 and a 4, and plain.npz, 3 of each digit."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(number).save("number.png")
    np.savez("plain.npz", images=np.tile(reference_glyphs(), (3, 1, 1)), labels=np.tile(np.arange(10), 3))
    return lambda *arguments: inkwise("explain", *arguments)


def test_explain_prints_and_draws_the_most_similar_digits(explain):
    status, out, err = explain("number.png", "--among", "plain.npz")
    head, *rows = out.splitlines()
    assert status == 0
    assert head.split() == ["digit", "probability", "else", "most", "like", "it"]
    assert [row.split()[0] for row in rows] == ["7", "1", "4"]
    assert "  7 7 7 " in rows[0]
    assert err == "searching the 30 samples of plain\nwrote number-explained.png\n"
    with Image.open("number-explained.png") as picture:
        assert picture.format == "PNG"


def test_explain_writes_to_out(explain):
    assert explain("number.png", "--among", "plain.npz", "--out", "why.png")[0] == 0
    assert Path("why.png").exists()
    assert not Path("number-explained.png").exists()


def test_explain_does_not_overwrite_a_file(explain):
    Path("number-explained.png").write_bytes(b"mine")
    status, _, err = explain("number.png", "--among", "plain.npz")
    assert (status, err) == (
        1,
        "inkwise: number-explained.png: already exists; choose another file with --out\n",
    )
    assert Path("number-explained.png").read_bytes() == b"mine"


def test_explain_leaves_no_partial_file_on_full_disk(explain, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    status, _, err = explain("number.png", "--among", "plain.npz")
    assert status == 1
    assert err.endswith("explained.png: cannot be written (No space left on device)\n")
    assert not list(Path().glob("*explained*"))


def test_explain_shows_no_more_than_max_shown_digits(explain, monkeypatch):
    assert results.MAX_SHOWN == 40
    monkeypatch.setattr(results, "MAX_SHOWN", 2)
    _, out, err = explain("number.png", "--among", "plain.npz")
    assert len(out.splitlines()) == 1 + 2
    assert "explaining the first 2 of 3 digits" in err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["none.png"], "none.png: cannot be opened (No such file or directory)"),
        (["blank.png"], "blank.png: no ink"),
        (["plain.npz"], "plain.npz: "),
        (["number.png", "--model", "none.onnx"], "none.onnx: cannot be opened"),
        (["number.png", "--model", "number.png"], "number.png: is not an ONNX model"),
        (["number.png", "--among", "none.npz"], "none.npz: no such data set or path"),
        (["number.png", "--among", "unlabelled.npz"], "unlabelled: nothing to compare with"),
        (
            ["number.png", "--among", "plain.npz", "--out", "why.jpg"],
            "why.jpg: the file name must end in .png",
        ),
        (["number.png", "--among", "plain.npz", "--out", "none/why.png"], "none/why.png: cannot be written"),
    ],
)
def test_explain_reports_bad_input_in_one_line(explain, arguments, reason):
    Image.new("L", (50, 50), 255).save("blank.png")
    np.savez("unlabelled.npz", images=reference_glyphs())
    status, _, err = explain(*arguments)
    assert status == 1
    assert [line for line in err.splitlines() if not line.startswith("searching ")] == err.splitlines()[-1:]
    assert err.splitlines()[-1].startswith(f"inkwise: {reason}")
    assert not list(Path().glob("*explained*"))


def test_explain_names_the_missing_extra(explain, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("inkwise.evaluation")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    _, _, err = explain("number.png")
    assert err.startswith("inkwise: explaining needs ")
    assert err.endswith('pip install "inkwise[train]"\n')


@pytest.fixture
def test_csv(tmp_path):
    """Kaggle's test.csv of the ten reference digits."""
    path = tmp_path / "test.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([PIXELS, *reference_glyphs().reshape(10, -1).tolist()])
    return path


def test_predict_writes_one_row_per_image(inkwise, test_csv, tmp_path):
    status, out, err = inkwise("predict", test_csv, "--submission", tmp_path / "out.csv")
    assert (status, err) == (0, "")
    assert out.startswith(f"wrote {tmp_path / 'out.csv'}: 10 rows, read with small (")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert rows == [{"ImageId": str(digit + 1), "Label": str(digit)} for digit in range(10)]


def test_predict_keeps_file_names_of_a_folder(inkwise, tmp_path, seven):
    folder = tmp_path / "test"
    folder.mkdir()
    for name in ("img10.png", "img2.png"):
        Image.fromarray(seven).save(folder / name)
    status, *_ = inkwise("predict", folder, "--submission", tmp_path / "out.csv")
    assert status == 0
    assert (tmp_path / "out.csv").read_text().splitlines() == ["ImageId,Label", "img2.png,7", "img10.png,7"]


COLUMNS = "expected 784 columns such as pixel0 to pixel783 or 1x1 to 28x28"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "test.csv: is empty"),
        (",".join(PIXELS) + "\n", "test.csv: has a header and no rows"),
        ("id,pixel0\n1,0\n", f"test.csv: line 1: {COLUMNS}, got 2 columns"),
        (",".join(PIXELS[:-1]) + "\n", "test.csv: line 1: column pixel783 is missing"),
    ],
)
def test_predict_reports_file_without_images_in_one_line(inkwise_fails, tmp_path, text, reason):
    (tmp_path / "test.csv").write_text(text)
    error = inkwise_fails("predict", tmp_path / "test.csv", "--submission", tmp_path / "out.csv")
    assert error == str(tmp_path / reason)
    assert not (tmp_path / "out.csv").exists()


def test_predict_reports_unwritable_folder_in_one_line(inkwise_fails, test_csv, tmp_path):
    target = tmp_path / "none" / "out.csv"
    error = inkwise_fails("predict", test_csv, "--submission", target)
    assert error == f"{target}: cannot be written (No such file or directory)"


def test_predict_does_not_overwrite_its_input(inkwise_fails, test_csv):
    data = test_csv.read_bytes()
    error = inkwise_fails("predict", test_csv, "--submission", test_csv)
    assert error == f"{test_csv}: is read, and would be replaced; name another file to write"
    assert test_csv.read_bytes() == data
