"""Training and validation glyphs of a recipe, from data sets and by synthesis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise import datasets
from inkwise._util.errors import DataError
from inkwise._util.inputs import is_folder
from inkwise._util.text import DIGITS, NOT_A_DIGIT
from inkwise.datasets import Dataset, StrokeSet
from inkwise.datasets.idx import idx_parts
from inkwise.datasets.npz import load_arrays
from inkwise.preprocessing import image_to_glyph
from inkwise.preprocessing.normalization import shapes_to_glyphs
from inkwise.preprocessing.strokes import strokes_to_shape
from inkwise.training.config import DataSection, Recipe
from inkwise.training.synthesis.allographs import add_allograph_mark
from inkwise.training.synthesis.degradation import crop_to_ink, ink_coverage, photographed_glyph
from inkwise.training.synthesis.negatives import LOOK_ALIKES, corrupt_digits, synthesize_negatives
from inkwise.training.synthesis.stroke_augmentation import augment_strokes

_PHOTOGRAPHED_SHARE = 0.4  # share of rendered strokes that are photographed
_COARSE_SCAN_SHARE = 0.15  # share of rendered strokes that are scanned at low resolution
_MAX_VALIDATION = 10_000  # samples per set without writers; more would choose no better, but take longer
_MAX_NEGATIVES = 50_000  # glyphs per set of non-digits, so that they do not outweigh the digits

Glyphs = NDArray[np.uint8]
Labels = NDArray[np.str_]


@dataclass(frozen=True)
class Split:
    """Glyphs (n, 28, 28) uint8 and labels (n,) of training and validation.

    `originals` (n,) bool marks the training digits without their augmented copies and without non-digits.
    """

    training: Glyphs
    training_labels: Labels
    validation: Glyphs
    validation_labels: Labels
    originals: NDArray[np.bool_]

    @property
    def classes(self) -> tuple[str, ...]:
        """All labels, sorted, and last "not a digit"."""
        labels = {*self.training_labels.tolist(), *self.validation_labels.tolist()}
        return (*sorted(labels - {NOT_A_DIGIT}), *({NOT_A_DIGIT} & labels))


def with_datasets(recipe: Recipe, sources: str) -> Recipe:
    """The recipe with other data sets, comma-separated, and the test sets that belong to them.

    A folder of IDX files has one if it holds `train` and `t10k`, and so does mnist-train.

    Raises:
        InkwiseError: no data set is named.
    """
    train, test = [], []
    for source in filter(None, sources.split(",")):
        folder = Path(source)
        both = is_folder(folder) and {"train", "t10k"} <= {*idx_parts(folder)}
        train.append(str(folder / "train") if both else source)
        if both or source == "mnist-train":
            test.append(str(folder / "t10k") if both else "mnist-test")
    return recipe.set(data={"train": train, "test": test})


def load_split(recipe: Recipe) -> Split:
    """Load, split and synthesize the glyphs of a recipe.

    If the writers are known, the validation third of them is for validation and the test third is left out
    (see `DataSection.final`); else a stratified share is split off.

    Raises:
        DataError: a data set cannot be read, or holds too few samples to split.
    """
    rng = np.random.default_rng(recipe.seed)
    parts = [_load_digits(name, recipe.data, rng) for name in recipe.data.train]
    parts += [_load_negatives(name, recipe.data, rng) for name in recipe.data.negatives]
    if recipe.data.synthetic_negatives:
        parts.append(_synthesize_negatives(parts[0], recipe.data.synthetic_negatives, rng))
    arrays = zip(*(vars(part).values() for part in parts), strict=True)
    whole = Split(*map(np.concatenate, arrays))
    if len({*whole.classes} - {NOT_A_DIGIT}) < 2:
        raise DataError(f"{', '.join(recipe.data.train)}: at least two different labels are needed to train")
    return whole


def _load_digits(name: str, keys: DataSection, rng: np.random.Generator) -> Split:
    whole = datasets.load_strokes_or_dataset(name)
    if name == "mnist-train" and keys.mnist_writers:
        whole = replace(whole, writers=_mnist_writers(keys.mnist_writers))
    whole = whole.select(whole.labels != "")
    if not len(whole):
        raise DataError(f"{name}: holds no labels to train on")
    return _split_and_render(name, whole, keys, rng)


def _mnist_writers(path: str) -> NDArray[np.int64]:
    """The writers (60000,) of MNIST's training digits, in MNIST's order."""
    writers = load_arrays(Path(path)).get("train_writer", np.empty(0))
    if writers.shape != (60_000,) or writers.dtype.kind not in "iu":
        raise DataError(f"{path}: expected an array train_writer of 60,000 integers")
    return writers.astype(np.int64)


def _load_negatives(name: str, keys: DataSection, rng: np.random.Generator) -> Split:
    """A set of non-digits, such as letters, without those that look like digits."""
    whole = datasets.load_strokes_or_dataset(name)
    whole = whole.select(~np.isin(whole.labels, [*LOOK_ALIKES, *DIGITS]))
    if not len(whole):
        raise DataError(f"{name}: holds nothing but digits and what looks like them")
    whole = whole.select(np.sort(rng.permutation(len(whole))[:_MAX_NEGATIVES]))
    redraws = max(1, min(keys.stroke_redraws, _MAX_NEGATIVES // len(whole)))
    labelled = replace(whole, labels=np.full(len(whole), NOT_A_DIGIT))
    split = _split_and_render(name, labelled, replace(keys, stroke_redraws=redraws), rng)
    return replace(split, originals=np.zeros(len(split.training), bool))


def _synthesize_negatives(digits: Split, count: int, rng: np.random.Generator) -> Split:
    """Half synthetic non-digits, half corrupted digits; a twelfth as many for validation."""
    parts = []
    for glyphs, labels, number in (
        (digits.training, digits.training_labels, count),
        (digits.validation, digits.validation_labels, max(2, count // 12)),
    ):
        synthetic = synthesize_negatives(number // 2, rng)
        corrupted = corrupt_digits(glyphs, labels, number - number // 2, rng)
        parts += [np.concatenate([synthetic, corrupted]), np.full(number, NOT_A_DIGIT)]
    return Split(parts[0], parts[1], parts[2], parts[3], np.zeros(count, bool))


def split_validation(
    name: str, whole: Dataset | StrokeSet, keys: DataSection, rng: np.random.Generator
) -> tuple[Dataset | StrokeSet, Dataset | StrokeSet]:
    """Training and validation samples, by writers if they are known, else a stratified share."""
    if whole.writers is None:
        chosen = stratified_mask(whole.labels, keys.validation, rng)
        parts = np.where(chosen, "validation", "train")
        if chosen.sum() > _MAX_VALIDATION:
            parts[rng.permutation(np.flatnonzero(chosen))[_MAX_VALIDATION:]] = "unused"
    else:
        parts = _parts_by_writer(name, whole.writers, keys)
    training, validation = whole.select(parts == "train"), whole.select(parts == "validation")
    if not len(training) or not (len(validation) or keys.final):
        raise DataError(f"{name}: too few samples, or writers, to train on some and choose by others")
    return training, validation


def _parts_by_writer(name: str, writers: NDArray[np.int64], keys: DataSection) -> NDArray[np.str_]:
    """The part of each sample (n,): thirds, but MNIST, which has its own test set, is split by a share."""
    thirds = datasets.split_by_writer(writers)
    if not keys.final and name != "mnist-train":
        return thirds
    parts = np.where(datasets.choose_writers(writers, keys.validation), "validation", "train")
    return np.where((thirds == "test") & Path(name).name.startswith("unipen"), "test", parts)


def _split_and_render(
    name: str, whole: Dataset | StrokeSet, keys: DataSection, rng: np.random.Generator
) -> Split:
    training, validation = split_validation(name, whole, keys, rng)
    plain = validation.to_dataset()
    if training.writers is None or name == "mnist-train":
        numbers = np.tile(np.arange(len(training)), 1 + keys.scan_augmentation)
    else:
        numbers = _repeat_by_writer(training.writers, keys.stroke_redraws)
    drawn = training.select(numbers)
    if isinstance(drawn, StrokeSet):
        glyphs = redraw_strokes(drawn, keys.allographs, rng)
    else:
        again = degrade_glyphs(drawn.glyphs[len(training) :], rng)
        glyphs = np.concatenate([drawn.glyphs[: len(training)], again])
    originals = np.arange(len(numbers)) < len(training)
    return Split(glyphs, drawn.labels, plain.glyphs, plain.labels, originals)


def _repeat_by_writer(writers: NDArray[np.int64], mean: int) -> NDArray[np.int64]:
    """Indices of samples (n,): first each once, then more of the writers of few samples.

    A writer of n samples gets about the square root of n times as many, in all `mean` for each sample.
    """
    _, positions, counts = np.unique(writers, return_inverse=True, return_counts=True)
    weights = counts[positions] ** -0.5
    repeats = np.maximum(1, np.rint(mean * weights / weights.mean())).astype(np.int64)
    return np.concatenate([np.flatnonzero(repeats > done) for done in range(int(repeats.max()))])


def stratified_mask(labels: Labels, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose this share of the samples of each label, at least one and never all, (n,) bool."""
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        count = min(max(1, round(share * len(own))), len(own) - 1)
        chosen[rng.permutation(own)[:count]] = True
    return chosen


