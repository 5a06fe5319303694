"""The command line: thin views, a module for each group of commands.

Every start registers all commands; imports that only one command needs are inside its function.
"""

import gc
import sys

import typer

from inkwise import __version__
from inkwise._util.errors import InkwiseError
from inkwise._util.system import ignore_pillow_warnings
from inkwise.cli import corrections, data, export, form
from inkwise.cli.console import escape_unencodable, print_error, print_line
from inkwise.cli.evaluate import ensemble, evaluate, explain, predict
from inkwise.cli.read import read
from inkwise.cli.serve import open_app, review, serve
from inkwise.cli.train import reproduce, sweep, train

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (read, review, train, sweep, reproduce, evaluate, explain, predict, ensemble):
    app.command()(command)
app.command()(corrections.learn)
app.command("app")(open_app)
app.command()(serve)
app.add_typer(data.app, name="data")
app.add_typer(corrections.app, name="corrections")
app.add_typer(form.app, name="form")
app.add_typer(export.app, name="export")


def _version(asked: bool) -> None:
    if asked:
        print_line(f"inkwise {__version__}")
        raise typer.Exit


@app.callback()
def _inkwise(
    version: bool = typer.Option(
        False, "--version", "-V", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Read handwritten digits, and train the models that read them."""


def main() -> None:
    """Run the command line; an InkwiseError is printed as one line, and the exit status is 1."""
    escape_unencodable()
    gc.freeze()  # excludes the imported modules from garbage collection: a tenth of the start-up time
    ignore_pillow_warnings()
    try:
        app()
    except InkwiseError as error:
        print_error(error)
        sys.exit(1)
