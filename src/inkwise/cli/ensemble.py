"""`inkwise ensemble`: several models become one."""

from pathlib import Path
from typing import Annotated

import typer

from inkwise._util.errors import requires_extra
from inkwise.cli.options import MODEL, Writes, path_option
from inkwise.cli.output import print_line


def ensemble(
    runs: Annotated[
        list[str],
        MODEL,
        typer.Argument(
            metavar="MODEL...",
            help="Run folders, .onnx files, or bundled models by their names (default, ..).",
        ),
    ],
    out: Annotated[Path, Writes(("{}.onnx",)), path_option(metavar="FILE", help="The .onnx file to write.")],
) -> None:
    """Average several models inside one ONNX graph, usable wherever a model is."""
    with requires_extra("train", "an ensemble"):
        from inkwise.training.onnx_ensemble import export_ensemble as join
    print_line(f"wrote {out}: {join(runs, out).name}")
