"""`inkwise learn` and `inkwise corrections`: fine-tuning on corrected samples, and their upkeep."""

import logging
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from inkwise.cli.console import print_error, print_line, print_rows
from inkwise.cli.options import MODEL, DatabaseOption, Reads, Writes, path_argument

app = typer.Typer(no_args_is_help=True, help="Export, import, back up and check corrected samples.")


def learn(
    writer: Annotated[str, typer.Option(metavar="W", help="The writer.")],
    database: DatabaseOption = None,
    model: Annotated[
        str,
        MODEL,
        typer.Option(
            metavar="MODEL", help="Initial model: name of a bundled one, an .onnx file, a run folder."
        ),
    ] = "default",
    promote: Annotated[
        bool, typer.Option("--promote", help="Use the new model even if it is less accurate.")
    ] = False,
) -> None:
    """Fine-tune a model on a writer's corrections, and use it if it is not less accurate."""
    from inkwise import corrections  # not in the base install

    logging.basicConfig(format="inkwise: %(message)s")  # for warnings about damaged versions
    console = Console(stderr=True)
    with (
        corrections.Store.open(database) as store,
        Progress(console=console, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("", total=1)
        version = corrections.learn(
            store,
            writer,
            model,
            progress=lambda step, share: bar.update(task, description=step, completed=share),
            promote=promote,
        )

    names = {"mnist": "mnist-test", "own": f"{writer}, held back", "numbers": f"numbers of {writer}"}
    rows = []
    for key, name in names.items():
        before, after = getattr(version.before, key), getattr(version.after, key)
        if after.n or key != "numbers":
            rows.append((name, f"{before.n:,}", f"{before.misses:,}", f"{after.misses:,}"))
    print_rows(("set", "n", "misses before", "after"), rows)
    worse = " and ".join(names[key] for key in version.after.worse_than(version.before)) or "neither"
    kept = "promoted" if version.promoted else "kept, not promoted (--promote forces it)"
    print_line(f"version {version.number}, trained on {version.samples:,} samples: worse on {worse}: {kept}")


@app.command("export")
def export_(
    folder: Annotated[Path, Writes(), path_argument(metavar="DIR", help="A new folder for the three files.")],
    writer: Annotated[
        str | None, typer.Option(metavar="W", help="Export only this writer's samples.")
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Write images.csv, labels.csv and samples.jsonl; damaged samples are skipped and listed."""
    from inkwise.corrections import Store, export_samples  # not in the base install

    with Store.open(database) as store:
        count = export_samples(store, folder, writer, lambda damage: print_error(f"skipped: {damage}"))
    print_line(f"exported {count:,} samples to {folder}")


@app.command("import")
def import_(
    source: Annotated[
        Path,
        Reads(),
        path_argument(metavar="DIR|FILE", help="An exported folder, its samples.jsonl, or the CSV files."),
    ],
    writer: Annotated[
        str | None,
        typer.Option(metavar="W", help="Writer, for CSV files without samples.jsonl."),
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Import exported samples: all, or none if a row is invalid."""
    from inkwise.corrections import Store, import_samples  # not in the base install

    with Store.open(database) as store:
        count = import_samples(store, source, writer)
    print_line(f"imported {count:,} new samples")


@app.command()
def backup(
    file: Annotated[Path, Writes(), path_argument(metavar="FILE", help="The copy; it must not exist yet.")],
    database: DatabaseOption = None,
) -> None:
    """Copy the whole database with all personal models, even while the app is running."""
    from inkwise.corrections import Store  # not in the base install

    with Store.open(database) as store:
        count = store.backup(file)
        for damage in store.versions.damaged_models():
            print_error(damage)
    print_line(f"backed up {count:,} samples and all personal models to {file}")


@app.command()
def check(
    delete: Annotated[bool, typer.Option("--delete", help="Delete the damaged samples.")] = False,
    database: DatabaseOption = None,
) -> None:
    """List damaged samples and versions, one per line; exit status 1 if there are any."""
    from inkwise.corrections import Store  # not in the base install

    with Store.open(database) as store:
        damaged = False
        for damage in chain(store.damaged(), store.versions.damaged_models()):
            print_line(str(damage))
            damaged = True
        if delete:
            print_line(f"deleted {store.delete_damaged():,} damaged samples")
        elif damaged:
            raise typer.Exit(1)
        else:
            print_line(f"{store.count():,} samples, none damaged")
