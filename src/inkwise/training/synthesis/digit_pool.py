"""Pools of single digits, letters and symbols that lines are composed of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkwise import datasets
from inkwise._util.errors import DataError
from inkwise._util.text import DIGITS
from inkwise.datasets import Dataset, StrokeSet
from inkwise.training.config import Recipe
from inkwise.training.synthesis.allographs import Stroke
from inkwise.training.synthesis.negatives import LOOK_ALIKES
from inkwise.training.training_data import split_validation

_SEPARATORS = {*".,-/:()$#% "}
_SMALL_SYMBOLS = {*".,-/:()|'`;_~^\"\\[]{}"}  # at a digit's height many look like a digit
_LOOK_LIKE_OPEN_4 = {*"hyY"}  # similar to the open 4s of `draw_allograph`


StrokeSample = list[Stroke]


@dataclass(frozen=True)
class DigitPool:
    """Samples that lines are composed of.

    Attributes:
        samples_by_writer: for each writer, the samples of each of the ten digits.
        glyphs: for each of the ten digits, glyphs (28, 28) uint8.
        symbols: strokes of symbols beside numbers.
        letters: strokes of letters, for words.
        numbers: strokes of whole numbers, and their digits.
    """

    samples_by_writer: list[list[list[StrokeSample]]]
    glyphs: list[list[NDArray[np.uint8]]]
    symbols: list[StrokeSample]
    letters: list[StrokeSample]
    numbers: list[tuple[StrokeSample, str]]


def build_digit_pools(recipe: Recipe) -> tuple[DigitPool, DigitPool]:
    """The training and validation pools of a recipe.

    Of `data.negatives`, labels of digits and separators become whole numbers, letters become words, and
    symbols stand beside numbers.

    Raises:
        DataError: a data set cannot be read, or a digit is missing among the strokes or the images.
    """
    rng = np.random.default_rng(recipe.seed)
    parts = [
        split_validation(name, datasets.load_strokes_or_dataset(name), recipe.data.validation, rng)
        for name in (*recipe.data.train, *recipe.data.negatives)
    ]
    training, validation = zip(*parts, strict=True)
    return _build_pool(training), _build_pool(validation)


def _build_pool(sets: Iterable[Dataset | StrokeSet]) -> DigitPool:
    pool = DigitPool([], [[] for _ in DIGITS], [], [], [])
    for part in sets:
        if isinstance(part, StrokeSet):
            _add_strokes(pool, part)
        else:
            for digit, glyphs in zip(DIGITS, pool.glyphs, strict=True):
                glyphs.extend(part.glyphs[(part.labels == digit) & part.glyphs.any((1, 2))])
    drawn = [any(samples[int(digit)] for samples in pool.samples_by_writer) for digit in DIGITS]
    if not all(drawn) or not all(pool.glyphs):
        raise DataError(
            "numbers are composed from pen strokes and from pictures: each digit is needed in both"
        )
    return pool


def _add_strokes(pool: DigitPool, part: StrokeSet) -> None:
    writers = np.zeros(len(part), np.int64) if part.writers is None else part.writers
    by_writer: dict[int, list[list[StrokeSample]]] = {
        int(writer): [[] for _ in DIGITS] for writer in np.unique(writers)
    }
    for sample, label, writer in zip(part.samples, part.labels.tolist(), writers.tolist(), strict=True):
        digits = "".join(character for character in label if character in DIGITS)
        if not sample or not label:
            continue
        if label in {*DIGITS}:
            by_writer[writer][int(label)].append(sample)
        elif digits and {*label} <= {*DIGITS, *_SEPARATORS}:
            pool.numbers.append((sample, digits))
        elif not digits and label not in LOOK_ALIKES | _SMALL_SYMBOLS | _LOOK_LIKE_OPEN_4:
            (pool.letters if label.isalpha() else pool.symbols).append(sample)
    pool.samples_by_writer.extend(samples for samples in by_writer.values() if any(samples))
