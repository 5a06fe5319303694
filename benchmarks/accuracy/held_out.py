"""Misses on the digits of writers that training left out, by data set, and of the worst writer.

    python -m benchmarks held-out FOLDER MODEL [MODEL ...] [--writers validation|test]

FOLDER holds the files of the recipe `small`: mnist_writers, unipen_digits, unipen_digits_more, pendigits,
swiss_digits, unipen_letters, unipen_digit_strings and unipen_digit_strings_more as .npz. The writers of
"validation" are those by which the recipe chooses, one in twelve; those of "test" are the test third of the
writers of pendigits and swiss_digits, which only a run with `data.final=false` leaves out. A MODEL is an
.onnx file, a run folder or a bundled name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.ablation import DIGITS, FURTHER, NON_DIGITS
from benchmarks.common.handwriting_sets import load_part
from benchmarks.common.reporting import argument_parser, print_table
from inkwise import datasets
from inkwise._util.errors import InkwiseError
from inkwise._util.text import DIGITS as LABELS
from inkwise.datasets import Dataset, StrokeSet
from inkwise.datasets.npz import load_arrays
from inkwise.datasets.splits import SPLITS
from inkwise.recognition import Model
from inkwise.recognition.model import model_content, model_source
from inkwise.training import load_recipe
from inkwise.training.synthesis.negatives import LOOK_ALIKES
from inkwise.training.training_data import split_validation

ACCEPTED_SHARE = 0.99  # share of the digits at or above the threshold of rejection


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--writers", choices=SPLITS[1:], default="validation")
    arguments = parser.parse_args(argv)
    try:
        models = {name: Model(model_content(model_source(name))) for name in arguments.models}
        if arguments.writers == "validation":
            print_by_set(models, arguments.folder)
        else:
            print_worst_writer(models, arguments.folder)
    except (InkwiseError, OSError, KeyError) as error:
        parser.error(str(error))


def print_by_set(models: dict[str, Model], folder: Path) -> None:
    """Print misses on the validation writers' digits, and non-digits below what 99 % of the digits reach."""
    sets = {name: found for name, found in validation_sets(folder) if len(found)}
    others = np.concatenate([*validation_non_digits(folder)])
    rows = []
    for name, model in models.items():
        found = {one: model.run(digits.glyphs)[0] for one, digits in sets.items()}
        misses = [str(int(is_miss(model, found[one], digits).sum())) for one, digits in sets.items()]
        highest = np.concatenate([*found.values()]).max(1)
        threshold = np.quantile(highest, 1 - ACCEPTED_SHARE)
        rows.append((name, *misses, f"{(model.run(others)[0].max(1) < threshold).mean():.1%}"))
    heads = [f"{name}, misses of {len(digits):,}" for name, digits in sets.items()]
    print_table(("model", *heads, f"rejected of {len(others):,} non-digits"), rows)


def print_worst_writer(models: dict[str, Model], folder: Path) -> None:
    """Print misses on the test writers' digits of pendigits and swiss_digits, and of the worst writer."""
    sets = [load_part(folder / f"{name}.npz", "test").to_dataset() for name in FURTHER]
    rows = []
    for name, model in models.items():
        by_writer = []
        for digits in sets:
            assert digits.writers is not None
            misses = is_miss(model, model.run(digits.glyphs)[0], digits)
            own = [misses[digits.writers == writer] for writer in np.unique(digits.writers)]
            by_writer += own
        worst = max(by_writer, key=lambda misses: float(misses.mean()))
        total = sum(int(misses.sum()) for misses in by_writer)
        rows.append((name, str(total), f"{1 - worst.mean():.1%} ({worst.sum()} misses of {len(worst)})"))
    print_table(("model", f"misses of {sum(map(len, sets)):,}", "worst writer"), rows)


def is_miss(model: Model, probabilities: NDArray[np.float32], digits: Dataset) -> NDArray[np.bool_]:
    """Return whether the most probable label of each glyph (n,) is wrong."""
    return np.array(model.labels)[probabilities.argmax(1)] != digits.labels


def validation_sets(folder: Path) -> Iterator[tuple[str, Dataset]]:
    """Yield the name of each data set of the recipe and the digits of its validation writers."""
    writers = load_arrays(folder / "mnist_writers.npz")["train_writer"].astype(np.int64)
    mnist = replace(datasets.load_dataset("mnist-train"), writers=writers)
    yield "mnist-train", validation_part("mnist-train", mnist)
    for name in DIGITS:
        whole = datasets.load_strokes_or_dataset(folder / f"{name}.npz")
        yield name, validation_part(name, whole.select(whole.labels != ""))


def validation_non_digits(folder: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the glyphs of the validation writers' letters, symbols and strings, without look-alikes."""
    for name in NON_DIGITS:
        whole = datasets.load_strokes_or_dataset(folder / f"{name}.npz")
        yield validation_part(name, whole.select(~np.isin(whole.labels, [*LOOK_ALIKES, *LABELS]))).glyphs


def validation_part(name: str, whole: Dataset | StrokeSet) -> Dataset:
    """Return the samples of the writers by which the recipe `small` chooses."""
    keys = load_recipe("small").data
    return split_validation(name, whole, keys, np.random.default_rng(0))[1].to_dataset()
