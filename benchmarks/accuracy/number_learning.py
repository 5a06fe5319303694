"""Error reduction from a writer's corrected numbers, by adaptation and by fine-tuning the line reader.

    python -m benchmarks number-learning FOLDER [--part test|validation] [--writers N] [--lines N]

FOLDER holds pendigits.npz, whose writers of the part are learnt one by one, and the sets of UNIPEN, whose
writers of the part give the separators, and strings that tell what is forgotten. Pictures of numbers are
composed of the pen strokes of one writer: 16 of one half of the digits are corrected, 100 of the other half
are read. The digits of a corrected number are cut where the line reader finds its true text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.number_reading import share, strings
from benchmarks.accuracy.page_reading import best_guess
from benchmarks.common.handwriting_sets import load_strokes
from benchmarks.common.reporting import argument_parser, markdown_table
from inkwise import Recognizer, datasets
from inkwise._util.system import describe_machine
from inkwise._util.text import DIGITS, digits_of
from inkwise.corrections.number_learning import cut_number
from inkwise.datasets import Dataset, StrokeSet
from inkwise.recognition.model import LineModel, line_model_source, model_content
from inkwise.training.number_fine_tuning import fine_tune_numbers
from inkwise.training.synthesis.number_layout import Hand, lay_out_number
from inkwise.training.synthesis.number_pool import NumberPool, build_number_pool
from inkwise.training.synthesis.number_texts import random_number_text
from inkwise.training.synthesis.writer_numbers import WriterDigits

TEST_NUMBERS = 100
Lines = list[tuple[NDArray[np.uint8], str]]
"""Pictures of numbers and what is written."""


@dataclass(frozen=True)
class Outcome:
    """Which numbers of a writer are right, by digits and by text, and which strings of other writers are."""

    digits: NDArray[np.bool_]
    texts: NDArray[np.bool_]
    others: NDArray[np.bool_]


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=("validation", "test"), default="test")
    parser.add_argument("--writers", type=int)
    parser.add_argument("--lines", type=int, default=16, help="corrected numbers of each writer")
    arguments = parser.parse_args(argv)
    whole, writers = load_strokes(arguments.folder / "pendigits.npz")
    chosen = np.unique(writers[datasets.split_by_writer(writers) == arguments.part])
    others = [*strings(arguments.folder / "unipen_digit_strings.npz", arguments.part)]
    separators = build_number_pool(arguments.folder, arguments.part).separators
    replay = datasets.load_dataset("mnist-train")
    outcomes: dict[str, list[Outcome]] = {}
    for writer in chosen[: arguments.writers].tolist():
        own = whole.select(writers == writer)
        learning, test = (
            compose(
                own.select(slice(half, None, 2)), separators, count, np.random.default_rng([writer, half])
            )
            for half, count in ((0, arguments.lines), (1, TEST_NUMBERS))
        )
        for name, recognizer in recognizers(learning, replay):
            outcomes.setdefault(name, []).append(evaluate(recognizer, test, others))
    print(f"{arguments.part}, {len(chosen[: arguments.writers])} writers; {describe_machine()}.\n")
    head = ("reader", "n", "digits right", "texts right", "errors removed", "strings of others")
    print(markdown_table(head, rows(outcomes)))


def compose(own: StrokeSet, separators: dict[str, Any], count: int, rng: np.random.Generator) -> Lines:
    """Pictures of numbers by one writer with one pen."""
    pool = NumberPool(hands=[WriterDigits.of(own, ()).strokes], separators=separators)
    pen, lines = float(rng.uniform(4, 8)), Lines()
    while len(lines) < count:
        text = random_number_text(rng)
        if digits_of(text) and {*text} <= {*DIGITS, *separators}:
            ink = lay_out_number(text, Hand(pool, pen, rng, varied=False))
            lines.append((np.asarray(255 - np.pad(ink, 40), np.uint8), text.replace(" ", "")))
    return lines


def recognizers(learning: Lines, replay: Dataset) -> Iterator[tuple[str, Recognizer]]:
    """The reader as it is, adapted to the digits of corrected numbers, and fine-tuned on them as well."""
    base = Recognizer(threads=1)
    yield "no learning", base
    cut = [found for picture, text in learning for found in cut_number(base, picture, text)]
    glyphs, labels = np.array([digit.glyph for digit, _ in cut]), np.array([digit.label for digit, _ in cut])
    adapted = base.adapt(glyphs, labels)
    yield "adaptation", adapted
    inks = WriterDigits.of(None, ((ink, digit.label) for digit, ink in cut))
    weights = fine_tune_numbers(model_content(line_model_source("default")), inks, replay)
    line_model = LineModel(weights, threads=1)
    yield "adaptation and learning", Recognizer(base.model, line_model=line_model).adapt(glyphs, labels)


def evaluate(recognizer: Recognizer, test: Lines, others: list[Any]) -> Outcome:
    answers = ["".join(map(best_guess, recognizer.read(picture, "number"))) for picture, _ in test]
    pairs = [(answer, text) for answer, (_, text) in zip(answers, test, strict=True)]
    strings_right = [
        digits_of("".join(map(best_guess, recognizer.read_strokes(sample, "number")))) == digits_of(text)
        for numbers in others
        for sample, text in zip(numbers.samples, numbers.texts, strict=True)
    ]
    return Outcome(
        np.array([digits_of(answer) == digits_of(text) for answer, text in pairs]),
        np.array([answer == text for answer, text in pairs]),
        np.array(strings_right),
    )


def rows(outcomes: dict[str, list[Outcome]]) -> Iterator[tuple[str, ...]]:
    misses = None
    for name, found in outcomes.items():
        digits, texts, others = (
            np.concatenate([getattr(one, key) for one in found]) for key in ("digits", "texts", "others")
        )
        misses = misses or int((~digits).sum())
        removed = f"{1 - (~digits).sum() / misses:.0%}"
        yield name, f"{len(digits):,}", share(digits), share(texts), removed, f"{others.mean():.1%}"
