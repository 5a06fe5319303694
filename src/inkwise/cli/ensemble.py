"""`inkwise ensemble`: several models become one."""

from pathlib import Path
from typing import Annotated

import typer

from inkwise.errors import needs_extra


def ensemble(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Run folders, .onnx files, or bundled models by their names (default, ..).",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The .onnx file to write.")],
) -> None:
    """Average several models inside one ONNX graph, usable wherever a model is."""
    with needs_extra("train", "an ensemble"):
        from inkwise.training.ensemble import ensemble as join
    typer.echo(f"wrote {out}: {join(runs, out).name}")
