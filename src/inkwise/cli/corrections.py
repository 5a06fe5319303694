"""`inkwise corrections`: what was taught, to files and back; backups."""

from pathlib import Path
from typing import Annotated

import typer

from inkwise.cli.options import DatabaseOption, Reads, Writes, path_argument
from inkwise.cli.output import print_line

app = typer.Typer(no_args_is_help=True, help="What you taught: export it, import it, back it up.")


@app.command("export")
def export_(
    folder: Annotated[Path, Writes(), path_argument(metavar="DIR", help="Where the three files go.")],
    writer: Annotated[str | None, typer.Option(metavar="W", help="Only this writer's samples.")] = None,
    database: DatabaseOption = None,
) -> None:
    """Write images.csv, labels.csv and samples.jsonl."""
    from inkwise.corrections import Store, export_samples  # not in the base install

    with Store.open(database) as store:
        count = export_samples(store, folder, writer)
    print_line(f"exported {count:,} samples to {folder}")


@app.command("import")
def import_(
    source: Annotated[
        Path,
        Reads(),
        path_argument(metavar="DIR|FILE", help="An export, its samples.jsonl, or the CSV files alone."),
    ],
    writer: Annotated[
        str | None, typer.Option(metavar="W", help="Whose hand it is, where there are CSV files alone.")
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Take in an export: all of it, or nothing if a row is wrong."""
    from inkwise.corrections import Store, import_samples  # not in the base install

    with Store.open(database) as store:
        count = import_samples(store, source, writer)
    print_line(f"imported {count:,} samples that were not there")


@app.command()
def backup(
    file: Annotated[Path, Writes(), path_argument(metavar="FILE", help="The copy; it must not exist yet.")],
    database: DatabaseOption = None,
) -> None:
    """Copy the whole database, learnt models included, also while the app is running."""
    from inkwise.corrections import Store, damaged_versions  # not in the base install

    with Store.open(database) as store:
        count = store.backup(file)
        for line in damaged_versions(store.versions):
            print_line(f"inkwise: {line}", err=True)
    print_line(f"backed up {count:,} samples and all learnt models to {file}")
