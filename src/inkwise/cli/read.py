"""`inkwise read`: pictures and documents in, digits out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from inkwise._util.errors import DataError, InkwiseError, one_line, requires_extra
from inkwise.batch import (
    BatchDisplay,
    BatchOptions,
    Columns,
    PageRow,
    csv_line,
    find_files,
    json_line,
    read_batch,
    read_rows,
    row_values,
)
from inkwise.cli.known import constraint_options
from inkwise.cli.options import ModelOption, Reads, Writes, path_option
from inkwise.cli.table import print_table

_MIN_FILES_FOR_BAR = 20  # files, from which on a bar is worth its place


def read(
    files: Annotated[
        list[str],
        Reads(("{}", "{}.png", "{}.pdf")),
        typer.Argument(metavar="FILE|DIR|-...", help="Pictures, PDFs, folders of them, - for stdin."),
    ],
    digit: Annotated[bool, typer.Option("--digit", help="Each page holds exactly one digit.")] = False,
    number: Annotated[bool, typer.Option("--number", help="Each page holds exactly one number.")] = False,
    length: Annotated[
        str | None, typer.Option(metavar="N|A-B", help="Of the number: so many digits.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Of the number: it matches this as a whole.")
    ] = None,
    range_: Annotated[
        str | None, typer.Option("--range", metavar="A-B", help="Of the number: it lies between these.")
    ] = None,
    check: Annotated[
        str | None, typer.Option(metavar="RULE", help="Of its check digit: luhn, ean, mod11 or mod97.")
    ] = None,
    vocabulary: Annotated[
        Path | None, Reads(), path_option(metavar="FILE", help="Of the number: it is a line of this file.")
    ] = None,
    form: Annotated[
        Path | None,
        Reads(),
        path_option(metavar="FORM", help="Each page is a scan of this form, filled in."),
    ] = None,
    model: ModelOption = "default",
    json: Annotated[
        bool, typer.Option("--json", help="One line of JSON a page (the default when piped).")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="One CSV row a page.")] = False,
    out: Annotated[
        str | None,
        Writes(("{}.csv", "{}.jsonl", "{}.parquet", "{}.xlsx")),
        typer.Option(
            metavar="F",
            help="Write a table: .csv, .jsonl, .parquet or .xlsx. The same command goes on after a kill.",
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="How many processes read, with --out.")] = 1,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="ray", help="Read on a Ray cluster; --out is then a folder of Parquet, or its URL."
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Of the cluster; else $RAY_ADDRESS, else this machine."),
    ] = None,
) -> None:
    """Read handwritten digits from pictures and PDFs: a table on a terminal, JSON lines when piped."""
    if json and csv:
        raise InkwiseError("--json and --csv: choose one")
    if digit + number + bool(form) > 1:
        raise InkwiseError("--digit, --number and --form: choose one")
    known = constraint_options(length, pattern, range_, check, vocabulary)
    if known and not number:
        raise InkwiseError(f"--{next(iter(known))} needs --number: each page holds exactly one number")
    template = None
    if form is not None:
        from inkwise.forms import FormTemplate

        template = FormTemplate.read(form)
    reader = BatchOptions(model, digit, number, known, template)
    console = Console(stderr=True)
    if on:
        failed = _read_on(on, files, reader, out, address, jobs, json or csv, console)
    elif address:
        raise InkwiseError("--address needs --on ray")
    elif out:
        suffix = ".jsonl" if json else ".csv" if csv else Path(out).suffix.lower()
        failed = read_batch(files, reader, Path(out), suffix, jobs, console)
    elif jobs > 1:
        raise InkwiseError("--jobs needs --out: where the table is to be written")
    else:
        failed = _print(files, reader, json, csv, console)
    if failed:
        raise typer.Exit(1)


def _read_on(
    on: str,
    files: list[str],
    reader: BatchOptions,
    out: str | None,
    address: str | None,
    jobs: int,
    other_format: bool,
    console: Console,
) -> int:
    """Read on a cluster; how many failed."""
    if on != "ray":
        raise InkwiseError(f"--on {on!r}: there is only ray")
    if not out:
        raise InkwiseError("--on ray needs --out: the folder of the table, or its URL")
    if other_format or jobs > 1:
        raise InkwiseError(
            "--on ray writes Parquet, with all the cluster has: leave out --json, --csv and --jobs"
        )
    with requires_extra("cluster", "--on ray"):
        from inkwise.batch.ray_backend import read_on_ray
    return read_on_ray(files, reader, out, address, console)


def _print(files: list[str], reader: BatchOptions, json: bool, csv: bool, console: Console) -> int:
    """Read in this process and print each row as it is done; how many failed."""
    read = reader.open()
    total = sum(1 for _ in find_files(files))
    failed = 0
    # With rows on the same terminal a bar would only be in their way.
    show = total > _MIN_FILES_FOR_BAR and not sys.stdout.isatty()
    try:
        write = _writer(reader.columns, json, csv)
        with BatchDisplay(console, total, show=show) as view:
            for file in find_files(files):
                for row in read_rows(file, read, reader.columns, view.file):
                    view.row(row)
                    write(row)
                    failed += row.failed
        write(None)
        sys.stdout.flush()
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        with suppress(OSError):
            sys.stdout.close()  # else Python tries it once more in the end, and says so
        raise DataError(f"standard output: cannot be written ({error.strerror})") from None
    return failed


def _writer(columns: Columns, as_json: bool, as_csv: bool) -> Callable[[PageRow | None], None]:
    """A function that writes one row, or ends the output when given None."""
    if as_csv:
        sys.stdout.write(csv_line(columns))

        def write_csv(row: PageRow | None) -> None:
            if row is not None:
                sys.stdout.write(csv_line(row_values(row, columns)))

        return write_csv
    if as_json or not sys.stdout.isatty():

        def write_json(row: PageRow | None) -> None:
            if row is not None:
                sys.stdout.write(json_line(row.values))

        return write_json
    shown = [column for column in list(columns)[2:-1] if columns[column] is not bool]
    table = Table("file", *shown, "", box=None)

    def write_table(row: PageRow | None) -> None:
        if row is None:
            print_table(table)
            return
        values = row.values
        name = values["file"] if values["page"] == 1 else "{file}, page {page}".format(**values)
        table.add_row(
            Text(one_line(name)), *(_shown(values, column) for column in shown), Text(values["reason"] or "")
        )

    return write_table


def _shown(values: dict[str, Any], column: str) -> Text:
    """A text, or a share in the colour of whether it is accepted."""
    value = values[column]
    if isinstance(value, str):
        return Text(value, style="bold")
    accepted = values.get(column.replace("confidence", "accepted"), True)
    return Text(f"{value:.1%}", style="green" if accepted else "red")
