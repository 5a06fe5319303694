"""Data sets become the arrays that a net is trained on and chosen by."""

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
from inkwise.preprocessing import image_to_glyph
from inkwise.preprocessing.normalization import shapes_to_glyphs
from inkwise.preprocessing.strokes import strokes_to_shape
from inkwise.training.config import Recipe
from inkwise.training.synthesis.allographs import add_allograph_mark
from inkwise.training.synthesis.degradation import glyph_coverage, photographed_glyph, shape_coverage
from inkwise.training.synthesis.negatives import LOOK_ALIKES, corrupt_digits, synthesize_negatives
from inkwise.training.synthesis.stroke_augmentation import augment_strokes

_PHOTOGRAPHED_SHARE = 0.4  # share of drawn strokes that are photographed
_COARSE_SCAN_SHARE = 0.15  # share of them that are looked at through a coarse scanner
_MAX_NEGATIVES = 50_000  # glyphs of one set of what is no digit: they must not outweigh the digits

Glyphs = NDArray[np.uint8]
Labels = NDArray[np.str_]


@dataclass(frozen=True)
class Split:
    """Glyphs (n, 28, 28) uint8 and labels (n,) to train on and, apart from them, to choose by."""

    training: Glyphs
    training_labels: Labels
    validation: Glyphs
    validation_labels: Labels

    @property
    def classes(self) -> tuple[str, ...]:
        """All labels, sorted, and after them what is no digit."""
        labels = {*self.training_labels.tolist(), *self.validation_labels.tolist()}
        return (*sorted(labels - {NOT_A_DIGIT}), *({NOT_A_DIGIT} & labels))


def with_datasets(recipe: Recipe, sources: str) -> Recipe:
    """The recipe with other data sets, comma-separated, and as its tests those that come with them.

    A folder of IDX files comes with one where it holds `train` and `t10k`, and so does mnist-train.

    Raises:
        InkwiseError: no data set is named.
    """
    recipe = recipe.set_text([f"data={sources}"])
    data, test = [], []
    for source in recipe.data:
        folder = Path(source)
        both = is_folder(folder) and {"train", "t10k"} <= {*idx_parts(folder)}
        data.append(str(folder / "train") if both else source)
        if both or source == "mnist-train":
            test.append(str(folder / "t10k") if both else "mnist-test")
    return recipe.set(data=tuple(data), test=tuple(test))


def load_split(recipe: Recipe) -> Split:
    """Load, split and draw what a recipe trains on.

    Where the writers are known, the validation third of them chooses and the test third is left out;
    elsewhere a stratified share is split off.

    Raises:
        DataError: a data set cannot be had, or holds too little to train on and to choose by.
    """
    rng = np.random.default_rng(recipe.seed)
    splits = [_load_one(name, recipe, rng) for name in recipe.data]
    splits += [_load_negatives(name, recipe, rng) for name in recipe.others]
    if recipe.invented:
        splits.append(_synthesize_negatives(splits[0], recipe.invented, rng))
    whole = Split(*(np.concatenate(parts) for parts in zip(*splits, strict=True)))
    if len({*whole.classes} - {NOT_A_DIGIT}) < 2:
        raise DataError(f"{', '.join(recipe.data)}: at least two different labels are needed to train")
    return whole


_SplitArrays = tuple[Glyphs, Labels, Glyphs, Labels]


def _load_one(name: str, recipe: Recipe, rng: np.random.Generator) -> _SplitArrays:
    whole = datasets.load_strokes_or_dataset(name)
    whole = whole.select(whole.labels != "")
    if not len(whole):
        raise DataError(f"{name}: holds no labels to train on")
    return _split_and_draw(name, whole, recipe, rng)


