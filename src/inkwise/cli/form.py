"""`inkwise form`: draw and check form templates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inkwise._util.files import atomic_file, check_not_a_source
from inkwise.cli.console import print_error, print_line
from inkwise.cli.options import (
    HostOption,
    NoBrowserOption,
    PortOption,
    Reads,
    TokenOption,
    Writes,
    path_argument,
    path_option,
    require_png,
)
from inkwise.cli.serve import page_options

app = typer.Typer(no_args_is_help=True, help="Draw and check form templates.")


@app.command()
def new(
    scan: Annotated[
        Path,
        Reads(),
        path_argument(metavar="SCAN", help="The empty form: an image, or a PDF whose first page is taken."),
    ],
    host: HostOption = "127.0.0.1",
    port: PortOption = None,
    token: TokenOption = None,
    no_browser: NoBrowserOption = False,
) -> None:
    """Draw the fields of a form on its scan in the browser; an existing template is opened for editing."""
    from inkwise.app import FormEditor, create_editor_app, run  # not in the base install

    editor = FormEditor(scan)
    run(
        lambda host, token: create_editor_app(editor, host=host, token=token),
        **page_options(host, port, token, no_browser),
    )


@app.command()
def check(
    form: Annotated[Path, Reads(), path_argument(metavar="FORM", help="The YAML file of a template.")],
    picture: Annotated[
        Path | None,
        Writes(("{}.png",)),
        path_option(metavar="P.png", help="Write an image of the reference with the fields drawn on it."),
    ] = None,
) -> None:
    """Print the errors of a template, one per line; draw its fields."""
    from inkwise.forms import FormError, FormTemplate, draw_fields, load_reference

    try:
        template = FormTemplate.read(form)
    except FormError as error:
        for problem in error.problems:
            print_error(problem)
        raise typer.Exit(1) from None
    load_reference(template)
    if picture is not None:
        require_png(picture)
        check_not_a_source(picture, [form, *([template.reference] if template.reference else [])])
        with atomic_file(picture) as part:
            draw_fields(template).save(part, "PNG")
    print_line(f"{form}: {template.name}, {len(template.fields)} fields, no errors")
