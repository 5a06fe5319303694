"""Batch options, and the rows of pages that can and cannot be read."""

import io
import json
import os

import pytest
from shades import Shades

from inkwise._util.errors import InkwiseError, ModelError
from inkwise.batch import BatchOptions, page_rows, read_rows
from inkwise.batch.page_rows import error_row, file_fingerprint


def test_settings_differ_by_model_and_expectation():
    options = [BatchOptions(), BatchOptions("tiny"), BatchOptions(expect="digit")]
    assert BatchOptions().settings() == options[0].settings()
    assert len({str(each.settings()) for each in options}) == 3


def test_settings_and_columns_include_the_constraint(bars_reader):
    model = str(bars_reader)
    options = [
        BatchOptions(model, "number"),
        BatchOptions(model, constraint={"length": [3, 4]}),
        BatchOptions(model, constraint={"vocabulary": ["111", "17"]}),
    ]
    settings = [each.settings() for each in options]
    assert len(set(map(str, settings))) == 3
    assert json.loads(json.dumps(settings)) == settings, "a journal stores them as JSON"
    assert ["unconstrained" in each.columns for each in options] == [False, True, True]
    with pytest.raises(InkwiseError, match="a constraint has no key 'lenght'; did you mean length"):
        BatchOptions(model, constraint={"lenght": 3}).settings()


def test_settings_rejects_a_missing_model():
    with pytest.raises(ModelError, match=r"none\.onnx: cannot be opened"):
        BatchOptions("none.onnx").settings()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "a.pdf, page 3: cannot be read (not enough memory)"),
        (KeyError("two\nlines"), r"a.pdf, page 3: cannot be read (KeyError: 'two\nlines')"),
    ],
)
def test_error_row_puts_any_exception_on_one_line(error, reason):
    row = error_row("a.pdf", 3, BatchOptions().columns, error)
    assert (row.failed, row.values["file"], row.values["page"]) == (True, "a.pdf", 3)
    assert (row.values["text"], row.values["accepted"], row.values["reason"]) == ("", False, reason)


def test_read_rows_gives_a_folder_without_images_a_row(tmp_path):
    (row,) = read_rows([str(tmp_path)], Shades())
    assert row.failed
    assert row.values["reason"].startswith(f"{tmp_path}: no pictures in this folder (.png, ")


def test_read_rows_escapes_file_names_in_reasons(tmp_path):
    path = f"{tmp_path}/two\nlines \x1b[31m.png"
    (row,) = read_rows([path], Shades())
    assert row.values["file"] == path
    assert (
        row.values["reason"]
        == f"{tmp_path}/two\\nlines \\x1b[31m.png: cannot be opened (No such file or directory)"
    )


def test_read_rows_escapes_file_names_that_are_not_utf8(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")
    (row,) = read_rows([path], Shades())
    assert row.values["file"] == f"{tmp_path}/\\udcff.png"
    assert row.values["reason"] == f"{tmp_path}/\\udcff.png: cannot be opened (No such file or directory)"


@pytest.mark.parametrize("expect", [None, "number"])
def test_settings_include_the_weights_of_both_models(monkeypatch, expect):
    before = BatchOptions(expect=expect).settings()["model"]
    for source in ("model_source", "line_model_source"):
        with monkeypatch.context() as other:
            other.setattr(f"inkwise.batch.page_rows.{source}", lambda name: b"other weights")
            other.setattr(BatchOptions, "open", lambda self: None)
            assert BatchOptions(expect=expect).settings()["model"] != before


def test_read_rows_rejects_endless_standard_input(monkeypatch):
    monkeypatch.setattr(page_rows, "_MAX_STDIN_BYTES", 1_000_000)
    with open("/dev/zero", "rb") as zeros:  # noqa: PTH123
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(zeros))
        (row,) = read_rows(["-"], Shades())
    assert row.failed
    assert row.values["reason"] == "standard input: is larger than 1 MB; name a file"


def test_file_fingerprint_changes_with_the_file(tmp_path):
    path = tmp_path / "b.png"
    path.write_bytes(b"")
    before = file_fingerprint(str(path))
    os.utime(path, ns=(0, 0))
    assert file_fingerprint(str(path)) != before
    assert file_fingerprint(str(tmp_path / "none.png")) == ""
