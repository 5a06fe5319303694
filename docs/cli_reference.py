"""mkdocs hook: replaces the marker on reference/cli.md by a section for each command of `inkwise`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer.main

from inkwise.cli import app

MARKER = "<!-- commands -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Insert the reference where the marker stands; other pages stay as they are."""
    return markdown.replace(MARKER, cli_reference()) if MARKER in markdown else markdown


def cli_reference() -> str:
    """Markdown for all commands, in the order of `inkwise --help`."""
    return "\n".join(_sections("inkwise", typer.main.get_command(app)))


def _sections(words: str, command: Any) -> Iterator[str]:
    context = command.make_context(words, [], resilient_parsing=True)
    subcommands = getattr(command, "commands", {})
    if not subcommands or words == "inkwise":
        yield f"## {words}\n\n    {words} {' '.join(command.collect_usage_pieces(context))}\n"
        yield f"{(command.help or '').strip()}\n"
        yield from _table(command)
    for name, subcommand in subcommands.items():
        yield from _sections(f"{words} {name}", subcommand)


def _table(command: Any) -> Iterator[str]:
    rows = []
    for parameter in command.params:
        is_argument = parameter.param_type_name == "argument"
        metavar = parameter.metavar or ""
        label = metavar or parameter.name.upper() if is_argument else f"{', '.join(parameter.opts)} {metavar}"
        default = getattr(parameter, "show_default", None)
        value = default if isinstance(default, str) else parameter.default
        shown = "" if value in (None, (), False, "") or "Sentinel" in repr(value) else f"`{_plain(value)}`"
        text = " ".join((parameter.help or "").split()).replace("|", "\\|")
        rows.append(f"| `{_plain(label.strip())}` | {text} | {shown} |")
    if rows:
        yield "| parameter | meaning | default |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _plain(value: Any) -> str:
    return str(getattr(value, "value", value))
