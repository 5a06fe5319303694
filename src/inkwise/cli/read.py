"""`inkwise read`: pictures in, digits out."""

from __future__ import annotations

import csv
import io
import json as jsonlib
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from inkwise import Recognizer
from inkwise.cli.table import print_table
from inkwise.errors import DataError, InkwiseError, PictureError
from inkwise.ink import SUFFIXES

_COLUMNS = ("file", "text", "confidence", "accepted", "reason")


def read(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE|DIR|-...", help="Pictures, folders of pictures, - for stdin.")
    ],
    digit: Annotated[bool, typer.Option("--digit", help="Each picture holds exactly one digit.")] = False,
    model: Annotated[
        str,
        typer.Option(metavar="MODEL", help="A bundled model by its name, an .onnx file, or a run folder."),
    ] = "default",
    json: Annotated[
        bool, typer.Option("--json", help="One line of JSON a file (the default when piped).")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="One CSV row a file.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="F", help="Write to this file.")] = None,
) -> None:
    """Read handwritten digits from pictures: a table on a terminal, JSON lines when piped."""
    if json and csv:
        raise InkwiseError("--json and --csv: choose one")
    recognizer = Recognizer(model)
    reader = recognizer.read_digit if digit else recognizer.read
    sources = list(_sources(files))
    failed = 0
    try:
        with out.open("w", newline="", encoding="utf-8") if out else nullcontext(sys.stdout) as stream:
            write = _writer(stream, json, csv)
            progress = Console(stderr=True)
            # With rows on the same terminal a bar would only be in their way.
            show = len(sources) > 20 and progress.is_terminal and not stream.isatty()
            for source in track(sources, "reading", console=progress, disable=not show):
                try:
                    row = reader(sys.stdin.buffer.read() if source == "-" else source).to_dict()
                except PictureError as error:
                    failed += 1
                    typer.echo(f"inkwise: {error}", err=True)
                    row = {"text": "", "confidence": 0.0, "accepted": False, "reason": str(error)}
                write({"file": source, **row})
            write(None)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise DataError(f"{out or 'standard output'}: cannot be written ({error.strerror})") from None
    if failed:
        raise typer.Exit(1)


def _sources(files: list[str]) -> Iterator[str]:
    """The pictures that were named, folders opened, in a steady order."""
    for file in files:
        path = Path(file)
        if file == "-" or not path.is_dir():
            yield file
            continue
        found = [str(p) for p in sorted(path.rglob("*")) if p.suffix.lower() in SUFFIXES]
        if not found:
            raise DataError(f"{file}: no pictures in this folder ({', '.join(SUFFIXES)})")
        yield from found


def _writer(stream: Any, as_json: bool, as_csv: bool) -> Callable[[dict[str, Any] | None], None]:
    """A function that writes one row, or ends the output when given None."""
    if as_csv:
        stream.write(_csv_line(_COLUMNS))

        def write_csv(row: dict[str, Any] | None) -> None:
            if row is not None:
                stream.write(
                    _csv_line([row[column] if row[column] is not None else "" for column in _COLUMNS])
                )

        return write_csv
    if as_json or not stream.isatty():

        def write_json(row: dict[str, Any] | None) -> None:
            if row is not None:
                stream.write(jsonlib.dumps(row, ensure_ascii=False) + "\n")

        return write_json
    table = Table("file", "text", "confidence", "", box=None)

    def write_table(row: dict[str, Any] | None) -> None:
        if row is None:
            print_table(table)
        else:
            sure = Text(f"{row['confidence']:.1%}", style="green" if row["accepted"] else "red")
            table.add_row(Text(row["file"]), Text(row["text"], style="bold"), sure, Text(row["reason"] or ""))

    return write_table


def _csv_line(values: Any) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()
