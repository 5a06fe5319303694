"""Tables as files: CSV, JSON Lines, Parquet, XLSX, each row written as it comes."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from inkwise._util.errors import DataError, requires_extra
from inkwise._util.text import escape_formula
from inkwise.batch.page_rows import Columns, PageRow

WriteTable = Callable[[Iterable[PageRow], Path], None]

_ROWS_PER_BATCH = 1000  # rows in memory at once, where a format wants several
_MAX_SHEET_ROWS = 1_048_576  # rows that a sheet of XLSX can have, with its head
_NUMBER_PATTERN = re.compile(r"[+-]?\d+([.,]\d+)*")  # what a spreadsheet may well take for one


def table_writer(suffix: str, columns: Columns) -> WriteTable:
    """A function that writes rows of such columns to a new file, in the format of such a suffix.

    Raises:
        DataError: there is no such format.
        InkwiseError: what it needs is not installed.
    """
    if suffix not in _FORMATS:
        raise DataError(f"--out must end in one of {', '.join(_FORMATS)}, not in {suffix!r}")
    return _FORMATS[suffix](columns)


def csv_line(values: Iterable[Any]) -> str:
    """A line of CSV; nothing in it is taken for a formula by a spreadsheet."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(map(_plain_value, values))
    return line.getvalue()


def json_line(values: dict[str, Any]) -> str:
    """A line of JSON."""
    return json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n"


def row_values(row: PageRow, columns: Columns) -> list[Any]:
    """The values of a row in the order of the columns."""
    return [row.values[column] for column in columns]


def _plain_value(value: Any) -> Any:
    if isinstance(value, str) and not _NUMBER_PATTERN.fullmatch(value):
        return escape_formula(value)
    return "" if value is None else value


def _csv(columns: Columns) -> WriteTable:
    def write(rows: Iterable[PageRow], path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            file.write(csv_line(columns))
            file.writelines(csv_line(row_values(row, columns)) for row in rows)

    return write


def _jsonl(columns: Columns) -> WriteTable:
    def write(rows: Iterable[PageRow], path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            file.writelines(json_line(row.values) for row in rows)

    return write


def parquet_schema(columns: Columns) -> Any:
    """The columns as a schema of Parquet, a pyarrow.Schema."""
    import pyarrow as pa

    kinds = {str: pa.string(), int: pa.int32(), float: pa.float64(), bool: pa.bool_()}
    return pa.schema([(column, kinds[kind]) for column, kind in columns.items()])


def _parquet(columns: Columns) -> WriteTable:
    with requires_extra("tables", "Parquet"):
        import pyarrow as pa
        from pyarrow import parquet
    kept = parquet_schema(columns)

    def write(rows: Iterable[PageRow], path: Path) -> None:
        with parquet.ParquetWriter(path, kept) as file:
            rows = iter(rows)
            while batch := list(islice(rows, _ROWS_PER_BATCH)):
                file.write_table(pa.Table.from_pylist([row.values for row in batch], kept))

    return write


def _xlsx(columns: Columns) -> WriteTable:
    with requires_extra("tables", "XLSX"):
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    def write(rows: Iterable[PageRow], path: Path) -> None:
        book = Workbook(write_only=True)
        sheet = book.create_sheet("readings")

        def text(value: Any) -> Any:
            if not isinstance(value, str):
                return value
            cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", value))
            cell.data_type = "s"  # whatever it begins with, it is text
            return cell

        try:
            sheet.append(list(columns))
            for number, row in enumerate(rows, 2):
                if number > _MAX_SHEET_ROWS:
                    raise DataError(
                        f"XLSX holds {_MAX_SHEET_ROWS - 1:,} rows at most; write .csv or .parquet"
                    )
                sheet.append([text(value) for value in row_values(row, columns)])
        finally:
            sheet.close()  # it goes through a file of its own
        book.save(path)

    return write


_FORMATS = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet, ".xlsx": _xlsx}
