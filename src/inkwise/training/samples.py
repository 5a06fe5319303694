"""Data sets become the arrays that a net is trained on and chosen by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inkwise import datasets
from inkwise.datasets import StrokeSet
from inkwise.datasets.idx import idx_parts
from inkwise.errors import DataError
from inkwise.ink import picture_glyph, stroke_glyph
from inkwise.training.recipe import Recipe
from inkwise.training.styles import restyle

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
        """All labels, sorted."""
        return tuple(np.unique(np.concatenate([self.training_labels, self.validation_labels])).tolist())


def train_on(recipe: Recipe, sources: str) -> Recipe:
    """The recipe with other data sets, comma-separated, and as its tests those that come with them.

    A folder of IDX files comes with one where it holds `train` and `t10k`, and so does mnist-train.

    Raises:
        InkwiseError: no data set is named.
    """
    recipe = recipe.set_text([f"data={sources}"])
    data, test = [], []
    for source in recipe.data:
        folder = Path(source)
        both = folder.is_dir() and {"train", "t10k"} <= {*idx_parts(folder)}
        data.append(str(folder / "train") if both else source)
        if both or source == "mnist-train":
            test.append(str(folder / "t10k") if both else "mnist-test")
    return recipe.set(data=tuple(data), test=tuple(test))


def gather(recipe: Recipe) -> Split:
    """Load, split and draw what a recipe trains on.

    Where the writers are known, the validation third of them chooses and the test third is left out;
    elsewhere a stratified share is split off.

    Raises:
        DataError: a data set cannot be had, or holds too little to train on and to choose by.
    """
    rng = np.random.default_rng(recipe.seed)
    splits = [_gather_one(name, recipe, rng) for name in recipe.data]
    whole = Split(*(np.concatenate(parts) for parts in zip(*splits, strict=True)))
    if len(whole.classes) < 2:
        raise DataError(f"{', '.join(recipe.data)}: at least two different labels are needed to train")
    return whole


def _gather_one(name: str, recipe: Recipe, rng: np.random.Generator) -> tuple[Glyphs, Labels, Glyphs, Labels]:
    whole = datasets.load_raw(name)
    whole = whole.select(whole.labels != "")
    if not len(whole):
        raise DataError(f"{name}: holds no labels to train on")
    if whole.writers is None:
        chosen = stratified(whole.labels, recipe.validation, rng)
        training, validation = whole.select(~chosen), whole.select(chosen)
    else:
        parts = datasets.split_writers(whole.writers)
        training, validation = whole.select(parts == "train"), whole.select(parts == "validation")
    if not len(training) or not len(validation):
        raise DataError(f"{name}: too few samples, or writers, to train on some and choose by others")
    if isinstance(training, StrokeSet):
        glyphs = [draw_variant(training, recipe.styles, rng) for _ in range(recipe.variants)]
    else:
        glyphs = [training.glyphs, *(rescan(training.glyphs, rng) for _ in range(recipe.rescans))]
    seen = validation.to_dataset()
    return np.concatenate(glyphs), np.tile(training.labels, len(glyphs)), seen.glyphs, seen.labels


def stratified(labels: Labels, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose this share of each label, at least one and never all of it, (n,) bool."""
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        count = min(max(1, round(share * len(own))), len(own) - 1)
        chosen[rng.permutation(own)[:count]] = True
    return chosen


def draw_variant(strokes: StrokeSet, styles: float, rng: np.random.Generator) -> Glyphs:
    """Draw each sample once, (n, 28, 28) uint8, with a pen, slant, turn and aspect of its own.

    A share `styles` of them gets a mark that others write: see `restyle`.
    """
    glyphs = []
    for sample, label in zip(strokes.samples, strokes.labels.tolist(), strict=True):
        stretch = np.exp(rng.normal(0, 0.12))
        matrix = _turn(rng.normal(0, 0.08)) @ np.array([[stretch, rng.normal(0, 0.15)], [0, 1 / stretch]])
        pen = float(np.clip(np.exp(rng.normal(np.log(2.6), 0.25)), 1.5, 4.5))
        styled = restyle(sample, label, rng) if rng.random() < styles else sample
        glyph = stroke_glyph([stroke @ matrix.T for stroke in styled], pen)
        glyphs.append(np.zeros((28, 28), np.uint8) if glyph is None else glyph)
    drawn = np.stack(glyphs)
    # Some are looked at through a coarse scanner, so that its artefacts are learnt as well.
    coarse = rng.random(len(drawn)) < 0.25
    drawn[coarse] = rescan(drawn[coarse], rng)
    return drawn


def _turn(angle: float) -> NDArray[np.float64]:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def rescan(glyphs: Glyphs, rng: np.random.Generator) -> Glyphs:
    """Turn each glyph into a picture of another size and aspect and read that, (n, 28, 28) uint8.

    What reading adds (edges cut, strokes brought into range) is in the training data then.
    """
    return np.stack([_rescan_one(glyph, rng) for glyph in glyphs]) if len(glyphs) else glyphs


def _rescan_one(glyph: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
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
    read = picture_glyph(np.asarray(picture, np.uint8))
    return glyph if read is None else read