def _load_negatives(name: str, recipe: Recipe, rng: np.random.Generator) -> _SplitArrays:
    """A set of what is no digit, such as letters; those that look like digits are left out."""
    whole = datasets.load_strokes_or_dataset(name)
    whole = whole.select(~np.isin(whole.labels, [*LOOK_ALIKES, *DIGITS]))
    if not len(whole):
        raise DataError(f"{name}: holds nothing but digits and what looks like them")
    whole = whole.select(np.sort(rng.permutation(len(whole))[:_MAX_NEGATIVES]))
    times = max(1, min(recipe.variants, _MAX_NEGATIVES // len(whole)))
    labelled = replace(whole, labels=np.full(len(whole), NOT_A_DIGIT))
    return _split_and_draw(name, labelled, recipe.set(variants=times), rng)


def _synthesize_negatives(digits: _SplitArrays, count: int, rng: np.random.Generator) -> _SplitArrays:
    """Half made up, half of digits spoilt; a twelfth as many to choose by."""
    training, labels, validation, validation_labels = digits
    parts = []
    for glyphs, own, number in (
        (training, labels, count),
        (validation, validation_labels, max(2, count // 12)),
    ):
        invented = [
            synthesize_negatives(number // 2, rng),
            corrupt_digits(glyphs, own, number - number // 2, rng),
        ]
        parts += [np.concatenate(invented), np.full(number, NOT_A_DIGIT)]
    return parts[0], parts[1], parts[2], parts[3]


def split_validation(
    name: str, whole: Dataset | StrokeSet, recipe: Recipe, rng: np.random.Generator
) -> tuple[Dataset | StrokeSet, Dataset | StrokeSet]:
    """What to train on, and what to choose by: other writers where they are known, else a stratified share.

    Raises:
        DataError: there is too little for both.
    """
    if whole.writers is None:
        chosen = stratified_mask(whole.labels, recipe.validation, rng)
        training, validation = whole.select(~chosen), whole.select(chosen)
    else:
        parts = datasets.split_by_writer(whole.writers)
        training, validation = whole.select(parts == "train"), whole.select(parts == "validation")
    if not len(training) or not len(validation):
        raise DataError(f"{name}: too few samples, or writers, to train on some and choose by others")
    return training, validation


def _split_and_draw(
    name: str, whole: Dataset | StrokeSet, recipe: Recipe, rng: np.random.Generator
) -> _SplitArrays:
    training, validation = split_validation(name, whole, recipe, rng)
    if isinstance(training, StrokeSet):
        glyphs = [redraw_strokes(training, recipe.styles, rng) for _ in range(recipe.variants)]
    else:
        glyphs = [training.glyphs, *(degrade_glyphs(training.glyphs, rng) for _ in range(recipe.rescans))]
    seen = validation.to_dataset()
    return np.concatenate(glyphs), np.tile(training.labels, len(glyphs)), seen.glyphs, seen.labels


def stratified_mask(labels: Labels, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose this share of each label, at least one and never all of it, (n,) bool."""
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        count = min(max(1, round(share * len(own))), len(own) - 1)
        chosen[rng.permutation(own)[:count]] = True
    return chosen


def redraw_strokes(strokes: StrokeSet, styles: float, rng: np.random.Generator) -> Glyphs:
    """Draw each sample once, (n, 28, 28) uint8, by a hand and a pen of its own; some are photographed.

    A share `styles` of them gets a mark that others write: see `add_allograph_mark`.
    """
    glyphs = []
    for sample, label in zip(strokes.samples, strokes.labels.tolist(), strict=True):
        if not sample:
            glyphs.append(np.zeros((28, 28), np.uint8))
            continue
        styled = add_allograph_mark(sample, label, rng) if rng.random() < styles else sample
        pen = float(np.clip(np.exp(rng.normal(np.log(2.6), 0.25)), 1.5, 4.5))
        shape = strokes_to_shape(augment_strokes(styled, rng), pen)
        glyph = shapes_to_glyphs(shape[None])[0]
        glyphs.append(
            photographed_glyph(shape_coverage(shape), glyph, rng)
            if rng.random() < _PHOTOGRAPHED_SHARE
            else glyph
        )
    drawn = np.stack(glyphs)
    # Some are looked at through a coarse scanner, so that its artefacts are learnt as well.
    coarse = rng.random(len(drawn)) < _COARSE_SCAN_SHARE
    drawn[coarse] = simulate_rescan(drawn[coarse], rng)
    return drawn


def degrade_glyphs(glyphs: Glyphs, rng: np.random.Generator) -> Glyphs:
    """Half of the glyphs scanned again, half photographed, (n, 28, 28) uint8."""
    again = simulate_rescan(glyphs, rng)
    for number in np.flatnonzero((rng.random(len(glyphs)) < 0.5) & glyphs.any((1, 2))):
        again[number] = photographed_glyph(glyph_coverage(glyphs[number]), glyphs[number], rng)
    return again


def simulate_rescan(glyphs: Glyphs, rng: np.random.Generator) -> Glyphs:
    """Turn each glyph into a picture of another size and aspect and read that, (n, 28, 28) uint8.

    What reading adds (edges cut, strokes brought into range) is in the training data then.
    """
    return np.stack([_rescan_glyph(glyph, rng) for glyph in glyphs]) if len(glyphs) else glyphs


def _rescan_glyph(glyph: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    x, y, w, h = cv2.boundingRect(glyph)
    if not w:
        return glyph
    height = np.exp(rng.uniform(np.log(14), np.log(48)))
    stretch = np.exp(rng.normal(0, 0.12))
    size = max(3, round(w / h * height * stretch)), max(3, round(height / stretch))
    if rng.random() < 0.25 and w > 0.4 * h:  # some software stretches to a square; a bare 1 would be a block
        size = (round(height), round(height))
    picture = cv2.resize(glyph[y : y + h, x : x + w], size, interpolation=cv2.INTER_AREA)
    top, bottom, left, right = rng.integers(0, 5, 4).tolist()
    picture = cv2.copyMakeBorder(picture, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0)
    read = image_to_glyph(np.asarray(picture, np.uint8))
    return glyph if read is None else read
