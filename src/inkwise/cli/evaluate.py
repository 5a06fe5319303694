"""`inkwise evaluate`, `explain`, `predict` and `ensemble`: commands that use trained models."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from inkwise import Recognizer
from inkwise._util.errors import DataError, ImageError, requires_extra
from inkwise._util.files import check_not_a_source, make_directory, write_bytes
from inkwise._util.inputs import is_file
from inkwise.cli.console import print_line, print_rows
from inkwise.cli.options import (
    DATA,
    MODEL,
    ModelOption,
    Reads,
    Writes,
    path_argument,
    path_option,
    require_png,
)
from inkwise.recognition import Model
from inkwise.recognition.model import model_source


def evaluate(
    model: Annotated[
        str,
        MODEL,
        typer.Argument(
            metavar="MODEL", help="Name of a bundled model (default, ..), an .onnx file, or a run folder."
        ),
    ],
    on: Annotated[
        str,
        DATA,
        typer.Option(
            metavar="SET,..", help="Data sets, comma-separated: mnist-test, a folder, a .csv or .npz file."
        ),
    ],
    out: Annotated[
        Path | None,
        Writes(),
        path_option(
            "--out",
            "-o",
            metavar="DIR",
            help="Write report.html, evaluation.json and the images to this folder.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Evaluate a model: misses, accuracy with its 95 % interval, log-loss and calibration on each set."""
    with requires_extra("train", "evaluating"):
        from inkwise.datasets import load_dataset
        from inkwise.evaluation import explain_mistakes, report, results
    if out is not None:
        make_directory(out)  # fail before the evaluation, which may be slow
    opened = results.open_model(model)
    facts = {"name": opened.name, "labels": opened.labels} | opened.metadata
    evaluated = results.evaluate_model(
        opened, [load_dataset(name.strip()) for name in on.split(",") if name.strip()]
    )
    if json:
        sys.stdout.write(report.to_json(facts, evaluated))
    else:
        print_rows(report.SUMMARY_HEAD, map(report.summary_row, evaluated))
    if out is not None:
        explained = explain_mistakes(opened, evaluated)
        report.write_report(out / "report.html", facts, explained, results.read_history(model))
        print_line(f"wrote {out / 'report.html'}", err=True)


def explain(
    image: Annotated[Path, Reads(), path_argument(metavar="IMAGE", help="An image of one digit or several.")],
    model: ModelOption = "default",
    among: Annotated[
        str, DATA, typer.Option(metavar="SET", help="Data set to search for the most similar digits.")
    ] = "mnist-train",
    out: Annotated[
        Path | None,
        Writes(("{}.png",)),
        path_option(
            "--out", "-o", metavar="PICTURE.png", help="Image to write; by default IMAGE-explained.png here."
        ),
    ] = None,
) -> None:
    """Explain readings with an image: the ink that decided, and the most similar training digits."""
    with requires_extra("train", "explaining"):
        from inkwise.datasets import load_dataset
        from inkwise.evaluation import explain_predictions
        from inkwise.evaluation.image_grids import explanations_plot
        from inkwise.evaluation.results import MAX_SHOWN, Prediction, open_model
    out = out or Path(f"{image.stem}-explained.png")
    require_png(out)
    if is_file(out):
        raise DataError(f"{out}: already exists; choose another file with --out")
    opened = open_model(model)
    reading = Recognizer(opened).read(image)
    if not reading.digits:
        raise ImageError(f"{image}: {reading.reason}")
    digits = reading.digits[:MAX_SHOWN]
    if len(digits) < len(reading.digits):
        print_line(f"explaining the first {len(digits)} of {len(reading.digits)} digits", err=True)
    dataset = load_dataset(among)
    print_line(f"searching the {len(dataset):,} samples of {dataset.name}", err=True)
    predictions = [Prediction(i, d.glyph, "", d.label, d.probability) for i, d in enumerate(digits)]
    explanations = explain_predictions(opened, predictions, dataset)

    rows = []
    for digit, explanation in zip(digits, explanations, strict=True):
        rest = [answer for answer in digit.alternatives if answer[0] != digit.label][:2]
        others = "  ".join(f"{label} {probability:.1%}" for label, probability in rest)
        near = " ".join(neighbour.label for neighbour in explanation.neighbours)
        rows.append((digit.label, f"{digit.probability:.1%}", others, near, digit.doubt or ""))
    print_rows(("digit", "probability", "else", "most like it", ""), rows)
    write_bytes(out, explanations_plot(explanations))
    print_line(f"wrote {out}", err=True)


def predict(
    source: Annotated[
        str,
        DATA,
        typer.Argument(metavar="SOURCE", help="A data set: Kaggle's test.csv, a folder, an .npz file."),
    ],
    submission: Annotated[
        Path,
        Writes(),
        path_option(metavar="FILE", help="CSV file to write, with Kaggle's columns ImageId,Label."),
    ],
    model: ModelOption = "default",
) -> None:
    """Classify each image of a data set as one digit and write a Kaggle submission."""
    from inkwise.datasets import load_dataset
    from inkwise.datasets.submission import write_submission

    check_not_a_source(submission, [source, model_source(model)])
    opened, dataset = Model(model_source(model)), load_dataset(source)
    best = opened.run(dataset.glyphs)[0].argmax(1)
    names = None if dataset.names is None else dataset.names.tolist()
    write_submission([opened.labels[column] for column in best], submission, names)
    print_line(f"wrote {submission}: {len(dataset):,} rows, read with {opened.name}")


def ensemble(
    runs: Annotated[
        list[str],
        MODEL,
        typer.Argument(
            metavar="MODEL...", help="Run folders, .onnx files, or names of bundled models (default, ..)."
        ),
    ],
    out: Annotated[
        Path,
        Writes(("{}.onnx",)),
        path_option("--out", "-o", metavar="FILE", help="The .onnx file to write."),
    ],
) -> None:
    """Average several models in one ONNX graph, which is used like any other model."""
    with requires_extra("train", "an ensemble"):
        from inkwise.training.onnx_ensemble import export_ensemble
    print_line(f"wrote {out}: {export_ensemble(runs, out).name}")
