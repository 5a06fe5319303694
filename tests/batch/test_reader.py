"""How pages are read, and what a row says where they cannot be."""

import io
import json
import os

import pytest

from inkwise._util.errors import InkwiseError, ModelError
from inkwise.batch import BatchOptions, page_rows, read_rows
from inkwise.batch.page_rows import error_row


def test_settings_tell_readers_apart():
    readers = [BatchOptions(), BatchOptions("tiny"), BatchOptions(digit=True)]
    assert BatchOptions().settings() == readers[0].settings()
    assert len({str(reader.settings()) for reader in readers}) == 3


def test_settings_tell_what_is_known_about_numbers(bars_reader):
    model = str(bars_reader)
    readers = [
        BatchOptions(model, number=True),
        BatchOptions(model, number=True, constraint={"length": [3, 4]}),
        BatchOptions(model, number=True, constraint={"vocabulary": ["111", "17"]}),
    ]
    settings = [reader.settings() for reader in readers]
    assert len(set(map(str, settings))) == 3
    assert json.loads(json.dumps(settings)) == settings, "a journal gives them back as they were"
    assert ["unconstrained" in reader.columns for reader in readers] == [False, True, True]
    with pytest.raises(InkwiseError, match="a constraint has no key 'lenght'; did you mean length"):
        BatchOptions(model, number=True, constraint={"lenght": 3}).settings()


def test_a_model_that_cannot_be_used_is_told_before_any_page():
    with pytest.raises(ModelError, match=r"none\.onnx: cannot be opened"):
        BatchOptions("none.onnx").settings()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "a.pdf, page 3: cannot be read (not enough memory)"),
        (KeyError("two\nlines"), r"a.pdf, page 3: cannot be read (KeyError: 'two\nlines')"),
    ],
)
def test_whatever_happens_is_one_line_of_the_row(error, reason):
    row = error_row("a.pdf", 3, BatchOptions().columns, error)
    assert (row.failed, row.values["file"], row.values["page"]) == (True, "a.pdf", 3)
    assert (row.values["text"], row.values["accepted"], row.values["reason"]) == ("", False, reason)


def test_a_folder_without_pictures_is_a_row(tmp_path):
    (row,) = read_rows(str(tmp_path), dict, BatchOptions().columns, lambda pages: None)
    assert row.failed
    assert row.values["reason"].startswith(f"{tmp_path}: no pictures in this folder (.png, ")


def test_the_reason_is_one_line_whatever_the_file_is_called(tmp_path):
    path = f"{tmp_path}/two\nlines \x1b[31m.png"
    (row,) = read_rows(path, dict, BatchOptions().columns, lambda pages: None)
    assert row.values["file"] == path
    assert (
        row.values["reason"]
        == f"{tmp_path}/two\\nlines \\x1b[31m.png: cannot be opened (No such file or directory)"
    )


def test_a_name_that_is_no_utf8_can_be_written(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")
    counts = []
    (row,) = read_rows(path, dict, BatchOptions().columns, counts.append)
    assert row.values["file"] == f"{tmp_path}/\\udcff.png"
    assert row.values["reason"] == f"{tmp_path}/\\udcff.png: cannot be opened (No such file or directory)"
    assert counts == [1]


@pytest.mark.parametrize("number", [False, True])
def test_what_reads_digits_and_what_reads_lines_both_count(monkeypatch, number):
    before = BatchOptions(number=number).settings()["model"]
    for source in ("model_source", "line_model_source"):
        with monkeypatch.context() as other:
            other.setattr(f"inkwise.batch.page_rows.{source}", lambda name: b"other weights")
            other.setattr(BatchOptions, "open", lambda self: None)
            assert BatchOptions(number=number).settings()["model"] != before


def test_standard_input_without_end(monkeypatch):
    monkeypatch.setattr(page_rows, "_LARGEST", 1_000_000)
    with open("/dev/zero", "rb") as zeros:  # noqa: PTH123
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(zeros))
        (row,) = read_rows("-", lambda page: {}, BatchOptions().columns, lambda pages: None)
    assert row.failed
    assert row.values["reason"] == "standard input: is larger than 1 MB; name a file"
