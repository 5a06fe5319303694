"""What the benchmarks share."""

from __future__ import annotations

from collections.abc import Iterable

from inkwise.machine import machine

__all__ = ["machine", "print_table"]


def print_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a Markdown table."""
    head = list(head)
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
