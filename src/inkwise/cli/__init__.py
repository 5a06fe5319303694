"""The command line: one file a command, no logic.

All commands are known at each start; so what only one of them needs is imported where it begins.
"""

import gc
import sys

import typer

from inkwise import __version__
from inkwise._util.errors import InkwiseError
from inkwise._util.system import ignore_pillow_warnings
from inkwise.cli import corrections, data, form
from inkwise.cli.app import app as app_
from inkwise.cli.ensemble import ensemble
from inkwise.cli.evaluate import evaluate
from inkwise.cli.explain import explain
from inkwise.cli.learn import learn
from inkwise.cli.output import escape_unencodable, print_line
from inkwise.cli.predict import predict
from inkwise.cli.read import read
from inkwise.cli.reproduce import reproduce
from inkwise.cli.review import review
from inkwise.cli.serve import serve
from inkwise.cli.sweep import sweep
from inkwise.cli.train import train

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(read)
app.command()(review)
app.command()(train)
app.command()(sweep)
app.command()(reproduce)
app.command()(evaluate)
app.command()(explain)
app.command()(predict)
app.command()(ensemble)
app.command()(learn)
app.command("app")(app_)
app.command()(serve)
app.add_typer(data.app, name="data")
app.add_typer(corrections.app, name="corrections")
app.add_typer(form.app, name="form")


def _version(asked: bool) -> None:
    if asked:
        print_line(f"inkwise {__version__}")
        raise typer.Exit


@app.callback()
def _inkwise(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Read handwritten digits, and train what reads them."""


def main() -> None:
    """Run the command line: what the user can mend is one line and exit 1, never a traceback."""
    escape_unencodable()
    gc.freeze()  # what was imported stays; to look through it for garbage would take a tenth of the start
    ignore_pillow_warnings()
    try:
        app()
    except InkwiseError as error:
        print_line(f"inkwise: {error}", err=True)
        sys.exit(1)
