"""Tables as files: CSV, JSON Lines, Parquet and XLSX, written row by row."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from inkwise._util.errors import DataError, requires_extra
from inkwise._util.text import escape_formula
from inkwise.batch.page_rows import Columns, PageRow
from inkwise.batch.spreadsheet import write_xlsx

Rows = Callable[[], Iterable[PageRow]]

_ROWS_PER_BATCH = 1000  # rows in memory at once, for formats that write several
_NUMBER_PATTERN = re.compile(r"[+-]?\d+([.,]\d+)*")  # text that a spreadsheet reads as a number


def check_format(suffix: str) -> None:
    """Check that tables can be written in the format of a suffix.

    Raises:
        DataError: The format is unknown.
        InkwiseError: The package that writes it is not installed.
    """
    if suffix not in _FORMATS:
        raise DataError(f"--out must end in one of {', '.join(_FORMATS)}, not in {suffix!r}")
    if package := _FORMATS[suffix].package:
        with requires_extra("tables", f"--out {suffix}"):
            import_module(package)


def write_table(rows: Rows, path: Path, columns: Columns, suffix: str) -> None:
    """Write the returned rows to a new file in the format of a suffix that `check_format` accepts."""
    _FORMATS[suffix].write(rows, path, columns)


def csv_line(values: Iterable[Any]) -> str:
    """Return a line of CSV in which a spreadsheet finds no formula."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(map(_plain_value, values))
    return line.getvalue()


def json_line(values: dict[str, Any]) -> str:
    """Return a line of JSON."""
    return json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n"


def row_values(row: PageRow, columns: Columns) -> list[Any]:
    """Return the values of a row in the order of the columns."""
    return [row.values[column] for column in columns]


def parquet_schema(columns: Columns) -> Any:
    """Return the columns as a `pyarrow.Schema`."""
    import pyarrow as pa

    kinds = {str: pa.string(), int: pa.int32(), float: pa.float64(), bool: pa.bool_()}
    return pa.schema([(column, kinds[kind]) for column, kind in columns.items()])


def _plain_value(value: Any) -> Any:
    if isinstance(value, str) and not _NUMBER_PATTERN.fullmatch(value):
        return escape_formula(value)
    return "" if value is None else value


def _write_csv(rows: Rows, path: Path, columns: Columns) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(csv_line(columns))
        file.writelines(csv_line(row_values(row, columns)) for row in rows())


def _write_jsonl(rows: Rows, path: Path, _: Columns) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        file.writelines(json_line(row.values) for row in rows())


def _write_parquet(rows: Rows, path: Path, columns: Columns) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    schema = parquet_schema(columns)
    left = iter(rows())
    with parquet.ParquetWriter(path, schema) as file:
        while batch := list(islice(left, _ROWS_PER_BATCH)):
            file.write_table(pa.Table.from_pylist([row.values for row in batch], schema))


def _write_xlsx(rows: Rows, path: Path, columns: Columns) -> None:
    write_xlsx(lambda: (row.values for row in rows()), path, columns)


class _TableFormat(NamedTuple):
    write: Callable[[Rows, Path, Columns], None]
    package: str | None = None


_FORMATS = {
    ".csv": _TableFormat(_write_csv),
    ".jsonl": _TableFormat(_write_jsonl),
    ".parquet": _TableFormat(_write_parquet, "pyarrow"),
    ".xlsx": _TableFormat(_write_xlsx, "openpyxl"),
}
