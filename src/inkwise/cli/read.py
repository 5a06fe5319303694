"""`inkwise read`: images and documents in, digits out."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, get_args

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from inkwise._util.errors import DataError, InkwiseError, one_line, requires_extra
from inkwise._util.inputs import read_lines
from inkwise._util.text import parse_bounds
from inkwise.batch import (
    Backend,
    BatchOptions,
    BatchSummary,
    Columns,
    Journal,
    LocalBackend,
    PageRow,
    RowSink,
    csv_line,
    json_line,
    read_batch,
    row_values,
)
from inkwise.batch.page_documents import DOCUMENT_FORMATS, DocumentFormat, PageDocuments
from inkwise.cli.console import print_line, print_table
from inkwise.cli.options import ModelOption, Reads, Writes, path_option
from inkwise.image import find_skipped, skipped_message
from inkwise.recognition import Expect
from inkwise.recognition.reading import SHOWN_ALTERNATIVES
from inkwise.recognition.recognizer import check_expect

_MIN_FILES_FOR_BAR = 20  # files above which a progress bar is shown with printed rows


def read(
    files: Annotated[
        list[str],
        Reads(("{}", "{}.png", "{}.pdf")),
        typer.Argument(metavar="FILE|DIR|-...", help="Images, PDFs, folders of them, - for standard input."),
    ],
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect",
            "-e",
            metavar="|".join(get_args(Expect)),
            help="Hint: each page holds exactly one digit, exactly one number, or many numbers.",
        ),
    ] = None,
    length: Annotated[
        str | None, typer.Option(metavar="N|A-B", help="Number of digits; implies one number per page.")
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Each page holds one number, which matches this, or is of this form: "
            "amount, date, date-mdy, date-ymd, time, phone.",
        ),
    ] = None,
    range_: Annotated[
        str | None,
        typer.Option("--range", metavar="A-B", help="Each page holds one number, from A to B."),
    ] = None,
    check: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="Each page holds one number, with a check digit by luhn, ean, mod11 or mod97.",
        ),
    ] = None,
    vocabulary: Annotated[
        Path | None,
        Reads(),
        path_option(metavar="FILE", help="Each page holds one number, which is a line of this file."),
    ] = None,
    form: Annotated[
        Path | None,
        Reads(),
        path_option("--form", "-f", metavar="FORM", help="Each page is a scan of this form, filled in."),
    ] = None,
    model: ModelOption = "default",
    decimal: Annotated[
        str | None,
        typer.Option(metavar=".|,", help="Decimal separator of the writers, for the value of 1.250."),
    ] = None,
    alternatives: Annotated[
        int, typer.Option(min=1, metavar="N", help="Labels of each digit in JSON, the most likely first.")
    ] = SHOWN_ALTERNATIVES,
    json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON per page (the default when piped).")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print one CSV row per page.")] = False,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="|".join(DOCUMENT_FORMATS),
            help="Print the page as a document of this format; with --out FOLDER, each page as a file.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        Writes(("{}.csv", "{}.jsonl", "{}.parquet", "{}.xlsx")),
        typer.Option(
            "--out",
            "-o",
            metavar="F",
            help="Write a table: .csv, .jsonl, .parquet or .xlsx; rerun the same command to resume. "
            "With --format, a folder.",
        ),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Number of processes, with --out.")] = 1,
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
    if json + csv + bool(format_) > 1:
        raise InkwiseError("--json, --csv and --format: choose one")
    if format_ and format_ not in DOCUMENT_FORMATS:
        raise InkwiseError(f"--format {format_!r}: expected {' or '.join(DOCUMENT_FORMATS)}")
    if format_ and (form or on):
        raise InkwiseError(f"--format and --{'form' if form else 'on'}: choose one")
    hint = check_expect(expect)
    if hint and form:
        raise InkwiseError("--expect and --form: choose one")
    if decimal and form:
        raise InkwiseError("--decimal and --form: choose one; a form has texts without values")
    known = {
        "length": None if length is None else parse_bounds("--length", length),
        "pattern": pattern,
        "range": None if range_ is None else parse_bounds("--range", range_),
        "check": check,
        "vocabulary": None if vocabulary is None else read_lines(vocabulary),
    }
    constraint = {key: value for key, value in known.items() if value is not None} or None
    if constraint and (form or hint in ("digit", "page")):
        other = "--form" if form else f"--expect {hint}"
        raise InkwiseError(f"--{next(iter(constraint))} describes one number: leave out {other}")
    template = None
    if form is not None:
        from inkwise.forms import FormTemplate

        template = FormTemplate.read(form)
    document = DOCUMENT_FORMATS[format_] if format_ else None
    options = BatchOptions(model, hint, constraint, template, alternatives, decimal)
    backend: Backend
    if on == "ray":
        backend = _ray_backend(files, options, out, address, local_options=json or csv or jobs > 1)
    elif on:
        raise InkwiseError(f"--on {on!r}: expected ray")
    elif address:
        raise InkwiseError("--address needs --on ray")
    elif out and document:
        backend = LocalBackend(files, options, PageDocuments(document, Path(out)), jobs)
    elif out:
        suffix = ".jsonl" if json else ".csv" if csv else Path(out).suffix.lower()
        backend = LocalBackend(files, options, Journal(Path(out), options, suffix, files), jobs)
    elif jobs > 1:
        raise InkwiseError("--jobs needs --out: the file of the table")
    else:
        backend = LocalBackend(files, options, _PrintedRows(options.columns, json, csv, document))
    # A bar would interfere with rows on the same terminal.
    show = bool(out) or (backend.files > _MIN_FILES_FOR_BAR and not sys.stdout.isatty())
    if skipped := find_skipped(files):
        print_line(skipped_message(skipped), err=True)
    summary = read_batch(backend, Console(stderr=True), show=show)
    if out:
        print_line(_summary_line(summary, out, document=document is not None), err=True)
    if summary.failed:
        raise typer.Exit(1)


def _summary_line(summary: BatchSummary, out: str, *, document: bool) -> str:
    """Describe what was written; if something is doubtful, say what comes next."""
    failed = f" ({summary.failed:,} failed)" if summary.failed else ""
    line = (
        f"wrote {out}: pages: {summary.pages:,}{failed}, numbers: {summary.numbers:,},"
        f" doubtful: {summary.doubtful:,}"
    )
    if document or not summary.doubtful:
        return line
    first, table = (
        ("", out) if out.endswith(".jsonl") else ("read with --out table.jsonl, then ", "table.jsonl")
    )
    return f"{line}; to correct them: {first}inkwise review {table}"


def _ray_backend(
    files: list[str], options: BatchOptions, out: str | None, address: str | None, *, local_options: bool
) -> Backend:
    """Check the options of a cluster and plan the batch."""
    if not out:
        raise InkwiseError("--on ray needs --out: the folder of the table, or its URL")
    if local_options:
        raise InkwiseError(
            "--on ray writes Parquet with all workers of the cluster: leave out --json, --csv and --jobs"
        )
    with requires_extra("cluster", "--on ray"):
        from inkwise.batch.ray_backend import RayBackend
    return RayBackend(files, options, out, address)


class _PrintedRows(RowSink):
    """Prints each row as CSV, JSON or a document when it is read; on a terminal, a table at the end."""

    def __init__(
        self, columns: Columns, as_json: bool, as_csv: bool, document: DocumentFormat | None = None
    ) -> None:
        self._columns, self._as_csv, self._document = columns, as_csv, document
        self._pages = 0
        self._header = csv_line(columns) if as_csv else ""
        # File and page share the first column; the reason is the last one; `accepted` is shown as a colour.
        self._shown = [column for column in list(columns)[2:-1] if columns[column] is not bool]
        as_table = sys.stdout.isatty() and not (as_json or as_csv or document)
        self._table = Table("file", *self._shown, "", box=None) if as_table else None

    def add(self, row: PageRow) -> None:
        """Print a row, or add it to the table."""
        values = row.values
        if self._document:
            self._add_document(row)
        elif self._as_csv:
            sys.stdout.write(self._header + csv_line(row_values(row, self._columns)))
            self._header = ""
        elif self._table is None:
            sys.stdout.write(json_line(values))
        else:
            name = values["file"] if values["page"] == 1 else "{file}, page {page}".format(**values)
            cells = [_cell(values, column) for column in self._shown]
            self._table.add_row(Text(one_line(name)), *cells, Text(values["reason"] or ""))

    def _add_document(self, row: PageRow) -> None:
        self._pages += 1
        if self._pages > 1:
            raise InkwiseError("--format prints the document of one page; for more, name a folder with --out")
        if self._document and not row.failed:
            sys.stdout.write(self._document.render(row.values))

    def finish(self) -> None:
        """Print the table."""
        if self._table is not None:
            print_table(self._table)
        sys.stdout.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Turn an error of standard output, except a closed pipe, into a DataError of one line."""
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            with suppress(OSError):
                sys.stdout.close()  # otherwise Python flushes it at exit and reports the error again
            raise DataError(f"standard output: cannot be written ({error.strerror})") from None


def _cell(values: dict[str, Any], column: str) -> Text:
    """Return a text in bold, or a probability in the colour of its acceptance."""
    value = values[column]
    if value is None or isinstance(value, str):
        return Text(value or "", style="bold")
    accepted = values.get(column.replace("confidence", "accepted"), True)
    return Text(f"{value:.1%}", style="green" if accepted else "red")
