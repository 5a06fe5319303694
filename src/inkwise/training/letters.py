"""Training of the bundled model `letters`: digits, letters and the commonest symbols.

    python -m inkwise.training.letters DATA RUN [--set KEY=VALUE]

DATA holds the stroke files and scans that `build_split` names. Most validation writers are trained on, and
the others calibrate the model; `--set data.final=false` holds all of them out, as for every choice. Rerun the
same command to resume.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from inkwise import datasets
from inkwise._util.files import write_bytes
from inkwise._util.text import DIGITS, NOT_A_DIGIT
from inkwise.datasets import Dataset, StrokeSet
from inkwise.datasets.npz import load_arrays
from inkwise.recognition import Model
from inkwise.training.config import Recipe
from inkwise.training.onnx_models import get_metadata, set_metadata, store_as_float16
from inkwise.training.recipes import LETTERS
from inkwise.training.synthesis.negatives import synthesize_negatives
from inkwise.training.training_data import (
    Glyphs,
    Labels,
    Split,
    degrade_glyphs,
    redraw_strokes,
    split_validation,
)
from inkwise.training.training_run import train

LETTERS_AND_DIGITS = f"{DIGITS}ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

SYMBOLS = '!"$%()*+-/:;<=>?@'
"""Symbols of which UNIPEN holds 300 samples and more, except `.`, `,` and `'`, which differ by size."""

OTHER_SYMBOLS = "#&[]^{}~"
"""Symbols that are learnt as non-characters; the rest of UNIPEN's look like a letter, a digit or a symbol."""

_GLYPHS = 120_000  # training glyphs rendered in all
_SCANNED_SHARE = 1 / 3  # share of the digits that are scans: MNIST's and those of Swiss writers
_NEGATIVES = 8_000  # training glyphs that are no characters, half of them synthetic
_PRECISION = 0.95  # share of the accepted characters that are right


