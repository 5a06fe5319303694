"""`inkwise read --form` and `inkwise form check`."""

import csv
import json
import re

import numpy as np
import pytest
from form_paper import YAML, empty, filled, save, turned
from PIL import Image
from pyarrow import parquet

COMBS = YAML[: YAML.index("  - {name: amount")]  # the fields that the bundled weights read
COLUMNS = [
    *("file", "page", "meter", "meter_confidence", "meter_accepted"),
    *("code", "code_confidence", "code_accepted", "fit", "reason"),
]


@pytest.fixture
def card(tmp_path):
    return save(tmp_path, COMBS)


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    Image.fromarray(turned(filled(amount=""), 3)).save(folder / "a.png")
    Image.fromarray(np.full((400, 300), 240, np.uint8)).save(folder / "b.png")
    (folder / "c.png").write_bytes(b"")
    return folder


@pytest.mark.parametrize("jobs", [1, 2])
def test_read_form_writes_one_row_per_scan(inkwise, card, scans, tmp_path, jobs):
    table = tmp_path / "table.csv"
    status, out, err = inkwise("read", "--form", card, scans, "--out", table, "--jobs", jobs)
    wrote = f"wrote {table}: pages: 3 (1 failed), numbers: 2, doubtful: 0"
    assert (status, out, err) == (1, "", f"inkwise: {scans}/c.png: is empty (0 bytes)\n{wrote}\n")
    with table.open(newline="") as file:
        head, one, other, broken = csv.reader(file)
    assert head == COLUMNS
    assert one[:3] == [f"{scans}/a.png", "1", "014752"]
    assert (one[4:6], one[7], one[9]) == (["True", "3"], "True", "")
    assert float(one[8]) > 0.9
    nothing = ["", "0.0", "False", "", "0.0", "False", "0.0"]
    assert other[2:] == [*nothing, "does not match the form 'meter card'"]
    assert broken[2:] == [*nothing, f"{scans}/c.png: is empty (0 bytes)"]


def test_read_form_writes_typed_parquet(inkwise, card, scans, tmp_path):
    inkwise("read", "--form", card, scans, "--out", tmp_path / "table.parquet")
    table = parquet.read_table(tmp_path / "table.parquet")
    assert table.column_names == COLUMNS
    own = ["string", "double", "bool"]
    assert [str(kind) for kind in table.schema.types] == ["string", "int32", *own, *own, "double", "string"]
    assert table["code"].to_pylist() == ["3", "", ""]


def test_read_form_prints_json_with_field_corners(inkwise, card, scans):
    _, out, _ = inkwise("read", "--form", card, scans / "a.png")
    row = json.loads(out)
    assert [*row][2:] == [*COLUMNS[2:], "fields"]
    assert [*row["fields"]["code"]] == ["digits", "unconstrained", "reason", "corners"]
    assert np.shape(row["fields"]["code"]["corners"]) == (4, 2)


def test_read_form_prints_fields_on_terminal(inkwise, card, scans, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "300")
    _, out, _ = inkwise("read", "--form", card, scans / "a.png")
    head, row = re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines()
    assert head.split() == ["file", "meter", "meter_confidence", "code", "code_confidence", "fit"]
    assert row.split()[1] == "014752"


def test_read_form_rejects_table_of_another_form(inkwise, card, scans, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(
            "inkwise.batch.journal.atomic_file", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        inkwise("read", "--form", card, scans, "--out", tmp_path / "table.csv")
    card.write_text(COMBS.replace("name: code", "name: key"))
    status, _, err = inkwise("read", "--form", card, scans, "--out", tmp_path / "table.csv")
    assert (status, "was started with another --form" in err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--expect", "digit"], "--expect and --form: choose one"),
        (["--length", "3"], "--length describes one number: leave out --form"),
        (["--format", "alto"], "--format and --form: choose one"),
    ],
)
def test_read_form_rejects_options_of_other_modes(inkwise_fails, card, scans, arguments, message):
    assert message in inkwise_fails("read", "--form", card, *arguments, scans)


def test_read_form_reports_missing_form_in_one_line(inkwise_fails, tmp_path, scans):
    error = inkwise_fails("read", "--form", tmp_path / "none.yaml", scans)
    assert error == f"{tmp_path}/none.yaml: cannot be opened (No such file or directory)"


def test_form_check_draws_fields_of_valid_form(inkwise, card, tmp_path):
    status, out, err = inkwise("form", "check", card, "--picture", tmp_path / "fields.png")
    assert (status, out, err) == (0, f"{card}: meter card, 2 fields, no errors\n", "")
    drawn = np.asarray(Image.open(tmp_path / "fields.png").convert("L"))
    assert drawn.shape == empty().shape
    assert not np.array_equal(drawn, empty())


def test_form_check_prints_one_line_per_error(inkwise, tmp_path):
    wrong = COMBS.replace("kind: digit", "kind: digits").replace("cells: 6", "cells: 6, length: 9")
    status, out, err = inkwise("form", "check", save(tmp_path, wrong), "--picture", tmp_path / "fields.png")
    assert (status, out, len(err.splitlines())) == (1, "", 2)
    assert err.splitlines()[0].endswith("field 'meter': length 9 does not fit into 6 cells")
    assert not (tmp_path / "fields.png").exists()


def test_reference_without_print_is_one_error_line(inkwise, card, tmp_path, scans):
    Image.fromarray(np.full_like(empty(), 250)).save(tmp_path / "empty.png")
    for command in (["form", "check", card], ["read", "--form", card, scans]):
        status, _, err = inkwise(*command)
        assert (status, len(err.splitlines())) == (1, 1)
        assert "empty.png: too little is printed on it to be found again; print four marks" in err


@pytest.mark.parametrize(("name", "message"), [("empty.png", "is read"), ("f.jpg", "must end in .png")])
def test_form_check_rejects_picture_file(inkwise_fails, card, tmp_path, name, message):
    assert message in inkwise_fails("form", "check", card, "--picture", tmp_path / name)
