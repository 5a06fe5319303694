"""`inkwise export`: files that read drawings in a browser, without Inkwise or a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from inkwise._util.errors import requires_extra
from inkwise._util.files import check_not_a_source, write_bytes
from inkwise.cli.console import print_line
from inkwise.cli.options import MODEL, Writes, path_argument
from inkwise.recognition.model import model_source

app = typer.Typer(no_args_is_help=True, help="Write files that read drawings in a browser, without a server.")

_ModelOption = Annotated[
    str,
    MODEL,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="tiny, default or letters, an .onnx file, or a run folder; its weights are written to the file.",
    ),
]


@app.command()
def page(
    file: Annotated[
        Path, Writes(("{}.html",)), path_argument(metavar="FILE", help="The HTML file to write.")
    ],
    model: _ModelOption = "tiny",
) -> None:
    """Write a page that reads drawn digits offline, from a file or any web server."""
    with requires_extra("page", "a page"):
        from inkwise.page_export import export_page
    _write(file, model, export_page)


@app.command()
def pad(
    file: Annotated[Path, Writes(("{}.js",)), path_argument(metavar="FILE", help="The script to write.")],
    model: _ModelOption = "tiny",
) -> None:
    """Write a script that defines <inkwise-pad>, a drawing area for your own pages."""
    with requires_extra("page", "a pad"):
        from inkwise.page_export import export_pad
    _write(file, model, export_pad)


def _write(file: Path, model: str, export: Callable[[str], bytes]) -> None:
    check_not_a_source(file, [model_source(model)])
    content = export(model)
    write_bytes(file, content)
    print_line(f"wrote {file}: {len(content) / 1000:.0f} kB, model {model}")
