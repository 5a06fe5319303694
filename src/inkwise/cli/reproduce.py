"""`inkwise reproduce`: the documents' systems, claim against measurement."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inkwise._util.errors import requires_extra
from inkwise.cli.options import Reads, Writes, path_option
from inkwise.cli.output import print_line


def reproduce(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME..", help="Rows or recipes of docs/papers.md, or 'all'.")
    ],
    quick: Annotated[
        bool, typer.Option("--quick", help="One epoch of each system, held to a floor; writes no page.")
    ] = False,
    hands: Annotated[
        Path | None,
        Reads(),
        path_option(metavar="DIR", help="Holds unipen_digits.npz and hwd1000.npz: real handwriting."),
    ] = None,
    out: Annotated[Path, Writes(), path_option(metavar="DIR", help="Where the runs are kept.")] = Path(
        "runs/papers"
    ),
    page: Annotated[
        Path | None,
        Writes(),
        path_option(metavar="FILE", help="The page: docs/papers.md of all rows, papers.md in DIR of some."),
    ] = None,
) -> None:
    """Train and measure the systems of the documents; what was stopped goes on."""
    with requires_extra("train", "reproducing"):
        from inkwise.reproduction import experiments
    if quick:
        experiments.run_quick_check(names, out, print_line)
    else:
        # Some rows alone must not replace the page of all.
        page = page or (Path("docs/papers.md") if "all" in names else out / "papers.md")
        experiments.reproduce(names, out, hands, page, print_line)
        print_line(f"wrote {page}", err=True)
