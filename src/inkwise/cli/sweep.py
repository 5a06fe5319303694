"""`inkwise sweep`: many trainings find a recipe."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from inkwise._util.errors import requires_extra
from inkwise.cli.options import RECIPE, SETTINGS, STORAGE, SettingsOption, Writes, path_option
from inkwise.cli.output import print_line
from inkwise.cli.table import print_table

_MAX_SHOWN = 10  # of the best trials


def sweep(
    recipe: Annotated[
        str, RECIPE, typer.Argument(metavar="RECIPE", help="A recipe's name, or a .json file of one.")
    ],
    space: Annotated[
        list[str],
        SETTINGS,
        typer.Option(
            metavar="KEY=VALUES", help="What to vary: key=a,b,c or key=low..high; once for each key."
        ),
    ],
    set_: SettingsOption = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="How many trainings; a grid's are all combinations by default.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="How many processes train at once.")] = 1,
    storage: Annotated[
        str | None,
        STORAGE,
        typer.Option(
            metavar="PLACE",
            help="FILE.journal, an SQLite FILE or postgresql://USER@HOST/NAME; sweep.db in --out.",
        ),
    ] = None,
    sampler: Annotated[str, typer.Option(help="grid, random or tpe.")] = "tpe",
    prune: Annotated[
        bool, typer.Option("--prune", help="End trials early whose accuracy is below the others' median.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="The sweep's name in the storage; by default the recipe's.")
    ] = None,
    out: Annotated[
        Path | None,
        Writes(),
        path_option(metavar="DIR", help="The folder of runs and results; runs/sweep-NAME."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Train many variants of a recipe and find the best; the same command goes on after a kill."""
    with requires_extra("train", "a sweep"):
        from inkwise import training
        from inkwise import tuning as sweeping
    base = training.load_recipe(recipe).set_text(set_ or [])
    name = name or base.name
    out = out or Path("runs") / f"sweep-{name}"
    plan = sweeping.SearchPlan(
        base,
        sweeping.parse_space(base, space),
        out,
        str(out / "sweep.db") if storage is None else storage,
        name,
        trials,
        sampler,
        prune,
        device,
    )
    outcomes, best = sweeping.run_search(plan, workers, Console(stderr=True))
    print_table(sweeping.outcomes_table(sweeping.best_first(outcomes)[:_MAX_SHOWN], plan.space))
    print_line(f"wrote {best}" if best else "no trial is done", err=True)