def build_split(folder: Path, recipe: Recipe) -> Split:
    """Draw training glyphs, and render validation glyphs as they were written.

    Args:
        folder: holds unipen_letters.npz, unipen_digits.npz, unipen_digits_more.npz, pendigits.npz and
            swiss_digits.npz.
        recipe: how the writers are split, and the seed.
    """
    rng = np.random.default_rng(recipe.seed)
    digit_files = [folder / f"{name}.npz" for name in ("unipen_digits", "unipen_digits_more", "pendigits")]
    letters, held_letters = _split_strokes(folder / "unipen_letters.npz", recipe, rng)
    digits, held_digits = zip(*(_split_strokes(path, recipe, rng) for path in digit_files), strict=True)
    drawn = [_of(letters, LETTERS_AND_DIGITS + SYMBOLS), *digits]
    counts = Counter(np.concatenate([part.labels for part in drawn[:3]]).tolist())  # pendigits only fill up
    scans = _scans(folder / "swiss_digits.npz", recipe, rng)
    scanned = rng.choice(len(scans), round(_SCANNED_SHARE * _GLYPHS * _share(counts, DIGITS)))
    glyphs, labels = _draw(drawn, counts, _GLYPHS - len(scanned), rng)
    others, _ = _draw([_of(letters, OTHER_SYMBOLS)], None, _NEGATIVES // 2, rng)
    negatives = np.concatenate([others, synthesize_negatives(_NEGATIVES // 2, rng, printed=False)])
    training = np.concatenate([glyphs, degrade_glyphs(scans.glyphs[scanned], rng), negatives])
    names = np.concatenate([labels, scans.labels[scanned], np.full(len(negatives), NOT_A_DIGIT)])
    held = [part.to_dataset() for part in (_of(held_letters, LETTERS_AND_DIGITS + SYMBOLS), *held_digits)]
    held_others = _of(held_letters, OTHER_SYMBOLS).to_dataset().glyphs
    validation = np.concatenate([*(part.glyphs for part in held), held_others])
    held_names = np.concatenate([*(part.labels for part in held), np.full(len(held_others), NOT_A_DIGIT)])
    return Split(training, names, validation, held_names, names != NOT_A_DIGIT)


def _split_strokes(path: Path, recipe: Recipe, rng: np.random.Generator) -> tuple[StrokeSet, StrokeSet]:
    """Training and validation samples, without those whose label is doubtful."""
    strokes = datasets.load_strokes_or_dataset(path)
    marks = load_arrays(path)
    doubtful = [marks[name] for name in ("suspect", "knn_disagree") if name in marks]
    if doubtful:
        strokes = strokes.select(~np.any(doubtful, axis=0))
    training, validation = split_validation(str(path), strokes, recipe.data, rng)
    assert isinstance(training, StrokeSet)
    assert isinstance(validation, StrokeSet)
    return training, validation


def _of(strokes: StrokeSet, labels: str) -> StrokeSet:
    return strokes.select(np.isin(strokes.labels, [*labels]))


def _scans(path: Path, recipe: Recipe, rng: np.random.Generator) -> Dataset:
    """Scanned digits to train on: those of Swiss writers, and as many of MNIST's."""
    marks = load_arrays(path)
    whole = datasets.load_dataset(path).select(~(marks["suspect"] | marks["cut"]))
    swiss, _ = split_validation(str(path), whole, recipe.data, rng)
    mnist = datasets.load_dataset("mnist-train")
    mnist = mnist.select(np.sort(rng.permutation(len(mnist))[: len(swiss)]))
    assert isinstance(swiss, Dataset)
    glyphs, labels = (
        np.concatenate([swiss.glyphs, mnist.glyphs]),
        np.concatenate([swiss.labels, mnist.labels]),
    )
    return Dataset("scans", glyphs, labels)


def _share(counts: Counter[str], labels: str) -> float:
    """Share of the glyphs that have these labels: a class has one by the root of its number of samples."""
    return sum(counts[label] ** 0.5 for label in labels) / sum(count**0.5 for count in counts.values())


def _draw(
    sets: list[StrokeSet], counts: Counter[str] | None, count: int, rng: np.random.Generator
) -> tuple[Glyphs, Labels]:
    """Redraw samples chosen at random, so that rare classes, and writers of few samples, come more often.

    The weight of a class is the root of its count, or the same for all; within a class, that of a writer is
    the root of the number of the own samples.
    """
    labels = np.concatenate([part.labels for part in sets])
    owners = [
        f"{number} {writer} {label}"
        for number, part in enumerate(sets)
        for writer, label in zip(_writers(part), part.labels.tolist(), strict=True)
    ]
    _, own, sizes = np.unique(owners, return_inverse=True, return_counts=True)
    weights = 1 / np.sqrt(sizes[own])
    for label in np.unique(labels):
        weights[labels == label] *= (counts[label] ** 0.5 if counts else 1) / weights[labels == label].sum()
    chosen = np.sort(rng.choice(len(labels), count, p=weights / weights.sum()))
    starts = np.cumsum([0, *(len(part) for part in sets)])
    glyphs = [
        redraw_strokes(
            part.select(chosen[(chosen >= start) & (chosen < start + len(part))] - start), 0.0, rng
        )
        for part, start in zip(sets, starts, strict=False)
    ]
    return np.concatenate(glyphs), labels[chosen]


def _writers(strokes: StrokeSet) -> list[int]:
    assert strokes.writers is not None
    return strokes.writers.tolist()


def finish(model: onnx.ModelProto, split: Split) -> None:
    """Set the class prior and the threshold of a trained model, and store its weights as float16."""
    metadata = get_metadata(model)
    counts = Counter(split.training_labels.tolist())
    _restore_prior(model, np.array([counts[label] for label in metadata["labels"]]), metadata["temperature"])
    probabilities, _ = Model(model.SerializeToString(), threads=1).run(split.validation)
    top, known = probabilities.max(1), split.validation_labels != NOT_A_DIGIT
    right = np.array(metadata["labels"])[probabilities.argmax(1)] == split.validation_labels
    metadata["threshold"] = threshold_of(top[known], right[known])
    rejected = int((top[~known] < metadata["threshold"]).sum())
    metadata["metrics"]["validation"] |= {
        "misses": int((known & ~right).sum()),
        "others_rejected": rejected,
    }
    set_metadata(model, metadata)
    store_as_float16(model)


def _restore_prior(model: onnx.ModelProto, drawn: NDArray[np.int64], temperature: float) -> None:
    """Move the prior from the training glyphs (k,) of each label to the frequencies in the data sets.

    These are as their squares. M. Saerens, P. Latinne and C. Decaestecker, "Adjusting the outputs of a
    classifier to new a priori probabilities", Neural Computation 14, 2002.
    """
    head = next(node for node in reversed(model.graph.node) if node.op_type == "Gemm")
    (bias,) = (weight for weight in model.graph.initializer if weight.name == head.input[2])
    values = numpy_helper.to_array(bias).copy()
    values[: len(drawn)] += temperature * np.log(drawn * drawn.sum() / (drawn**2).sum())
    bias.CopyFrom(numpy_helper.from_array(values, bias.name))


def threshold_of(probabilities: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    """The least probability from which `_PRECISION` of the answers (n,) are right.

    A share of all characters, as digits have it, would accept either case of a letter as the other.
    """
    order = np.argsort(-probabilities, kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    last = np.flatnonzero(precision >= _PRECISION)
    return math.floor(1e4 * float(probabilities[order[last[-1]]])) / 1e4 if len(last) else 1.0


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--set", action="append", default=[], help="recipe key=value")
    arguments = parser.parse_args()
    recipe = LETTERS.set_text(arguments.set)
    arguments.run.mkdir(parents=True, exist_ok=True)
    cache = arguments.run / "glyphs.npz"
    if cache.exists():
        with np.load(cache, allow_pickle=False) as file:
            split = Split(**file)
    else:
        split = build_split(arguments.data, recipe)
        np.savez(cache, **vars(split))
    torch.set_num_threads(1)
    model = onnx.load(train(recipe, arguments.run, split=split))
    finish(model, split)
    write_bytes(arguments.run / "letters.onnx", model.SerializeToString())


if __name__ == "__main__":
    main()
