"""What is trained: a net that reads a line of digits."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from inkwise._util.errors import InkwiseError
from inkwise._util.text import DIGITS
from inkwise.recognition.ctc.decoding import decode
from inkwise.training.callbacks import Callback
from inkwise.training.config import Recipe
from inkwise.training.line_loop import LineLoop, LineSamples, ctc_loss, line_logits
from inkwise.training.models.line_model import LineNet
from inkwise.training.onnx_export import export_line_model
from inkwise.training.synthesis.digit_pool import DigitPool, build_digit_pools
from inkwise.training.synthesis.line_synthesis import compose_line

_TRAINING_PER_VALIDATION = 30  # strips to train on for each to choose by
_MIN_ACCURACY = 0.99  # of the validation strips that the threshold lets pass


class LineTask:
    """Strips composed by a recipe, and the net that learns to read them."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        """Build the net, and compose the strips.

        Raises:
            InkwiseError: the net has not five channels, a data set cannot be had, or there is not every digit
                in strokes and in pictures.
        """
        self.recipe = recipe
        self.net = LineNet(recipe.channels, 1 + len(DIGITS), recipe.dropout)
        trained, chosen = build_digit_pools(recipe)
        rng = np.random.default_rng(recipe.seed)
        self._training = _compose_lines(trained, recipe.strips, rng, device)
        self._validation = _compose_lines(
            chosen, max(1, recipe.strips // _TRAINING_PER_VALIDATION), rng, device
        )

    @staticmethod
    def resolve(recipe: Recipe) -> Recipe:
        """The recipe itself.

        Raises:
            InkwiseError: its net reads no lines, it starts from a model, or it names teachers.
        """
        if recipe.net != "line":
            raise InkwiseError(f"strips are read by net line, not {recipe.net}")
        if recipe.init or recipe.teachers:
            raise InkwiseError("a net that reads lines starts anew: leave out init and teachers")
        return recipe

    def describe(self) -> str:
        """How much there is to train, and to train on."""
        parameters = sum(p.numel() for p in self.net.parameters())
        return (
            f"line: {parameters:,} parameters; {len(self._training):,} strips to train on,"
            f" {len(self._validation):,} to choose by"
        )

    def loop(self, callbacks: list[Callback]) -> LineLoop:
        """What trains the net."""
        return LineLoop(self.net, self.recipe, self._training, self._validation, callbacks)

    def export(self, net: LineNet, path: Path, facts: dict[str, Any]) -> None:
        """Calibrate a trained net on the validation strips, and write it as an ONNX file.

        Raises:
            DataError: the file cannot be written.
        """
        strips = [strip.cpu() for strip in self._validation.strips]
        found = [
            (logits, [self._validation.texts[place] for place in places])
            for places, logits in line_logits(net, strips)
        ]
        temperature = fit_line_temperature(found)
        misses, sure, right = 0, [], []
        for logits, texts in found:
            for lattice, text in zip((logits / temperature).log_softmax(2).numpy(), texts, strict=True):
                reading = decode(lattice, DIGITS)
                misses += reading.text != text
                if reading.text:  # what holds no digit is never accepted
                    sure.append(reading.probability)
                    right.append(reading.text == text)
        facts = facts | {
            "temperature": round(temperature, 4),
            "threshold": accuracy_threshold(np.array(sure), np.array(right)),
            "metrics": {"validation": {"n": len(self._validation), "misses": misses}},
        }
        export_line_model(net, path, temperature, facts)


def _compose_lines(
    pool: DigitPool, count: int, rng: np.random.Generator, device: torch.device
) -> LineSamples:
    composed = [compose_line(pool, rng) for _ in range(count)]
    strips = [torch.from_numpy(strip).to(device) for strip, _ in composed]
    return LineSamples(strips, [text for _, text in composed])


def fit_line_temperature(found: list[tuple[torch.Tensor, list[str]]]) -> float:
    """The temperature that gives the texts the highest likelihood, within 0.2 and 5.

    After Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, for texts instead of classes.

    Args:
        found: logits (n, frames, classes), the blank first, and the n texts.
    """

    def loss(log_temperature: float) -> float:
        scaled = [(logits / math.exp(log_temperature), texts) for logits, texts in found]
        return sum(float(ctc_loss(logits, texts).sum()) for logits, texts in scaled)

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.2), np.log(5)), method="bounded").x))


def accuracy_threshold(sure: np.ndarray, right: np.ndarray) -> float:
    """The least probability above which 99 % of the readings are right, down to four digits.

    Args:
        sure: (n,) float, probabilities.
        right: (n,) bool.
    """
    order = np.argsort(-sure, kind="stable")
    shares = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(shares >= _MIN_ACCURACY)
    least = float(sure[order[enough[-1]]]) if len(enough) else 1.0
    return math.floor(1e4 * least) / 1e4
