"""`inkwise predict`: a data set without labels in, a submission out."""

from pathlib import Path
from typing import Annotated

import typer

from inkwise._util.files import check_not_a_source
from inkwise.cli.options import DATA, ModelOption, Writes, path_option
from inkwise.cli.output import print_line
from inkwise.recognition import Model
from inkwise.recognition.model import model_source


def predict(
    source: Annotated[
        str,
        DATA,
        typer.Argument(metavar="SOURCE", help="A data set: Kaggle's test.csv, a folder, an .npz file."),
    ],
    submission: Annotated[
        Path,
        Writes(),
        path_option(metavar="FILE", help="The CSV to write: ImageId,Label, as Kaggle takes it."),
    ],
    model: ModelOption = "default",
) -> None:
    """Read each picture of a data set as one digit and write the answers as a submission."""
    from inkwise.datasets import load_dataset
    from inkwise.recognition.submission import write_submission

    check_not_a_source(submission, [source, model_source(model)])
    opened, dataset = Model(model_source(model)), load_dataset(source)
    write_submission(opened, dataset.glyphs, submission)
    print_line(f"wrote {submission}: {len(dataset):,} rows, read with {opened.name}")
