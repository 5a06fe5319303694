"""`inkwise serve`: reading over HTTP for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from inkwise.cli.options import ModelOption, Reads, path_option
from inkwise.cli.output import print_line


def serve(
    host: Annotated[
        str, typer.Option(metavar="H", help="The name or address to bind; 0.0.0.0 for the whole network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes one that is free.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes; one a core is best.")] = 1,
    model: ModelOption = "default",
    tokens: Annotated[
        Path | None,
        Reads(),
        path_option(metavar="FILE", help="Whom to answer: a token a line, or a name and a token."),
    ] = None,
    queue: Annotated[int, typer.Option(min=0, help="Requests that wait, at most; more are refused.")] = 256,
    seconds: Annotated[float, typer.Option(min=0.1, help="That a request may take, at most.")] = 10,
    megabytes: Annotated[int, typer.Option(min=1, help="That may be sent at once, at most.")] = 16,
    megapixels: Annotated[int, typer.Option(min=1, help="Of one picture, at most.")] = 16,
) -> None:
    """Serve reading over HTTP: pictures, strokes and glyphs in, JSON out, for other programs."""
    from inkwise.service import RequestLimits, Settings, Tokens, serve  # not in the base install

    limits = RequestLimits(queue, seconds, megabytes * 2**20, megapixels * 1_000_000)
    known = None if tokens is None else Tokens.read(tokens)
    serve(Settings(host, model, known, limits), port=port, workers=workers, say=print_url)


def print_url(url: str) -> None:
    """Print where it is."""
    print_line(f"Inkwise serves at {url}  (Ctrl-C ends it)")
