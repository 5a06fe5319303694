"""`inkwise explain`: which ink decided, and which digits are most like it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from inkwise import Recognizer
from inkwise._util.errors import DataError, ImageError, one_line, requires_extra
from inkwise._util.files import write_bytes
from inkwise._util.inputs import is_file
from inkwise.cli.options import DATA, ModelOption, Reads, Writes, path_argument, path_option
from inkwise.cli.output import print_line
from inkwise.cli.table import print_table


def explain(
    image: Annotated[
        Path, Reads(), path_argument(metavar="IMAGE", help="A picture of one digit or several.")
    ],
    model: ModelOption = "default",
    among: Annotated[
        str, DATA, typer.Option(metavar="SET", help="The data set to look for digits like these in.")
    ] = "mnist-train",
    out: Annotated[
        Path | None,
        Writes(("{}.png",)),
        path_option(metavar="PICTURE.png", help="By default IMAGE-explained.png in this folder."),
    ] = None,
) -> None:
    """Explain how digits are read: the ink that decided, and the nearest training digits, as a picture."""
    with requires_extra("train", "explaining"):
        from inkwise.datasets import load_dataset
        from inkwise.evaluation import explain_predictions
        from inkwise.evaluation.image_grids import explanations_plot
        from inkwise.evaluation.results import MAX_SHOWN, Prediction, open_model
    out = out or Path(f"{image.stem}-explained.png")
    if out.suffix.lower() != ".png":
        raise DataError(f"{out}: what is written is a PNG, so its name must end in .png")
    if is_file(out):
        raise DataError(f"{out}: is there already; name another file with --out")
    opened = open_model(model)
    reading = Recognizer(opened).read(image)
    if not reading.digits:
        raise ImageError(f"{image}: {reading.reason}")
    digits = reading.digits[:MAX_SHOWN]
    if len(digits) < len(reading.digits):
        print_line(f"explaining the first {len(digits)} of {len(reading.digits)} digits", err=True)
    found = load_dataset(among)
    print_line(f"looking among the {len(found):,} samples of {found.name}", err=True)
    answers = [Prediction(i, d.glyph, "", d.label, d.probability) for i, d in enumerate(digits)]
    explanations = explain_predictions(opened, answers, found)

    table = Table("digit", "probability", "else", "most like it", "", box=None)
    for digit, explanation in zip(digits, explanations, strict=True):
        others = "  ".join(f"{label} {probability:.1%}" for label, probability in digit.alternatives[1:3])
        near = " ".join(neighbour.label for neighbour in explanation.neighbours)
        row = digit.label, f"{digit.probability:.1%}", others, near, digit.doubt or ""
        table.add_row(*map(one_line, row))
    print_table(table)
    picture = explanations_plot(explanations)
    write_bytes(out, picture)
    print_line(f"wrote {out}", err=True)
