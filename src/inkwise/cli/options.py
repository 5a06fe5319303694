"""Options that several commands share, and marks of all that name files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer


@dataclass(frozen=True)
class Reads:
    """Marks a parameter that names a file or a folder to read, so that tests try it with unusable ones.

    Attributes:
        forms: how a path is given, such as with a suffix that decides how it is read.
    """

    forms: tuple[str, ...] = ("{}",)


@dataclass(frozen=True)
class Writes:
    """Marks a parameter that names a file or a folder to write, as `Reads` does."""

    forms: tuple[str, ...] = ("{}",)


# Typer would look whether a path can be read, and answer with a box of several lines.
path_option = partial(typer.Option, readable=False)
path_argument = partial(typer.Argument, readable=False)

MODEL = Reads()
DATA = Reads(("{}", "{}.csv", "{}.npz"))
RECIPE = Reads(("{}.json",))
SETTINGS = Reads(("data={}.csv", "others={}.npz", "init={}.onnx", "teachers={}.onnx"))
STORAGE = Reads(("{}", "{}.journal", "sqlite:///{}"))

ModelOption = Annotated[
    str,
    MODEL,
    typer.Option(metavar="MODEL", help="A bundled model by its name, an .onnx file, or a run folder."),
]
DatabaseOption = Annotated[
    str | None,
    Reads(("sqlite:///{}",)),
    typer.Option(
        metavar="URL", help="sqlite:///FILE or postgresql://USER@HOST/NAME; by default a file of your own."
    ),
]
SettingsOption = Annotated[
    list[str] | None,
    SETTINGS,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe."),
]
