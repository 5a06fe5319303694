"""`inkwise train`, `sweep` and `reproduce`: commands that train models."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from inkwise._util.errors import InkwiseError, requires_extra
from inkwise.cli.console import print_line, print_rows, print_table
from inkwise.cli.options import (
    DATA,
    MODEL,
    RECIPE,
    SETTINGS,
    STORAGE,
    DeviceOption,
    Reads,
    SettingsOption,
    Writes,
    path_option,
)

_MAX_SHOWN = 10  # number of best trials in the table of a sweep


def train(
    recipe: Annotated[
        str,
        RECIPE,
        typer.Argument(
            metavar="[RECIPE]", help="Name of a recipe (default, hands, ..) or a .json file of one."
        ),
    ] = "default",
    data: Annotated[
        list[str] | None,
        DATA,
        typer.Option(
            metavar="SET,..", help="Training data instead of the recipe's: a folder, .csv, .npz or name."
        ),
    ] = None,
    init: Annotated[
        str | None,
        MODEL,
        typer.Option(
            metavar="MODEL", help="Initial weights: an .onnx file, a run folder, or a bundled model."
        ),
    ] = None,
    set_: SettingsOption = None,
    out: Annotated[
        Path | None,
        Writes(),
        path_option("--out", "-o", metavar="DIR", help="Run folder; by default runs/RECIPE-TIME."),
    ] = None,
    resume: Annotated[
        Path | None,
        Reads(),
        path_option(metavar="DIR", help="Resume the interrupted run in this folder."),
    ] = None,
    device: DeviceOption = "auto",
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Use only operations with reproducible results.")
    ] = False,
) -> None:
    """Train a model by a recipe, evaluate it once on the test set and write the report."""
    with requires_extra("train", "training"):
        from inkwise import training
        from inkwise.evaluation import report, train_and_evaluate
    if resume is not None:
        if set_ or out or data or init:
            raise InkwiseError(
                "--resume takes recipe and folder from the run; leave out --data, --init, --set and --out"
            )
        chosen, folder = training.resumed_recipe(resume), resume
    else:
        chosen = training.load_recipe(recipe)
        if data:
            chosen = training.with_datasets(chosen, ",".join(data))
        if init:
            chosen = chosen.set(model={"init": init})
        chosen = chosen.set_text(set_ or [])
        folder = out or Path("runs") / f"{chosen.name}-{datetime.now():%Y%m%d-%H%M%S}"
    results = train_and_evaluate(chosen, folder, device=device, deterministic=deterministic)
    if results:
        print_rows(report.SUMMARY_HEAD, map(report.summary_row, results))
    else:
        print_line("no test set was evaluated: the recipe names none (--set data.test=SET,..)")
    print_line(f"wrote {folder / 'report.html'}", err=True)


def sweep(
    recipe: Annotated[
        str, RECIPE, typer.Argument(metavar="RECIPE", help="Name of a recipe, or a .json file of one.")
    ],
    space: Annotated[
        list[str],
        SETTINGS,
        typer.Option(metavar="KEY=VALUES", help="Range of a key: key=a,b,c or key=low..high; repeatable."),
    ],
    set_: SettingsOption = None,
    trials: Annotated[
        int | None,
        typer.Option(min=1, help="Number of trials; by default all combinations of a grid."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Number of processes that train in parallel.")] = 1,
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
        bool, typer.Option("--prune", help="Stop trials early whose accuracy is below the median.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="Name of the study in the storage; by default the recipe's.")
    ] = None,
    out: Annotated[
        Path | None,
        Writes(),
        path_option(
            "--out", "-o", metavar="DIR", help="Folder of runs and results; by default runs/sweep-NAME."
        ),
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Search hyperparameters: train variants of a recipe; rerun the same command to resume."""
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
    print_line(f"wrote {best}" if best else "no trial is complete", err=True)


def reproduce(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME..", help="Rows or recipes of docs/papers.md, or 'all'.")
    ],
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Train one epoch and check a minimum accuracy; writes no page."),
    ] = False,
    hands: Annotated[
        Path | None,
        Reads(),
        path_option(metavar="DIR", help="Folder of unipen_digits.npz and hwd1000.npz (real handwriting)."),
    ] = None,
    out: Annotated[
        Path, Writes(), path_option("--out", "-o", metavar="DIR", help="Folder of the runs.")
    ] = Path("runs/papers"),
    page: Annotated[
        Path | None,
        Writes(),
        path_option(
            metavar="FILE",
            help="Page to write; by default docs/papers.md for all rows, papers.md in --out for some.",
        ),
    ] = None,
) -> None:
    """Train and evaluate the documents' systems; rerun the same command to resume."""
    with requires_extra("train", "reproducing"):
        from inkwise.reproduction import experiments
    if quick:
        experiments.run_quick_check(names, out, print_line)
    else:
        # A run of some rows must not replace the page of all.
        page = page or (Path("docs/papers.md") if "all" in names else out / "papers.md")
        experiments.reproduce(names, out, hands, page, print_line)
        print_line(f"wrote {page}", err=True)
