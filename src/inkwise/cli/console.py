"""Output of the commands: lines and tables that no file name or encoding can break."""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from inkwise._util.errors import one_line


def print_line(text: str, *, err: bool = False) -> None:
    """Print exactly one line; characters that are not printable are escaped."""
    print(one_line(text), file=sys.stderr if err else sys.stdout, flush=True)


def print_error(error: object) -> None:
    """Print an error or a warning as one line on standard error."""
    print_line(f"inkwise: {error}", err=True)


def print_rows(head: Iterable[str | Column], rows: Iterable[Iterable[str | Text]]) -> None:
    """Print a table of columns and rows; unprintable characters of plain cells are escaped."""
    table = Table(*head, box=None)
    for row in rows:
        table.add_row(*(one_line(cell) if isinstance(cell, str) else cell for cell in row))
    print_table(table)


def print_table(table: Table) -> None:
    """Print a table on standard output, with unlimited width when piped, as rich would wrap lines at 80."""
    Console(markup=False, emoji=False, width=None if sys.stdout.isatty() else 1000).print(table)


def escape_unencodable() -> None:
    """Escape characters that the encoding of standard output or standard error lacks."""
    codecs.register_error("inkwise", _escape_as_json)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="inkwise")


def _escape_as_json(error: UnicodeError) -> tuple[str, int]:
    """Error handler whose escapes are those of JSON, so that JSON output stays valid."""
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
