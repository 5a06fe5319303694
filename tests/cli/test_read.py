"""`inkwise read` of images and documents: JSON lines, CSV, tables, standard input and errors."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path, seven, number):
    Image.fromarray(seven).save(tmp_path / "a.png")
    (tmp_path / "deeper").mkdir()
    Image.fromarray(number).save(tmp_path / "deeper" / "b.jpg")
    (tmp_path / "notes.txt").write_text("neither an image nor named like one")
    return tmp_path


def test_read_prints_one_json_line_per_file(inkwise, folder):
    status, out, err = inkwise("read", folder)
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["file"], row["text"]) for row in rows] == [
        (str(folder / "a.png"), "7"),
        (str(folder / "deeper" / "b.jpg"), "714"),
    ]
    assert (status, err) == (0, "1 file skipped: notes.txt\n")


def test_read_writes_csv_to_out(inkwise, folder):
    status, out, _ = inkwise("read", folder / "a.png", "--csv", "--out", folder / "out.csv")
    assert (status, out) == (0, "")
    with (folder / "out.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["text"], row["accepted"], row["reason"]) == ("7", "True", "")


def test_read_names_damaged_file_and_reads_the_others(inkwise, folder):
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    status, out, err = inkwise("read", folder)
    rows = {row["file"]: row for row in map(json.loads, out.splitlines())}
    assert status == 1
    skipped, failed = err.splitlines()
    assert skipped == "1 file skipped: notes.txt"
    assert failed.startswith(f"inkwise: {folder / 'broken.png'}: ")
    assert rows[str(folder / "broken.png")]["reason"] in err
    assert [row["text"] for row in rows.values()] == ["7", "", "714"]


def test_read_standard_input(inkwise, folder):
    status, out, _ = inkwise("read", "-", stdin=(folder / "a.png").read_bytes())
    assert (status, json.loads(out)["text"]) == (0, "7")


def test_read_takes_the_letters_model_by_name(inkwise, tmp_path, pen):
    letter = [[(30, 20), (30, 100)], [(30, 60), (80, 60)], [(80, 20), (80, 100)]]
    Image.fromarray(pen(letter)).save(tmp_path / "h.png")
    for options in ((), ("--expect", "digit")):
        status, out, _ = inkwise("read", tmp_path / "h.png", "--model", "letters", *options)
        assert (status, json.loads(out)["text"]) == (0, "H")


def test_read_digit_option_gives_exactly_one_digit(inkwise, folder):
    _, out, _ = inkwise("read", "--expect", "digit", folder / "deeper")
    assert [len(number["digits"]) for number in json.loads(out)["numbers"]] == [1]


def test_read_blank_page_is_not_a_failure(inkwise, tmp_path):
    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    status, out, _ = inkwise("read", tmp_path / "blank.png")
    assert (status, json.loads(out)["text"]) == (0, "")
    assert json.loads(out)["reason"].startswith("no ink")


def test_read_prints_table_on_terminal(inkwise, folder, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _, out, _ = inkwise("read", folder / "a.png")
    head, row = re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines()
    assert head.split() == ["file", "text", "confidence"]
    assert row.split()[-2:-1] == ["7"]


def test_read_escapes_file_name_on_terminal(inkwise, tmp_path, monkeypatch):
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
        (["read", "x.png", "--json", "--csv"], "--json, --csv and --format: choose one"),
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
def test_bad_input_is_one_error_line(inkwise, tmp_path, monkeypatch, arguments, reason):
    monkeypatch.chdir(tmp_path)
    if arguments[0] in ("train", "evaluate", "ensemble"):
        from inkwise import evaluation  # noqa: F401 (the commands need it)
    status, _, err = inkwise(*arguments)
    assert status == 1
    assert err.startswith("inkwise: ")
    assert reason in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", [(), ("read",), ("data", "get")])
def test_short_help_is_the_long_one(inkwise, command):
    assert inkwise(*command, "-h") == inkwise(*command, "--help")


def test_version(inkwise):
    from inkwise import __version__

    assert inkwise("--version")[:2] == (0, f"inkwise {__version__}\n")


@pytest.mark.parametrize("options", [(), ("--out", "table.csv")])
def test_read_prints_no_warning_for_image_that_pillow_repairs(tmp_path, repairable, options):
    (tmp_path / "a.png").write_bytes(repairable)
    command = [sys.executable, "-c", "from inkwise.cli import main; main()", "read", "a.png", *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert "Warning" not in done.stderr


def test_read_does_not_import_modules_of_other_commands(folder):
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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("form", ["--csv", "--json"])
def test_read_reports_full_standard_output_in_one_line(folder, form):
    command = [sys.executable, "-c", "from inkwise.cli import main; main()", "read", form, folder / "a.png"]
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 1
    assert run.stderr == "inkwise: standard output: cannot be written (No space left on device)\n"


def pdf_of(*pictures):
    first, *others = map(Image.fromarray, pictures)
    file = io.BytesIO()
    first.save(file, "PDF", save_all=True, append_images=others)
    return file.getvalue()


@pytest.fixture
def scans(tmp_path, seven, number):
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(pdf_of(seven, number))
    Image.fromarray(seven).save(
        folder / "b.tif", save_all=True, append_images=[Image.fromarray(number), Image.fromarray(seven)]
    )
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    return folder


PAGES = [("a.pdf", 1, "7"), ("a.pdf", 2, "714"), ("b.tif", 1, "7"), ("b.tif", 2, "714"), ("b.tif", 3, "7")]


def test_read_prints_one_json_line_per_page(inkwise, scans):
    status, out, err = inkwise("read", scans)
    *rows, broken = map(json.loads, out.splitlines())
    assert [(row["file"], row["page"], row["text"]) for row in rows] == [
        (str(scans / file), page, text) for file, page, text in PAGES
    ]
    assert (status, broken["page"]) == (1, 1)
    assert err == f"inkwise: {scans / 'broken.pdf'}: the PDF is damaged, cut off or empty\n"


def test_read_names_pages_on_terminal(inkwise, scans, monkeypatch):
    monkeypatch.chdir(scans)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _, out, _ = inkwise("read", "a.pdf")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines()
    assert [line.split("  ")[0].strip() for line in lines] == ["file", "a.pdf", "a.pdf, page 2"]


def test_read_writes_table_of_all_pages(inkwise, scans, tmp_path):
    status, out, err = inkwise("read", scans, "--out", tmp_path / "table.csv", "--jobs", 2)
    with (tmp_path / "table.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["file", "page", "text", "confidence", "accepted", "reason"]
    *done, broken = rows
    assert [(row[0], int(row[1]), row[2]) for row in done] == [
        (str(scans / file), page, text) for file, page, text in PAGES
    ]
    assert broken[5] == f"{scans / 'broken.pdf'}: the PDF is damaged, cut off or empty"
    wrote = (
        f"wrote {tmp_path / 'table.csv'}: pages: {len(rows)} (1 failed), numbers: {len(done)}, doubtful: 0"
    )
    assert (status, out, err) == (1, "", f"inkwise: {broken[5]}\n{wrote}\n")


def test_read_writes_xlsx_of_document_on_standard_input(inkwise, tmp_path, seven, number):
    table = tmp_path / "table.xlsx"
    status, out, err = inkwise("read", "-", "-o", table, stdin=pdf_of(seven, number))
    assert (status, out, err) == (0, "", f"wrote {table}: pages: 2, numbers: 2, doubtful: 0\n")
    rows = list(openpyxl.load_workbook(table).active.values)
    assert [row[:3] for row in rows] == [("file", "page", "text"), ("-", 1, 7), ("-", 2, 714)]


@pytest.mark.parametrize(
    ("suffix", "step"),
    [
        ("jsonl", "inkwise review {}"),
        ("csv", "read with --out table.jsonl, then inkwise review table.jsonl"),
    ],
)
def test_read_names_the_command_that_corrects_doubtful_numbers(inkwise, tmp_path, pen, suffix, step):
    Image.fromarray(pen([[(30, 30), (90, 90)], [(30, 90), (90, 30)]])).save(tmp_path / "cross.png")
    table = tmp_path / f"table.{suffix}"
    _, _, err = inkwise("read", "-e", "digit", tmp_path / "cross.png", "-o", table)
    wrote = f"wrote {table}: pages: 1, numbers: 1, doubtful: 1; to correct them: {step.format(table)}\n"
    assert err == wrote


def test_read_json_option_overrides_suffix_of_out(inkwise, tmp_path, scans):
    inkwise("read", "--expect", "digit", scans / "a.pdf", "--json", "--out", tmp_path / "table.txt")
    rows = [json.loads(line) for line in (tmp_path / "table.txt").read_text().splitlines()]
    assert [(row["page"], len(row["numbers"])) for row in rows] == [(1, 1), (2, 1)]


def test_read_progress_bar_is_not_in_piped_output(inkwise, tmp_path, seven, monkeypatch):
    for number in range(21):
        Image.fromarray(seven).save(tmp_path / f"{number:02}.png")
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    _, out, err = inkwise("read", tmp_path)
    assert [json.loads(line)["text"] for line in out.splitlines()] == ["7"] * 21
    assert "21 pages" in err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--on", "spark", "--out", "table"], "--on 'spark': expected ray"),
        (["--on", "ray"], "--on ray needs --out: the folder of the table, or its URL"),
        (
            ["--on", "ray", "--out", "table", "--jobs", "2"],
            "--on ray writes Parquet with all workers of the cluster",
        ),
        (
            ["--on", "ray", "--out", "table", "--csv"],
            "--on ray writes Parquet with all workers of the cluster",
        ),
        (["--address", "head:6379"], "--address needs --on ray"),
    ],
)
def test_read_on_ray_rejects_incompatible_options(inkwise_fails, options, reason):
    assert inkwise_fails("read", "scans", *options).startswith(reason)


def test_read_on_ray_names_the_missing_extra(inkwise_fails, without_module):
    without_module("ray", "inkwise.batch")
    error = inkwise_fails("read", "scans", "--on", "ray", "--out", "table")
    assert error == '--on ray needs ray: pip install "inkwise[cluster]"'
