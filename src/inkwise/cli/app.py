"""`inkwise app`: draw, correct, and it learns."""

import logging
from typing import Annotated

import typer

from inkwise.cli.options import DatabaseOption, ModelOption
from inkwise.cli.output import print_line

Host = Annotated[
    str, typer.Option(metavar="H", help="The name or address to serve at; 0.0.0.0 for the whole network.")
]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="By default the first free one from 8420 on.")
]
Token = Annotated[
    str | None,
    typer.Option(
        metavar="T",
        envvar="INKWISE_TOKEN",
        help="What to demand of whoever connects; off loopback one is made up.",
    ),
]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open the page.")]


def app(
    host: Host = "127.0.0.1",
    port: Port = None,
    database: DatabaseOption = None,
    model: ModelOption = "default",
    token: Token = None,
    no_browser: NoBrowser = False,
    window: Annotated[bool, typer.Option("--window", help="A desktop window in place of the page.")] = False,
) -> None:
    """Draw digits, correct what is read, and have it learn your hand: a page in the browser."""
    from inkwise._util.database_url import parse_url
    from inkwise.app import serve  # not in the base install
    from inkwise.corrections import Learner

    logging.basicConfig(format="%(asctime)s inkwise: %(message)s")
    if database is not None:
        parse_url(database)
    learner = Learner(database, model)
    try:
        if window:
            from inkwise.app.window import run

            run(learner)
        else:
            serve(
                learner, host=host, port=port, model=model, token=token, browser=not no_browser, say=print_url
            )
    finally:
        learner.close()


def print_url(url: str) -> None:
    """Print where the page is."""
    print_line(f"Inkwise is at {url}  (Ctrl-C ends it)")
