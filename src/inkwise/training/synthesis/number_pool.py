"""Pools of digits, separators, letters and whole numbers, by writer, that numbers are composed of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise import datasets
from inkwise._util.text import DIGITS
from inkwise.datasets import Dataset, StrokeSet
from inkwise.preprocessing import binarize
from inkwise.training.synthesis.allographs import Stroke
from inkwise.training.synthesis.degradation import crop_to_ink
from inkwise.training.synthesis.negatives import LOOK_ALIKES
from inkwise.training.synthesis.number_texts import SEPARATORS

StrokeSample = list[Stroke]
DigitSamples = list[list[StrokeSample]]
"""Samples of each of the ten digits."""
DigitScans = list[list[NDArray[np.uint8]]]
"""Ink (h, w) uint8 of each of the ten digits."""

_SCAN_HEIGHT = 64  # height to which larger scans are reduced, pixels
_MNIST_VALIDATION = 20  # every 20th MNIST writer belongs to the validation part


@dataclass
class NumberPool:
    """What numbers are composed of.

    Attributes:
        hands: for each writer, strokes of the ten digits.
        scans: for each writer, scanned ink of the ten digits.
        separators: strokes of each separator, scaled to digits of the writer that are 1 high.
        words: strokes of letters, for each writer.
        symbols: strokes of symbols that are neither digits nor separators.
        numbers: strokes of whole numbers, and their text.
    """

    hands: list[DigitSamples] = field(default_factory=list)
    scans: list[DigitScans] = field(default_factory=list)
    separators: dict[str, list[StrokeSample]] = field(default_factory=dict)
    words: list[list[StrokeSample]] = field(default_factory=list)
    symbols: list[StrokeSample] = field(default_factory=list)
    numbers: list[tuple[StrokeSample, str]] = field(default_factory=list)


def build_number_pool(folder: Path, part: str) -> NumberPool:
    """The pool of a split, "train" or "validation", of the data sets in a folder, and of MNIST."""
    pool = NumberPool()
    heights = _add_unipen(pool, folder, part)
    pendigits = _strokes(folder / "pendigits.npz")
    _add_hands(pool, _of(pendigits, datasets.split_by_writer(_writers(pendigits)) == part))
    _add_letters(pool, folder, part, heights)
    _add_swiss(pool, folder / "swiss_digits.npz", part)
    _add_mnist(pool, folder / "mnist_writers.npz", part)
    return pool


def _strokes(path: Path) -> StrokeSet:
    strokes = datasets.load_strokes_or_dataset(path)
    assert isinstance(strokes, StrokeSet)
    return strokes


def _writers(strokes: StrokeSet) -> NDArray[np.int64]:
    assert strokes.writers is not None
    return strokes.writers


def _of(strokes: StrokeSet, mask: NDArray[np.bool_]) -> StrokeSet:
    return strokes.select(mask)


def _add_unipen(pool: NumberPool, folder: Path, part: str) -> dict[int, float]:
    """Add digits and whole numbers; return the median height of each writer's digits."""
    digits = []
    for name in ("unipen_digits", "unipen_digits_more"):
        path = folder / f"{name}.npz"
        strokes = _strokes(path)
        with np.load(path, allow_pickle=False) as file:
            doubtful = np.zeros(len(strokes), bool)
            for mark in {"suspect", "knn_disagree"} & {*file.files}:
                doubtful |= file[mark]
        digits.append(_of(strokes, (datasets.split_by_writer(_writers(strokes)) == part) & ~doubtful))
    heights = defaultdict(list)
    for strokes in digits:
        _add_hands(pool, strokes)
        for sample, writer in zip(strokes.samples, _writers(strokes).tolist(), strict=True):
            heights[writer].append(float(np.ptp(np.concatenate(sample)[:, 1])))
    for name in ("unipen_digit_strings", "unipen_digit_strings_more"):
        strokes = _strokes(folder / f"{name}.npz")
        strokes = _of(strokes, datasets.split_by_writer(_writers(strokes)) == part)
        for sample, label in zip(strokes.samples, strokes.labels.tolist(), strict=True):
            if {*label} <= {*DIGITS, *SEPARATORS}:
                pool.numbers.append((list(sample), label))
    return {writer: float(np.median(values)) for writer, values in heights.items()}


def _add_hands(pool: NumberPool, strokes: StrokeSet) -> None:
    hands: dict[int, DigitSamples] = defaultdict(lambda: [[] for _ in DIGITS])
    for sample, label, writer in zip(
        strokes.samples, strokes.labels.tolist(), _writers(strokes).tolist(), strict=True
    ):
        if label in {*DIGITS}:
            hands[writer][int(label)].append(list(sample))
    pool.hands.extend(hands.values())


def _add_letters(pool: NumberPool, folder: Path, part: str, heights: dict[int, float]) -> None:
    strokes = _strokes(folder / "unipen_letters.npz")
    strokes = _of(strokes, datasets.split_by_writer(_writers(strokes)) == part)
    usual = float(np.median([*heights.values()]))
    words = defaultdict(list)
    for sample, label, writer in zip(
        strokes.samples, strokes.labels.tolist(), _writers(strokes).tolist(), strict=True
    ):
        if label in SEPARATORS:
            scale = 1 / heights.get(writer, usual)
            pool.separators.setdefault(label, []).append([stroke * scale for stroke in sample])
        elif label.isalpha() and label not in LOOK_ALIKES:
            words[writer].append(list(sample))
        elif label in "@&?<>]{}~^!":
            pool.symbols.append(list(sample))
    pool.words.extend(words.values())


def _add_swiss(pool: NumberPool, path: Path, part: str) -> None:
    with np.load(path, allow_pickle=False) as file:
        pixels, offsets, shapes = file["pixels"], file["offsets"], file["shapes"]
        labels, writers = file["labels"], file["writer"].astype(np.int64)
        good = ~(file["suspect"] | file["cut"]) & (datasets.split_by_writer(writers) == part)
    chosen = np.flatnonzero(good)
    inks = (
        _ink(pixels[offsets[number] : offsets[number + 1]].reshape(shapes[number]))
        for number in chosen.tolist()
    )
    _add_scans(pool, inks, labels[chosen], writers[chosen])


def _ink(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The ink of a scan, at most `_SCAN_HEIGHT` high, with soft edges."""
    ink = crop_to_ink(binarize(grey, ink_expected=True))
    if len(ink) <= _SCAN_HEIGHT:
        return ink
    scale = _SCAN_HEIGHT / len(ink)
    return np.asarray(cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _add_mnist(pool: NumberPool, path: Path, part: str) -> None:
    whole = datasets.load_dataset("mnist-train")
    assert isinstance(whole, Dataset)
    with np.load(path, allow_pickle=False) as file:
        writers = file["train_writer"].astype(np.int64)
    chosen = np.flatnonzero((writers % _MNIST_VALIDATION == 0) == (part == "validation"))
    inks = (crop_to_ink(whole.glyphs[number]) for number in chosen.tolist())
    _add_scans(pool, inks, whole.labels[chosen].astype(int), writers[chosen])


def _add_scans(
    pool: NumberPool, inks: Iterable[NDArray[np.uint8]], labels: NDArray[np.int64], writers: NDArray[np.int64]
) -> None:
    scans: dict[int, DigitScans] = defaultdict(lambda: [[] for _ in DIGITS])
    for ink, label, writer in zip(inks, labels, writers.tolist(), strict=True):
        if ink.size:
            scans[writer][int(label)].append(ink)
    pool.scans.extend(scans.values())