def redraw_strokes(strokes: StrokeSet, allographs: float, rng: np.random.Generator) -> Glyphs:
    """Render each sample once, (n, 28, 28) uint8, with random stroke augmentation and pen; photograph some.

    A share `allographs` of them gets a mark: see `add_allograph_mark`.
    """
    glyphs = []
    for sample, label in zip(strokes.samples, strokes.labels.tolist(), strict=True):
        if not sample:
            glyphs.append(np.zeros((28, 28), np.uint8))
            continue
        marked = add_allograph_mark(sample, label, rng) if rng.random() < allographs else sample
        pen = float(np.clip(np.exp(rng.normal(np.log(2.6), 0.25)), 1.5, 4.5))
        shape = strokes_to_shape(augment_strokes(marked, rng), pen)
        glyph = shapes_to_glyphs(shape[None])[0]
        glyphs.append(
            photographed_glyph(ink_coverage(shape), glyph, rng)
            if rng.random() < _PHOTOGRAPHED_SHARE
            else glyph
        )
    drawn = np.stack(glyphs)
    coarse = rng.random(len(drawn)) < _COARSE_SCAN_SHARE
    drawn[coarse] = simulate_rescan(drawn[coarse], rng)
    return drawn


def degrade_glyphs(glyphs: Glyphs, rng: np.random.Generator) -> Glyphs:
    """Rescan half of the glyphs and photograph the other half, (n, 28, 28) uint8."""
    again = simulate_rescan(glyphs, rng)
    for number in np.flatnonzero((rng.random(len(glyphs)) < 0.5) & glyphs.any((1, 2))):
        again[number] = photographed_glyph(ink_coverage(glyphs[number]), glyphs[number], rng)
    return again


def simulate_rescan(glyphs: Glyphs, rng: np.random.Generator) -> Glyphs:
    """Resize each glyph to an image of another size and aspect and normalize that, (n, 28, 28) uint8.

    Artefacts of normalization, such as cropped edges, thus occur in the training data.
    """
    return np.stack([_rescan_glyph(glyph, rng) for glyph in glyphs]) if len(glyphs) else glyphs


def _rescan_glyph(glyph: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    ink = crop_to_ink(glyph)
    h, w = ink.shape
    if not w:
        return glyph
    height = np.exp(rng.uniform(np.log(14), np.log(48)))
    stretch = np.exp(rng.normal(0, 0.12))
    size = max(3, round(w / h * height * stretch)), max(3, round(height / stretch))
    # as some software does, stretch to a square, except a bare 1, which would become a block
    if rng.random() < 0.25 and w > 0.4 * h:
        size = (round(height), round(height))
    picture = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    top, bottom, left, right = rng.integers(0, 5, 4).tolist()
    picture = cv2.copyMakeBorder(picture, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0)
    read = image_to_glyph(np.asarray(picture, np.uint8))
    return glyph if read is None else read
