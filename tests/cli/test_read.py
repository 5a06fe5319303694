import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path, seven, number):
    Image.fromarray(seven).save(tmp_path / "a.png")
    (tmp_path / "deeper").mkdir()
    Image.fromarray(number).save(tmp_path / "deeper" / "b.jpg")
    (tmp_path / "notes.txt").write_text("not a picture, and not named one")
    return tmp_path


def test_piped_output_is_one_line_of_json_a_file(inkwise, folder):
    status, out, err = inkwise("read", folder)
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["file"], row["text"]) for row in rows] == [
        (str(folder / "a.png"), "7"),
        (str(folder / "deeper" / "b.jpg"), "714"),
    ]
    assert (status, err) == (0, "")


def test_csv_to_a_file(inkwise, folder):
    status, out, _ = inkwise("read", folder / "a.png", "--csv", "--out", folder / "out.csv")
    assert (status, out) == (0, "")
    with (folder / "out.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["text"], row["accepted"], row["reason"]) == ("7", "True", "")


def test_a_file_that_failed_is_named_and_the_others_are_still_read(inkwise, folder):
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    status, out, err = inkwise("read", folder)
    rows = {row["file"]: row for row in map(json.loads, out.splitlines())}
    assert status == 1
    assert err.startswith(f"inkwise: {folder / 'broken.png'}: ")
    assert err.count("\n") == 1
    assert rows[str(folder / "broken.png")]["reason"] in err
    assert [row["text"] for row in rows.values()] == ["7", "", "714"]


def test_standard_input(inkwise, folder):
    status, out, _ = inkwise("read", "-", stdin=(folder / "a.png").read_bytes())
    assert (status, json.loads(out)["text"]) == (0, "7")


def test_exactly_one_digit(inkwise, folder):
    _, out, _ = inkwise("read", "--digit", folder / "deeper")
    assert len(json.loads(out)["digits"]) == 1


def test_a_blank_page_is_no_failure(inkwise, tmp_path):
    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    status, out, _ = inkwise("read", tmp_path / "blank.png")
    assert (status, json.loads(out)["text"]) == (0, "")
    assert json.loads(out)["reason"].startswith("no ink")


def test_a_terminal_gets_a_table(inkwise, folder, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _, out, _ = inkwise("read", folder / "a.png")
    head, row = re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines()
    assert head.split() == ["file", "text", "confidence"]
    assert row.split()[-2:-1] == ["7"]


def test_a_name_does_nothing_to_the_terminal(inkwise, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    Image.new("L", (50, 50), 255).save(tmp_path / "two\nlines \x1b[2J.png")
    monkeypatch.chdir(tmp_path)
    _, out, _ = inkwise("read", ".")
    assert r"two\nlines \x1b[2J.png" in out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["read", "none.png"], "none.png: cannot be opened (No such file or directory)"),
        (["read", "."], r".: no pictures in this folder"),
        (["read", "x.png", "--json", "--csv"], "--json and --csv: choose one"),
        (["read", "x.png", "--model", "none.onnx"], "none.onnx: cannot be opened"),
        (
            ["read", "x.png", "--model", "huge"],
            "huge: cannot be opened (no such file; bundled models: default",
        ),
        (["app", "--model", "huge", "--no-browser"], "huge: cannot be opened"),
        (["read", "--out", "none/out.csv", "x.png"], "none/out.csv: cannot be written"),
        (
            ["read", "--out", "out.xslx", "x.png"],
            "--out must end in one of .csv, .jsonl, .parquet, .xlsx, not",
        ),
        (["read", "--out", "out.csv", "x.png", "--model", "none.onnx"], "none.onnx: cannot be opened"),
        (["read", "--jobs", "2", "x.png"], "--jobs needs --out"),
        (["train", "defualt"], "no recipe 'defualt'; did you mean default?"),
        (
            ["train", "--set", "epoch=3"],
            "recipe default has no key 'epoch'; did you mean optimization.epochs",
        ),
        (
            ["train", "--set", "optimization.epochs=many"],
            "recipe key optimization.epochs takes int, not 'many'",
        ),
        (["train", "--resume", "none"], "none: no run to resume"),
        (["train", "--resume", "none", "--init", "default"], "leave out --data, --init, --set and --out"),
        (["train", "best.json"], "best.json: cannot be opened"),
        (["train", "--data", ","], "recipe key data.train must name at least one data set"),
        (["train", "--data", "none.csv"], "none.csv: no such data set or path"),
        (["train", "--init", "none.onnx"], "none.onnx: cannot be opened"),
        (["predict", "none.csv", "--submission", "out.csv"], "none.csv: no such data set or path"),
        (["predict", "mnist-test", "--submission", "out.csv", "--model", "none"], "none: cannot be opened"),
        (["ensemble", "default", "--out", "out.onnx"], "an ensemble needs at least two models"),
        (["ensemble", "default", "none", "--out", "out.onnx"], "none: cannot be opened"),
        (["evaluate", "none.onnx", "--on", "mnist-test"], "none.onnx: cannot be opened"),
        (["data", "get", "mnits"], "did you mean mnist"),
    ],
)
def test_bad_input_is_one_line_and_exit_1(inkwise, tmp_path, monkeypatch, arguments, reason):
    monkeypatch.chdir(tmp_path)
    if arguments[0] in ("train", "evaluate", "ensemble"):
        from inkwise import evaluation  # noqa: F401 (the commands need it)
    status, _, err = inkwise(*arguments)
    assert status == 1
    assert err.startswith("inkwise: ")
    assert reason in err
    assert err.count("\n") == 1


def test_version(inkwise):
    from inkwise import __version__

    assert inkwise("--version")[:2] == (0, f"inkwise {__version__}\n")


@pytest.mark.parametrize("options", [(), ("--out", "table.csv")])
def test_a_picture_that_pillow_repairs_is_read_without_a_word(tmp_path, repairable, options):
    (tmp_path / "a.png").write_bytes(repairable)
    command = [sys.executable, "-c", "from inkwise.cli import main; main()", "read", "a.png", *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_starts_without_what_other_commands_need(folder):
    """So that it starts fast."""
    others = {"inkwise.datasets", "inkwise.forms", "pooch", "yaml", "numpy.ma"}
    code = f"import atexit, sys; atexit.register(lambda: print({{*sys.modules}} & {others}, file=sys.stderr))"
    command = [
        sys.executable,
        "-c",
        f"{code}\nfrom inkwise.cli import main; main()",
        "read",
        folder / "a.png",
    ]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == "set()\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk to write to is Linux's")
@pytest.mark.parametrize("form", ["--csv", "--json"])
def test_standard_output_that_is_full_is_one_line(folder, form):
    command = [sys.executable, "-c", "from inkwise.cli import main; main()", "read", form, folder / "a.png"]
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 1
    assert run.stderr == "inkwise: standard output: cannot be written (No space left on device)\n"
