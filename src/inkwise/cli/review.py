"""`inkwise review`: what is doubtful in a table, a person settles."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from inkwise.cli.app import Host, NoBrowser, Port, Token, print_url
from inkwise.cli.options import DatabaseOption, Reads, path_argument, path_option


def review(
    table: Annotated[
        Path,
        Reads(("{}", "{}.jsonl")),
        path_argument(metavar="TABLE", help="A table by inkwise read --out, .jsonl."),
    ],
    threshold: Annotated[
        float, typer.Option(min=0, max=1, metavar="P", help="Doubtful is what has less confidence than this.")
    ] = 0.9,
    scans: Annotated[
        Path | None, Reads(), path_option(metavar="DIR", help="Where the scans are now, if they were moved.")
    ] = None,
    writer: Annotated[
        str | None,
        typer.Option(metavar="W", help="Whose samples single digits become; by default the table's name."),
    ] = None,
    host: Host = "127.0.0.1",
    port: Port = None,
    database: DatabaseOption = None,
    token: Token = None,
    no_browser: NoBrowser = False,
) -> None:
    """Settle what is doubtful in a table: a page in the browser, a key for each number."""
    from inkwise._util.database_url import parse_url
    from inkwise.app import ReviewSession, create_review_app, run  # not in the base install
    from inkwise.corrections import Learner
    from inkwise.review import ReviewedTable, ScanCrops

    logging.basicConfig(format="%(asctime)s inkwise: %(message)s")
    if database is not None:
        parse_url(database)
    learner = Learner(database)
    try:
        name = table.stem[:64] if writer is None else writer
        desk = ReviewSession(ReviewedTable(table), ScanCrops(table, scans), threshold, learner, name)
        run(
            lambda host, token: create_review_app(desk, host=host, token=token),
            host=host,
            port=port,
            token=token,
            browser=not no_browser,
            say=print_url,
        )
    finally:
        learner.close()
