"""`inkwise form`: templates of forms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inkwise._util.errors import DataError
from inkwise._util.files import atomic_file, check_not_a_source
from inkwise.cli.app import Host, NoBrowser, Port, Token, print_url
from inkwise.cli.options import Reads, Writes, path_argument, path_option
from inkwise.cli.output import print_line

app = typer.Typer(no_args_is_help=True, help="Form templates: draw and check them.")


@app.callback()
def _form() -> None:
    """Form templates: draw and check them."""


@app.command()
def new(
    scan: Annotated[
        Path,
        Reads(),
        path_argument(metavar="SCAN", help="The empty form: a picture, or the first page of a PDF."),
    ],
    host: Host = "127.0.0.1",
    port: Port = None,
    token: Token = None,
    no_browser: NoBrowser = False,
) -> None:
    """Draw the fields of a form on its scan in the browser, or change those of its YAML file."""
    from inkwise.app import FormEditor, create_editor_app, run  # not in the base install

    editor = FormEditor(scan)
    run(
        lambda host, token: create_editor_app(editor, host=host, token=token),
        host=host,
        port=port,
        token=token,
        browser=not no_browser,
        say=print_url,
    )


@app.command()
def check(
    form: Annotated[Path, Reads(), path_argument(metavar="FORM", help="The YAML file of a form.")],
    picture: Annotated[
        Path | None,
        Writes(("{}.png",)),
        path_option(metavar="P.png", help="Picture to draw, the fields over the reference."),
    ] = None,
) -> None:
    """Check a form, print each error on a line, and draw its fields."""
    from inkwise.forms import FormError, FormTemplate, draw_fields, load_reference

    try:
        found = FormTemplate.read(form)
    except FormError as error:
        for problem in error.problems:
            print_line(f"inkwise: {problem}", err=True)
        raise typer.Exit(1) from None
    load_reference(found)
    if picture is not None:
        if picture.suffix.lower() != ".png":
            raise DataError(f"{picture}: must end in .png")
        check_not_a_source(picture, [form, *([found.reference] if found.reference else [])])
        with atomic_file(picture) as part:
            draw_fields(found).save(part, "PNG")
    print_line(f"{form}: {found.name}, {len(found.fields)} fields, no errors")
