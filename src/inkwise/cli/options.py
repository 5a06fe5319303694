"""Options that several commands share, and markers of parameters that name files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from inkwise._util.errors import DataError


@dataclass(frozen=True)
class Reads:
    """Marks a parameter that names a file or a folder to read; the tests try each with unusable paths.

    Attributes:
        forms: formats of the argument, such as suffixes that select a file format.
    """

    forms: tuple[str, ...] = ("{}",)


@dataclass(frozen=True)
class Writes:
    """Marks a parameter that names a file or a folder to write, like `Reads`."""

    forms: tuple[str, ...] = ("{}",)


# Otherwise Typer checks that the path is readable, and prints an error of several lines.
path_option = partial(typer.Option, readable=False)
path_argument = partial(typer.Argument, readable=False)

MODEL = Reads()
DATA = Reads(("{}", "{}.csv", "{}.npy", "{}.npz"))
RECIPE = Reads(("{}.json",))
SETTINGS = Reads(
    ("data.train={}.csv", "data.negatives={}.npz", "model.init={}.onnx", "optimization.teachers={}.onnx")
)
STORAGE = Reads(("{}", "{}.journal", "sqlite:///{}"))

ModelOption = Annotated[
    str,
    MODEL,
    typer.Option(
        "--model", "-m", metavar="MODEL", help="Name of a bundled model, an .onnx file, or a run folder."
    ),
]
DatabaseOption = Annotated[
    str | None,
    Reads(("sqlite:///{}",)),
    typer.Option(
        metavar="URL",
        help="sqlite:///FILE or postgresql://USER@HOST/NAME; by default a file in your data directory.",
    ),
]
SettingsOption = Annotated[
    list[str] | None,
    SETTINGS,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe; repeatable."),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
HostOption = Annotated[
    str, typer.Option(metavar="H", help="Name or address to bind; 0.0.0.0 for all network interfaces.")
]
PortOption = Annotated[
    int | None,
    typer.Option("--port", "-p", min=0, max=65535, help="Port; by default the first free one from 8420."),
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        metavar="T",
        envvar="INKWISE_TOKEN",
        help="Token that clients must send; by default random unless the host is a loopback address.",
    ),
]
NoBrowserOption = Annotated[bool, typer.Option("--no-browser", help="Do not open the page in a browser.")]


def require_png(path: Path) -> None:
    """Raise a DataError unless the file name ends in .png."""
    if path.suffix.lower() != ".png":
        raise DataError(f"{path}: the file name must end in .png")
