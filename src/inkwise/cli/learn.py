"""`inkwise learn`: a writer's corrections become a model of their own."""

import logging
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from inkwise.cli.options import MODEL, DatabaseOption
from inkwise.cli.output import print_line
from inkwise.cli.table import print_table


def learn(
    writer: Annotated[str, typer.Option(metavar="W", help="Whose hand to learn.")],
    database: DatabaseOption = None,
    model: Annotated[
        str,
        MODEL,
        typer.Option(
            metavar="MODEL", help="What to start from: a bundled model, an .onnx file, a run folder."
        ),
    ] = "default",
    promote: Annotated[
        bool, typer.Option("--promote", help="Read with what was learnt even if it is worse.")
    ] = False,
) -> None:
    """Fine-tune a model on a writer's corrections, and keep it if it is not worse."""
    from inkwise.corrections import Store  # not in the base install
    from inkwise.corrections import learn as learn_

    logging.basicConfig(format="inkwise: %(message)s")  # says which version is damaged
    console = Console(stderr=True)
    with Store.open(database) as store, Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1)
        version = learn_(
            store,
            writer,
            model,
            progress=lambda step, share: bar.update(task, description=step, completed=share),
            promote=promote,
        )

    names = {"mnist": "mnist-test", "own": f"{writer}, held back"}
    table = Table("set", "n", "misses before", "after", box=None)
    for key, name in names.items():
        before, after = getattr(version.before, key), getattr(version.after, key)
        table.add_row(name, f"{before.n:,}", f"{before.misses:,}", f"{after.misses:,}")
    print_table(table)
    worse = " and ".join(names[key] for key in version.after.worse_than(version.before))
    why = f"worse on {worse}" if worse else "worse on neither"
    kept = "promoted" if version.promoted else "kept, not promoted (--promote does so all the same)"
    print_line(f"version {version.number}, learnt from {version.samples:,} samples: {why}: {kept}")
