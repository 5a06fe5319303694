"""What is trained: a net that tells what a single glyph is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inkwise._util.text import NOT_A_DIGIT
from inkwise.training.calibration import adjust_class_prior, fit_temperature
from inkwise.training.callbacks import Callback
from inkwise.training.config import Recipe
from inkwise.training.glyph_loop import GlyphLoop, GlyphSamples, glyph_logits
from inkwise.training.initialization import initial_net, load_teachers, resolve_recipe
from inkwise.training.models.network import Net
from inkwise.training.models.summary import summarize_layers
from inkwise.training.onnx_export import export_classifier
from inkwise.training.training_data import load_split

_ACCEPTED_SHARE = 0.99  # share of validation digits that the threshold lets pass


class GlyphTask:
    """Single glyphs, drawn by a recipe, and the net that learns them."""

    resolve = staticmethod(resolve_recipe)

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        """Draw the glyphs, and build the net.

        Raises:
            InkwiseError: data, net, first weights or teachers cannot be had.
        """
        self.recipe, self.split = recipe, load_split(recipe)
        self.net = initial_net(recipe, self.split.classes)
        self._teachers = load_teachers(recipe, self.split.classes)
        split = self.split
        self._training = to_glyph_samples(split.training, split.training_labels, split.classes, device)
        self._validation = to_glyph_samples(split.validation, split.validation_labels, split.classes, device)

    def describe(self) -> str:
        """The net as a table, and how much there is to train on."""
        table = "".join(
            f"  {kind:<14}{'×'.join(map(str, shape)):<10}{count:>9,}\n"
            for kind, shape, count in summarize_layers(self.net)
        )
        parameters = sum(p.numel() for p in self.net.parameters())
        return (
            f"{table}{self.recipe.net}: {parameters:,} parameters;"
            f" {len(self._training):,} glyphs to train on, {len(self._validation):,} to choose by"
        )

    def loop(self, callbacks: list[Callback]) -> GlyphLoop:
        """What trains the net."""
        return GlyphLoop(self.net, self.recipe, self._training, self._validation, callbacks, self._teachers)

    def export(self, net: Net, path: Path, facts: dict[str, Any]) -> None:
        """Calibrate a trained net on the validation set, and write it as an ONNX file.

        Raises:
            DataError: the file cannot be written.
        """
        if NOT_A_DIGIT in self.split.classes:
            adjust_class_prior(net, float((self.split.training_labels == NOT_A_DIGIT).mean()))
        temperature, found = self._calibrated(net)
        export_classifier(net, path, temperature, found | {"net": summarize_layers(net)} | facts)

    def _calibrated(self, net: Net) -> tuple[float, dict[str, Any]]:
        """The temperature and the metadata that come from the validation set."""
        labels = [name for name in self.split.classes if name != NOT_A_DIGIT]
        logits = glyph_logits(net, self._validation.glyphs.cpu()).numpy()
        numbers = self._validation.classes.cpu().numpy()
        digits = numbers < len(labels)
        temperature = fit_temperature(logits[digits], numbers[digits])
        top = torch.from_numpy(logits / temperature).softmax(1)[:, : len(labels)].amax(1).numpy()
        # Down to four digits: up, none might reach it.
        threshold = math.floor(1e4 * float(np.quantile(top[digits], 1 - _ACCEPTED_SHARE))) / 1e4
        misses = logits[digits, : len(labels)].argmax(1) != numbers[digits]
        counts = {"n": int(digits.sum()), "misses": int(misses.sum())}
        if not digits.all():
            counts |= {
                "others": int((~digits).sum()),
                "others_rejected": int((top[~digits] < threshold).sum()),
            }
        return temperature, {
            "labels": labels,
            "rejects": NOT_A_DIGIT in self.split.classes,
            "temperature": round(temperature, 4),
            "threshold": threshold,
            "metrics": {"validation": counts},
        }


def to_glyph_samples(
    glyphs: NDArray[np.uint8],
    labels: NDArray[np.str_],
    classes: Sequence[str],
    device: torch.device | str = "cpu",
) -> GlyphSamples:
    """Glyphs (n, 28, 28) and the places of their labels (n,) among the classes."""
    places = {name: place for place, name in enumerate(classes)}
    numbers = torch.tensor([places[label] for label in labels.tolist()], dtype=torch.int64)
    return GlyphSamples(torch.from_numpy(glyphs).to(device), numbers.to(device))
