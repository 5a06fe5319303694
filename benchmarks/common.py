"""What the benchmarks share."""

from __future__ import annotations

from collections.abc import Iterable

from inkwise._util.system import describe_machine

__all__ = ["describe_machine", "print_table", "table"]


def print_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a Markdown table."""
    print(table(head, rows))


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    head = list(head)
    lines = [" | ".join(cells) for cells in (head, *rows)]
    first, *others = [f"| {line} |" for line in lines]
    return "\n".join([first, "|" + "---|" * len(head), *others])
