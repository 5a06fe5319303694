"""Command-line parsers and Markdown tables of the benchmarks."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""Root folder of the repository."""


def argument_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser whose help is the docstring of a benchmark."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def print_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a Markdown table."""
    print(markdown_table(head, rows))


def markdown_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = [" | ".join(cells) for cells in (head, *rows)]
    first, *others = [f"| {line} |" for line in lines]
    return "\n".join([first, "|" + "---|" * len(head), *others])
