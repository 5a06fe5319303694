"""`inkwise sweep`: hyperparameter search."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from inkwise._util.errors import requires_extra
from inkwise.cli.options import RECIPE, SETTINGS, STORAGE, SettingsOption, Writes, path_option
from inkwise.cli.output import print_line
from inkwise.cli.table import print_table

_MAX_SHOWN = 10  # trials in the final table


def sweep(
    recipe: Annotated[
        str, RECIPE, typer.Argument(metavar="RECIPE", help="Name of a recipe, or a .json file.")
    ],
    space: Annotated[
        list[str],
        SETTINGS,
        typer.Option(metavar="KEY=VALUES", help="Key to vary: key=a,b,c or key=low..high; repeatable."),
    ],
    set_: SettingsOption = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Number of trials; for a grid by default all combinations.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Number of worker processes.")] = 1,
    storage: Annotated[
        str | None,
        STORAGE,
        typer.Option(
            metavar="PLACE",
            help="FILE.journal, an SQLite FILE or postgresql://USER@HOST/NAME; by default sweep.db in --out.",
        ),
    ] = None,
    sampler: Annotated[str, typer.Option(help="grid, random or tpe.")] = "tpe",
    prune: Annotated[
        bool, typer.Option("--prune", help="Stop trials whose accuracy is below the median.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="Name of the search in the storage; by default the recipe's.")
    ] = None,
    out: Annotated[
        Path | None,
        Writes(),
        path_option(metavar="DIR", help="Output folder; by default runs/sweep-NAME."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Search for the best variant of a recipe; rerun the same command to resume an interrupted search."""
    with requires_extra("train", "a sweep"):
        from inkwise import training, tuning
    base = training.load_recipe(recipe).set_text(set_ or [])
    name = name or base.name
    out = out or Path("runs") / f"sweep-{name}"
    plan = tuning.SearchPlan(
        recipe=base,
        space=tuning.parse_space(base, space),
        out=out,
        storage=str(out / "sweep.db") if storage is None else storage,
        name=name,
        trials=trials,
        sampler=sampler,
        prune=prune,
        device=device,
    )
    outcomes, best = tuning.run_search(plan, workers, Console(stderr=True))
    print_table(tuning.outcomes_table(tuning.best_first(outcomes)[:_MAX_SHOWN], plan.space))
    print_line(f"wrote {best}" if best else "no trial is done", err=True)
