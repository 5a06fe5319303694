"""Tables for a terminal, or for a pipe."""

import sys

from rich.console import Console
from rich.table import Table


def print_table(table: Table) -> None:
    """Print to standard output; piped, rich would take the width to be 80 and break the lines."""
    Console(markup=False, width=None if sys.stdout.isatty() else 1000).print(table)
