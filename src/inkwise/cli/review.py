"""`inkwise review`: a person checks the doubtful values of a table."""

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
        path_argument(metavar="TABLE", help="A .jsonl table of inkwise read --out."),
    ],
    threshold: Annotated[
        float, typer.Option(min=0, max=1, metavar="P", help="Confidence below which a value is doubtful.")
    ] = 0.9,
    scans: Annotated[
        Path | None, Reads(), path_option(metavar="DIR", help="Folder of the scans, if they were moved.")
    ] = None,
    writer: Annotated[
        str | None,
        typer.Option(
            metavar="W",
            help="Writer of the samples that single digits become; by default the name of the table.",
        ),
    ] = None,
    host: Host = "127.0.0.1",
    port: Port = None,
    database: DatabaseOption = None,
    token: Token = None,
    no_browser: NoBrowser = False,
) -> None:
    """Check the doubtful values of a table: a page in the browser, a key for each number."""
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
        session = ReviewSession(ReviewedTable(table), ScanCrops(table, scans), threshold, learner, name)
        run(
            lambda host, token: create_review_app(session, host=host, token=token),
            host=host,
            port=port,
            token=token,
            browser=not no_browser,
            say=print_url,
        )
    finally:
        learner.close()
