"""`inkwise evaluate`: how well a model does on labelled digits."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from inkwise._util.errors import one_line, requires_extra
from inkwise._util.files import make_directory
from inkwise.cli.options import DATA, MODEL, Writes, path_option
from inkwise.cli.output import print_line
from inkwise.cli.table import print_table


def evaluate(
    model: Annotated[
        str,
        MODEL,
        typer.Argument(
            metavar="MODEL", help="A bundled model by its name (default, ..), an .onnx file, or a run folder."
        ),
    ],
    on: Annotated[
        str,
        DATA,
        typer.Option(
            metavar="SET,..", help="Data sets, comma-separated: mnist-test, a folder, a .csv or .npz file."
        ),
    ],
    out: Annotated[
        Path | None,
        Writes(),
        path_option(
            metavar="DIR", help="Write report.html, evaluation.json and the pictures to this folder."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Evaluate a model: misses, accuracy with its 95 % interval, log-loss and calibration on each set."""
    with requires_extra("train", "evaluating"):
        from inkwise.datasets import load_dataset
        from inkwise.evaluation import explain_mistakes, report, results
    if out is not None:
        make_directory(out)  # before the work is done, which may take long
    opened = results.open_model(model)
    facts = {"name": opened.name, "labels": opened.labels} | opened.metadata
    evaluated = results.evaluate_model(
        opened, [load_dataset(name.strip()) for name in on.split(",") if name.strip()]
    )
    if json:
        sys.stdout.write(report.to_json(facts, evaluated))
    else:
        print_summary(report.SUMMARY_HEAD, map(report.summary_row, evaluated))
    if out is not None:
        explained = explain_mistakes(opened, evaluated)
        report.write_report(out / "report.html", facts, explained, results.read_history(model))
        print_line(f"wrote {out / 'report.html'}", err=True)


def print_summary(head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a line for each set."""
    table = Table(*head, box=None)
    for row in rows:
        table.add_row(*map(one_line, row))
    print_table(table)
