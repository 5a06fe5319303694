"""`inkwise train`: a recipe becomes weights and a report."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from inkwise._util.errors import InkwiseError, requires_extra
from inkwise.cli.evaluate import print_summary
from inkwise.cli.options import DATA, MODEL, RECIPE, Reads, SettingsOption, Writes, path_option
from inkwise.cli.output import print_line


def train(
    recipe: Annotated[
        str,
        RECIPE,
        typer.Argument(metavar="[RECIPE]", help="A recipe (default, hands, ..) or a .json file of one."),
    ] = "default",
    data: Annotated[
        list[str] | None,
        DATA,
        typer.Option(metavar="SET,..", help="Train on these instead: a folder, a .csv or .npz file, a name."),
    ] = None,
    init: Annotated[
        str | None,
        MODEL,
        typer.Option(metavar="MODEL", help="Start from an .onnx file, a run folder, or a bundled model."),
    ] = None,
    set_: SettingsOption = None,
    out: Annotated[
        Path | None,
        Writes(),
        path_option(metavar="DIR", help="The run folder; by default runs/RECIPE-TIME."),
    ] = None,
    resume: Annotated[
        Path | None,
        Reads(),
        path_option(metavar="DIR", help="Go on with the run in this folder after a kill."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Only operations that give the same bits each time.")
    ] = False,
) -> None:
    """Train by a recipe, then read the test set once and write the report."""
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
    if chosen.data.synthetic_lines:  # the report is about classifiers
        print_line(f"wrote {folder / 'model.onnx'}", err=True)
        return
    if results:
        print_summary(report.SUMMARY_HEAD, map(report.summary_row, results))
    else:
        print_line("no test set was read: the recipe names none (--set data.test=SET,..)")
    print_line(f"wrote {folder / 'report.html'}", err=True)
