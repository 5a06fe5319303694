"""`inkwise app`, `review` and `serve`: the app in the browser or a window, and the HTTP service."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkwise.cli.console import print_line
from inkwise.cli.options import (
    DatabaseOption,
    HostOption,
    ModelOption,
    NoBrowserOption,
    PortOption,
    Reads,
    TokenOption,
    path_argument,
    path_option,
)

if TYPE_CHECKING:
    from inkwise.corrections import Learner


def open_app(
    host: HostOption = "127.0.0.1",
    port: PortOption = None,
    database: DatabaseOption = None,
    model: ModelOption = "default",
    token: TokenOption = None,
    no_browser: NoBrowserOption = False,
    window: Annotated[
        bool, typer.Option("--window", help="Open a desktop window instead of the page.")
    ] = False,
) -> None:
    """Draw digits, correct the readings, and adapt to your handwriting, in the browser."""
    from inkwise.app import serve as serve_app  # not in the base install

    with closing(_learner(database, model)) as learner:
        if window:
            from inkwise.app.window import run

            run(learner)
        else:
            serve_app(learner, model=model, **page_options(host, port, token, no_browser))


def review(
    table: Annotated[
        Path,
        Reads(("{}", "{}.jsonl")),
        path_argument(metavar="TABLE", help="A .jsonl table written by inkwise read --out."),
    ],
    threshold: Annotated[
        float, typer.Option(min=0, max=1, metavar="P", help="Review values with a confidence below P.")
    ] = 0.9,
    scans: Annotated[
        Path | None, Reads(), path_option(metavar="DIR", help="Folder of the scans, if they were moved.")
    ] = None,
    writer: Annotated[
        str | None,
        typer.Option(metavar="W", help="Writer of the corrected digits; by default the table's name."),
    ] = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = None,
    database: DatabaseOption = None,
    token: TokenOption = None,
    no_browser: NoBrowserOption = False,
) -> None:
    """Confirm or correct the doubtful values of a table in the browser, with one key for each number."""
    from inkwise.app import ReviewSession, create_review_app, run  # not in the base install
    from inkwise.review import ReviewedTable, ScanCrops

    with closing(_learner(database)) as learner:
        name = table.stem[:64] if writer is None else writer
        session = ReviewSession(ReviewedTable(table), ScanCrops(table, scans), threshold, learner, name)
        run(
            lambda host, token: create_review_app(session, host=host, token=token),
            **page_options(host, port, token, no_browser),
        )


def serve(
    host: HostOption = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", "-p", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Number of processes; one per core is best.")
    ] = 1,
    model: ModelOption = "default",
    tokens: Annotated[
        Path | None,
        Reads(),
        path_option(metavar="FILE", help="Accepted tokens, one per line, each optionally after a name."),
    ] = None,
    queue: Annotated[
        int, typer.Option(min=0, help="Maximum number of waiting requests; further ones are rejected.")
    ] = 256,
    seconds: Annotated[float, typer.Option(min=0.1, help="Request timeout in seconds.")] = 10,
    megabytes: Annotated[int, typer.Option(min=1, help="Maximum request size in MiB.")] = 16,
    megapixels: Annotated[int, typer.Option(min=1, help="Maximum image size in megapixels.")] = 16,
    cors: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Site, as https://forms.example, whose pages may send requests."),
    ] = None,
) -> None:
    """Serve reading over HTTP to other programs: pictures, strokes and glyphs in, JSON out."""
    from inkwise.service import RequestLimits, Settings, Tokens  # not in the base install
    from inkwise.service import serve as serve_http

    limits = RequestLimits(queue, seconds, megabytes * 2**20, megapixels * 1_000_000)
    known = None if tokens is None else Tokens.read(tokens)
    hint = "Ctrl-C ends it" if known else "documented at /docs; Ctrl-C ends it"
    serve_http(
        Settings(host, model, known, limits, tuple(cors or ())),
        port=port,
        workers=workers,
        say=lambda url: print_line(f"Inkwise serves at {url}  ({hint})"),
    )


def page_options(host: str, port: int | None, token: str | None, no_browser: bool) -> dict[str, Any]:
    """Keyword arguments of `inkwise.app.run` from the options of a command; prints the page's address."""

    def print_url(url: str) -> None:
        print_line(f"Inkwise is at {url}  (Ctrl-C ends it)")

    return {"host": host, "port": port, "token": token, "browser": not no_browser, "say": print_url}


def _learner(database: str | None, model: str | None = None) -> Learner:
    """A learner whose database is opened later; a malformed URL is an error now."""
    from inkwise._util.database_url import parse_url
    from inkwise.corrections import Learner

    logging.basicConfig(format="%(asctime)s inkwise: %(message)s")
    if database is not None:
        parse_url(database)
    return Learner(database, model)
