"""`inkwise corrections`: export, import, back up and check what was taught."""

from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from inkwise.cli.options import DatabaseOption, Reads, Writes, path_argument
from inkwise.cli.output import print_line

app = typer.Typer(no_args_is_help=True, help="What you taught: export it, import it, back it up.")


@app.command("export")
def export_(
    folder: Annotated[Path, Writes(), path_argument(metavar="DIR", help="A new folder for the three files.")],
    writer: Annotated[str | None, typer.Option(metavar="W", help="Only this writer's samples.")] = None,
    database: DatabaseOption = None,
) -> None:
    """Write images.csv, labels.csv and samples.jsonl; damaged samples are left out and named."""
    from inkwise.corrections import Store, export_samples  # not in the base install

    with Store.open(database) as store:
        count = export_samples(store, folder, writer, _say_left_out)
    print_line(f"exported {count:,} samples to {folder}")


def _say_left_out(damage: object) -> None:
    print_line(f"inkwise: left out: {damage}", err=True)


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
    from inkwise.corrections import Store  # not in the base install

    with Store.open(database) as store:
        count = store.backup(file)
        for line in store.versions.damaged_models():
            print_line(f"inkwise: {line}", err=True)
    print_line(f"backed up {count:,} samples and all learnt models to {file}")


@app.command()
def check(
    delete: Annotated[bool, typer.Option("--delete", help="Delete the damaged samples.")] = False,
    database: DatabaseOption = None,
) -> None:
    """List damaged samples and versions, a line each; exit 1 if there are any."""
    from inkwise.corrections import Store  # not in the base install

    with Store.open(database) as store:
        damaged = 0
        for damage in chain(store.damaged(), store.versions.damaged_models()):
            print_line(str(damage))
            damaged += 1
        if delete:
            print_line(f"deleted {store.delete_damaged():,} damaged samples")
        elif damaged:
            raise typer.Exit(1)
        else:
            print_line(f"{store.count():,} samples, none damaged")
