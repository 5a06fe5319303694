"""`inkwise read`: images and documents in, digits out."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from inkwise._util.errors import DataError, InkwiseError, one_line, requires_extra
from inkwise._util.inputs import read_lines
from inkwise._util.text import parse_bounds
from inkwise.batch import (
    BatchDisplay,
    BatchOptions,
    csv_line,
    find_files,
    json_line,
    read_batch,
    read_rows,
    row_values,
)
from inkwise.cli.console import print_table
from inkwise.cli.options import ModelOption, Reads, Writes, path_option

_MIN_FILES_FOR_BAR = 20  # files, above which a progress bar is shown


def read(
    files: Annotated[
        list[str],
        Reads(("{}", "{}.png", "{}.pdf")),
        typer.Argument(metavar="FILE|DIR|-...", help="Images, PDFs, folders of them, - for standard input."),
    ],
    digit: Annotated[bool, typer.Option("--digit", help="Each page holds exactly one digit.")] = False,
    number: Annotated[bool, typer.Option("--number", help="Each page holds exactly one number.")] = False,
    length: Annotated[
        str | None, typer.Option(metavar="N|A-B", help="With --number: count of digits.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(metavar="REGEX", help="With --number: the whole number matches this.")
    ] = None,
    range_: Annotated[
        str | None, typer.Option("--range", metavar="A-B", help="With --number: minimum and maximum.")
    ] = None,
    check: Annotated[
        str | None,
        typer.Option(metavar="RULE", help="With --number: check digit by luhn, ean, mod11 or mod97."),
    ] = None,
    vocabulary: Annotated[
        Path | None,
        Reads(),
        path_option(metavar="FILE", help="With --number: the number is a line of this file."),
    ] = None,
    form: Annotated[
        Path | None,
        Reads(),
        path_option(metavar="FORM", help="Each page is a scan of this form, filled in."),
    ] = None,
    model: ModelOption = "default",
    json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON per page (the default when piped).")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print one CSV row per page.")] = False,
    out: Annotated[
        str | None,
        Writes(("{}.csv", "{}.jsonl", "{}.parquet", "{}.xlsx")),
        typer.Option(
            metavar="F",
            help="Write a table: .csv, .jsonl, .parquet or .xlsx; rerun the same command to resume.",
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Number of processes, with --out.")] = 1,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="ray", help="Read on a Ray cluster; --out is then a folder of Parquet, or its URL."
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Address of the cluster; by default $RAY_ADDRESS or this machine."
        ),
    ] = None,
) -> None:
    """Read handwritten digits from images and PDFs: a table on a terminal, JSON lines when piped."""
    if json and csv:
        raise InkwiseError("--json and --csv: choose one")
    if digit + number + bool(form) > 1:
        raise InkwiseError("--digit, --number and --form: choose one")
    constraint = {
        "length": None if length is None else parse_bounds("--length", length),
        "pattern": pattern,
        "range": None if range_ is None else parse_bounds("--range", range_),
        "check": check,
        "vocabulary": None if vocabulary is None else read_lines(vocabulary),
    }
    known = {key: value for key, value in constraint.items() if value is not None}
    if known and not number:
        raise InkwiseError(f"--{next(iter(known))} needs --number: each page holds exactly one number")
    template = None
    if form is not None:
        from inkwise.forms import FormTemplate

        template = FormTemplate.read(form)
    options = BatchOptions(model, digit, number, known or None, template)
    console = Console(stderr=True)
    if on:
        if on != "ray":
            raise InkwiseError(f"--on {on!r}: the only cluster is ray")
        if not out:
            raise InkwiseError("--on ray needs --out: the folder of the table, or its URL")
        if json or csv or jobs > 1:
            raise InkwiseError(
                "--on ray writes Parquet with all workers of the cluster: leave out --json, --csv and --jobs"
            )
        with requires_extra("cluster", "--on ray"):
            from inkwise.batch.ray_backend import read_on_ray
        failed = read_on_ray(files, options, out, address, console)
    elif address:
        raise InkwiseError("--address needs --on ray")
    elif out:
        suffix = ".jsonl" if json else ".csv" if csv else Path(out).suffix.lower()
        failed = read_batch(files, options, Path(out), suffix, jobs, console)
    elif jobs > 1:
        raise InkwiseError("--jobs needs --out: the file of the table")
    else:
        failed = _print_rows(files, options, json, csv, console)
    if failed:
        raise typer.Exit(1)


def _print_rows(files: list[str], options: BatchOptions, json: bool, csv: bool, console: Console) -> int:
    """Read in this process, print each row when it is done and return the number of failures."""
    read, columns = options.open(), options.columns
    is_terminal = sys.stdout.isatty()
    as_table = is_terminal and not (json or csv)
    shown = [column for column in list(columns)[2:-1] if columns[column] is not bool]
    table = Table("file", *shown, "", box=None)
    total = sum(1 for _ in find_files(files))
    failed = 0
    try:
        if csv:
            sys.stdout.write(csv_line(columns))
        # Rows on the same terminal would interfere with a progress bar.
        with BatchDisplay(console, total, show=total > _MIN_FILES_FOR_BAR and not is_terminal) as view:
            for file in find_files(files):
                for row in read_rows(file, read, columns, view.file):
                    view.row(row)
                    failed += row.failed
                    if as_table:
                        table.add_row(*_table_cells(row.values, shown))
                    else:
                        sys.stdout.write(csv_line(row_values(row, columns)) if csv else json_line(row.values))
        if as_table:
            print_table(table)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        with suppress(OSError):
            sys.stdout.close()  # otherwise Python flushes it at exit and reports the error again
        raise DataError(f"standard output: cannot be written ({error.strerror})") from None
    return failed


def _table_cells(values: dict[str, Any], columns: list[str]) -> list[Text]:
    """File and page, texts, shares in the colour of acceptance, and the reason."""
    page = "" if values["page"] == 1 else f", page {values['page']}"
    cells = [Text(one_line(f"{values['file']}{page}"))]
    for column in columns:
        value = values[column]
        if isinstance(value, str):
            cells.append(Text(value, style="bold"))
        else:
            accepted = values.get(column.replace("confidence", "accepted"), True)
            cells.append(Text(f"{value:.1%}", style="green" if accepted else "red"))
    return [*cells, Text(values["reason"] or "")]
