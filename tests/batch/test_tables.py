"""All table formats contain the same rows, and no formula that a spreadsheet would run."""

import csv
import json
import sys

import pytest
from pyarrow import parquet

from inkwise._util.errors import DataError, InkwiseError
from inkwise.batch import BatchOptions, PageRow
from inkwise.batch.tables import check_format, write_table

COLUMNS = BatchOptions().columns


def row(file, text="7", reason=None):
    values = (file, 1, text, 0.9979, reason is None, reason)
    return PageRow({**dict(zip(COLUMNS, values, strict=True)), "digits": []}, failed=False)


ROWS = [row("a.png"), row("=cmd()", "-12.50"), row("+1.png", "=1+1", "@b"), row("bell\a.png")]


@pytest.fixture
def written(tmp_path):
    def write(suffix, rows=ROWS):
        path = tmp_path / f"table{suffix}"
        check_format(suffix)
        write_table(lambda: iter(rows), path, COLUMNS, suffix)
        return path

    return write


def test_json_lines_contain_all_values(written):
    lines = written(".jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [row.values for row in ROWS]


def test_csv_escapes_formulas_but_no_numbers(written):
    with written(".csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == list(COLUMNS)
    assert [(cells[0], cells[2], cells[5]) for cells in rows] == [
        ("a.png", "7", ""),
        ("'=cmd()", "-12.50", ""),
        ("'+1.png", "'=1+1", "'@b"),
        ("bell\a.png", "7", ""),
    ]


def test_parquet_has_types_and_is_written_in_batches(written):
    table = parquet.read_table(written(".parquet", ROWS * 600))
    assert [str(kind) for kind in table.schema.types] == [
        "string",
        "int32",
        "string",
        "double",
        "bool",
        "string",
    ]
    assert table.num_rows == 2400
    assert table.slice(0, 4).to_pylist() == [{key: row.values[key] for key in COLUMNS} for row in ROWS]


def test_check_format_rejects_other_suffixes(written):
    with pytest.raises(DataError, match=r"--out must end in one of \.csv, .*, not in '\.xslx'"):
        written(".xslx")


@pytest.mark.parametrize(("suffix", "module"), [(".parquet", "pyarrow"), (".xlsx", "openpyxl")])
def test_check_format_names_the_missing_package(written, monkeypatch, suffix, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InkwiseError, match=rf'needs {module}: pip install "inkwise\[tables\]"'):
        written(suffix)
