"""The classifier of single glyphs: samples, losses, training loop, calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from inkwise._util.text import NOT_A_DIGIT
from inkwise.training.augmentation import augment
from inkwise.training.callbacks import Callback
from inkwise.training.config import OptimizationSection, Recipe
from inkwise.training.loop import TrainingLoop
from inkwise.training.models import Net, summarize_layers
from inkwise.training.onnx_models import classifier_to_onnx, initial_net, load_teachers, resolve_recipe
from inkwise.training.training_data import Split, load_split

_ACCEPTED_SHARE = 0.99  # share of the validation digits above the threshold
_MAX_TEMPERATURE = 20.0  # of the calibration; the lowest is its reciprocal
_BISECTIONS = 24  # steps of the calibration, to a relative error of 1e-6
_NEGATIVE_PRIOR = 0.1  # assumed share of non-digits in use, lower than in training


@dataclass(frozen=True)
class GlyphSamples:
    """Glyphs (n, 28, 28) uint8 and class numbers (n,) int64, on one device."""

    glyphs: Tensor
    classes: Tensor

    @property
    def device(self) -> torch.device:
        """Device of the samples."""
        return self.glyphs.device

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.classes)

    def select(self, chosen: Tensor | slice) -> GlyphSamples:
        """The samples of indices, a mask or a slice."""
        return GlyphSamples(self.glyphs[chosen], self.classes[chosen])


def to_glyph_samples(
    glyphs: NDArray[np.uint8],
    labels: NDArray[np.str_],
    classes: Sequence[str],
    device: torch.device | str = "cpu",
) -> GlyphSamples:
    """Glyphs (n, 28, 28) and the class numbers of their labels (n,)."""
    places = {name: place for place, name in enumerate(classes)}
    numbers = torch.tensor([places[label] for label in labels.tolist()], dtype=torch.int64)
    return GlyphSamples(torch.from_numpy(glyphs).to(device), numbers.to(device))


def classification_loss(logits: Tensor, classes: Tensor, keys: OptimizationSection) -> Tensor:
    """Mean loss of logits (n, k) float against class numbers (n,) int64."""
    if keys.loss == "cross-entropy":
        return F.cross_entropy(logits, classes, label_smoothing=keys.label_smoothing)
    truth = F.one_hot(classes, logits.shape[1]).to(logits.dtype)
    distance = F.l1_loss if keys.loss == "mae" else F.mse_loss
    return distance(logits.softmax(1), truth)


def distillation_loss(logits: Tensor, teacher_probabilities: Tensor) -> Tensor:
    """Mean divergence of logits (n, k) from a teacher's probabilities (n, k).

    G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network", 2015, at temperature 1,
    as teachers trained with label smoothing are soft already.
    """
    return F.kl_div(logits.log_softmax(1), teacher_probabilities, reduction="batchmean")


@torch.no_grad()
def glyph_logits(net: nn.Module, glyphs: Tensor, batch: int = 1024) -> Tensor:
    """Logits (n, classes) float32 of uint8 glyphs (n, 28, 28), without augmentation."""
    net.eval()
    parts = [
        net((part[:, None].float() / 255).contiguous(memory_format=torch.channels_last))
        for part in glyphs.split(batch)
    ]
    return torch.cat(parts)


class GlyphLoop(TrainingLoop[Net, GlyphSamples]):
    """Trains a classifier of glyphs on labels and, if given, on teachers.

    `best_logits` (n, classes) are those of the validation set with the best weights, None if these were found
    before a run was resumed.
    """

    def __init__(
        self,
        net: Net,
        recipe: Recipe,
        training: GlyphSamples,
        validation: GlyphSamples,
        callbacks: list[Callback],
        teachers: Sequence[Net] = (),
    ) -> None:
        """Move the untrained network and its teachers to the device of the samples."""
        super().__init__(net, recipe, training, validation, callbacks)
        self.teachers = [
            teacher.to(self.device).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
            for teacher in teachers
        ]
        self.best_logits: Tensor | None = None
        self._logits: Tensor | None = None

    def _training_step(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        glyphs, classes = self.training.glyphs[batch], self.training.classes[batch]
        inputs = augment(glyphs[:, None].float() / 255, self.recipe.augmentation, self.generator)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        with self._autocast():
            logits = self.net(inputs).float()
        keys = self.recipe.optimization
        loss = classification_loss(logits, classes, keys)
        if self.teachers:
            with torch.no_grad(), self._autocast():
                said = [teacher(inputs).float().softmax(1) for teacher in self.teachers]
            loss = loss.lerp(distillation_loss(logits, torch.stack(said).mean(0)), keys.distillation_weight)
        return loss, (logits.detach().argmax(1) == classes).sum()

    def _validate(self) -> tuple[float, float]:
        self._logits = logits = glyph_logits(self.evaluated_net, self.validation.glyphs)
        # the training loss, as plain cross-entropy would punish label smoothing
        loss = classification_loss(logits, self.validation.classes, self.recipe.optimization)
        return float(loss), float((logits.argmax(1) == self.validation.classes).float().mean())

    def _keep_best(self) -> None:
        super()._keep_best()
        self.best_logits = self._logits


class GlyphTask:
    """Training of a classifier by a recipe: the glyphs, the network, the export."""

    resolve = staticmethod(resolve_recipe)

    def __init__(self, recipe: Recipe, device: torch.device, split: Split | None = None) -> None:
        """Load and synthesize the glyphs, unless they are given, and build the network."""
        self.recipe, self.split = recipe, split or load_split(recipe)
        self.net = initial_net(recipe.model, self.split.classes)
        self._teachers = load_teachers(recipe, self.split.classes)
        split = self.split
        self._training = to_glyph_samples(split.training, split.training_labels, split.classes, device)
        self._validation = to_glyph_samples(split.validation, split.validation_labels, split.classes, device)

    def describe(self) -> str:
        """The network as a table, and the numbers of samples."""
        table = "".join(
            f"  {kind:<14}{'×'.join(map(str, shape)):<10}{count:>9,}\n"
            for kind, shape, count in summarize_layers(self.net)
        )
        parameters = sum(p.numel() for p in self.net.parameters())
        return (
            f"{table}{self.recipe.model.net}: {parameters:,} parameters;"
            f" {len(self._training):,} training and {len(self._validation):,} validation glyphs"
        )

    def loop(self, callbacks: list[Callback]) -> GlyphLoop:
        """The training loop."""
        self._loop = GlyphLoop(
            self.net, self.recipe, self._training, self._validation, callbacks, self._teachers
        )
        return self._loop

    def to_onnx(self, net: Net, facts: dict[str, Any]) -> onnx.ModelProto:
        """Calibrate a trained network on the validation set, and convert it, with metadata, to ONNX."""
        validated = self._loop.best_logits
        if validated is None:
            validated = glyph_logits(net, self._validation.glyphs.cpu())
        logits = validated.cpu().numpy()
        if NOT_A_DIGIT in self.split.classes:
            logits[:, -1] += adjust_class_prior(
                net, float((self.split.training_labels == NOT_A_DIGIT).mean())
            )
        labels = [name for name in self.split.classes if name != NOT_A_DIGIT]
        numbers = self._validation.classes.cpu().numpy()
        digits = numbers < len(labels)
        temperature = fit_temperature(logits[digits], numbers[digits])
        top = torch.from_numpy(logits / temperature).softmax(1)[:, : len(labels)].amax(1).numpy()
        # rounded down to four digits: rounded up, none might reach it
        threshold = math.floor(1e4 * float(np.quantile(top[digits], 1 - _ACCEPTED_SHARE))) / 1e4
        misses = logits[digits, : len(labels)].argmax(1) != numbers[digits]
        counts = {"n": int(digits.sum()), "misses": int(misses.sum())}
        if not digits.all():
            counts |= {
                "others": int((~digits).sum()),
                "others_rejected": int((top[~digits] < threshold).sum()),
            }
        metadata = {
            "labels": labels,
            "rejects": NOT_A_DIGIT in self.split.classes,
            "temperature": round(temperature, 4),
            "threshold": threshold,
            "metrics": {"validation": counts},
            "net": summarize_layers(net),
        }
        return classifier_to_onnx(net, temperature, metadata | facts)


def fit_temperature(logits: NDArray[np.float32], classes: NDArray[np.int64]) -> float:
    """The divisor of logits, within 0.05 and 20, that maximizes the likelihood of held-out samples.

    After Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        logits: (n, k) float.
        classes: (n,) int, the right columns.
    """
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    right = wide[np.arange(len(classes)), classes].mean()
    low, high = 1 / _MAX_TEMPERATURE, _MAX_TEMPERATURE  # of the factor, 1 / temperature
    for _ in range(_BISECTIONS):
        factor = math.sqrt(low * high)
        powers = np.exp(factor * wide)
        # the log-likelihood is concave in the factor, with this slope
        if right >= ((powers * wide).sum(axis=1) / powers.sum(axis=1)).mean():
            low = factor
        else:
            high = factor
    return 1 / math.sqrt(low * high)


@torch.no_grad()
def adjust_class_prior(net: Net, share: float) -> float:
    """Lower the prior of non-digits, the last class, from their share in training to that in use.

    Returns:
        What was added to the last class' logit, at most 0.

    M. Saerens, P. Latinne and C. Decaestecker, "Adjusting the outputs of a classifier to new a priori
    probabilities", Neural Computation 14, 2002.
    """
    change = 0.0
    if share > _NEGATIVE_PRIOR:
        change = math.log(_NEGATIVE_PRIOR / (1 - _NEGATIVE_PRIOR)) - math.log(share / (1 - share))
    net.head.bias[-1] += change
    return change
