"""Single digits, and what stands beside them, to compose numbers from."""

from __future__ import annotations

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
_SMALL_SYMBOLS = {*".,-/:()|'`;_~^\"\\[]{}"}  # drawn as tall as a digit, many of them would be one
_LOOK_LIKE_OPEN_4 = {*"hyY"}  # beside the open 4s that `sketched` draws


StrokeSample = list[Stroke]


@dataclass(frozen=True)
class DigitPool:
    """Single digits, to compose numbers from.

    Attributes:
        hands: for each writer, the samples of each of the ten digits.
        glyphs: for each of the ten digits, glyphs (28, 28) uint8.
        signs: strokes of symbols, which stand beside numbers.
        letters: strokes of letters, which make words.
        numbers: whole numbers as they were written, and their digits.
    """

    samples_by_writer: list[list[list[StrokeSample]]]
    glyphs: list[list[NDArray[np.uint8]]]
    symbols: list[StrokeSample]
    letters: list[StrokeSample]
    numbers: list[tuple[StrokeSample, str]]


def build_digit_pools(recipe: Recipe) -> tuple[DigitPool, DigitPool]:
    """What a recipe composes numbers from: to train on, and apart from it to choose by.

    Of `others`, what is written with digits and separators is taken for numbers, and some of the rest for
    what stands beside them.

    Raises:
        DataError: a data set cannot be had, or there is not every digit both in strokes and in pictures.
    """
    rng = np.random.default_rng(recipe.seed)
    parts = [
        split_validation(name, datasets.load_strokes_or_dataset(name), recipe, rng)
        for name in (*recipe.data, *recipe.others)
    ]
    trained, chosen = ([part[place] for part in parts] for place in (0, 1))
    return _build_pool(trained), _build_pool(chosen)


def _build_pool(sets: list[Dataset | StrokeSet]) -> DigitPool:
    bank = DigitPool([], [[] for _ in DIGITS], [], [], [])
    for part in sets:
        if isinstance(part, StrokeSet):
            _add_strokes(bank, part)
        else:
            for digit, glyphs in zip(DIGITS, bank.glyphs, strict=True):
                glyphs.extend(part.glyphs[(part.labels == digit) & part.glyphs.any((1, 2))])
    drawn = [any(hand[int(digit)] for hand in bank.samples_by_writer) for digit in DIGITS]
    if not all(drawn) or not all(bank.glyphs):
        raise DataError(
            "numbers are composed from pen strokes and from pictures: each digit is needed in both"
        )
    return bank


def _add_strokes(pool: DigitPool, part: StrokeSet) -> None:
    writers = np.zeros(len(part), np.int64) if part.writers is None else part.writers
    hands: dict[int, list[list[StrokeSample]]] = {
        int(writer): [[] for _ in DIGITS] for writer in np.unique(writers)
    }
    for sample, label, writer in zip(part.samples, part.labels.tolist(), writers.tolist(), strict=True):
        digits = "".join(sign for sign in label if sign in DIGITS)
        if not sample or not label:
            continue
        if label in {*DIGITS}:
            hands[writer][int(label)].append(sample)
        elif digits and {*label} <= {*DIGITS, *_SEPARATORS}:
            pool.numbers.append((sample, digits))
        elif not digits and label not in LOOK_ALIKES | _SMALL_SYMBOLS | _LOOK_LIKE_OPEN_4:
            (pool.letters if label.isalpha() else pool.symbols).append(sample)
    pool.samples_by_writer.extend(hand for hand in hands.values() if any(hand))
