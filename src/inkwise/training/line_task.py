"""The line reader: composed lines of digits, CTC loss, training loop, calibration."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from inkwise._util.errors import InkwiseError
from inkwise._util.text import DIGITS
from inkwise.recognition.ctc.decoding import decode
from inkwise.recognition.model import LINE_MARGIN
from inkwise.training.augmentation import augment
from inkwise.training.callbacks import Callback
from inkwise.training.config import Recipe
from inkwise.training.loop import TrainingLoop
from inkwise.training.models import LineNet, pad_batch
from inkwise.training.onnx_models import line_reader_to_onnx
from inkwise.training.synthesis.digit_pool import DigitPool, build_digit_pools
from inkwise.training.synthesis.line_synthesis import compose_line

_GCE_EXPONENT = 0.25  # q of the generalized cross-entropy
_WIDTH_SPREAD = 0.1  # relative difference of widths within a batch
_TRAINING_PER_VALIDATION = 30  # training lines per validation line
_MIN_ACCURACY = 0.99  # of the validation lines above the threshold


@dataclass(frozen=True)
class LineSamples:
    """Line images (32, w) uint8 on one device, and the digits in each."""

    images: list[Tensor]
    texts: list[str]

    @property
    def device(self) -> torch.device:
        """Device of the samples."""
        return self.images[0].device

    def __len__(self) -> int:
        """Number of lines."""
        return len(self.texts)


class LineLoop(TrainingLoop[LineNet, LineSamples]):
    """Trains a line reader by connectionist temporal classification.

    A. Graves et al., "Connectionist temporal classification: labelling unsegmented sequence data with
    recurrent neural networks", ICML 2006.
    """

    def _batches(self) -> Iterable[Tensor]:
        """Lines of similar width together, to save padding."""
        widths = torch.tensor([float(image.shape[1]) for image in self.training.images])
        generator = self.generator if self.device.type == "cpu" else None
        noise = torch.randn(len(widths), generator=generator)
        order = (widths.log() + _WIDTH_SPREAD * noise).argsort()
        batches = order.split(self.recipe.optimization.batch)
        return [batches[place] for place in torch.randperm(len(batches), generator=generator).tolist()]

    def _training_step(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        images = pad_batch([self.training.images[place] for place in batch.tolist()], LINE_MARGIN)
        texts = [self.training.texts[place] for place in batch.tolist()]
        inputs = augment(images.float() / 255, self.recipe.augmentation, self.generator)
        with self._autocast():
            logits = self.net(inputs.contiguous(memory_format=torch.channels_last)).float()
        loss = generalized_cross_entropy(ctc_loss(logits, texts)).mean()
        return loss, torch.tensor(_count_right(logits, texts))

    def _validate(self) -> tuple[float, float]:
        loss, right = 0.0, 0
        for logits, texts in line_logits(self.evaluated_net, self.validation):
            loss += float(ctc_loss(logits, texts).sum())
            right += _count_right(logits, texts)
        return loss / len(self.validation), right / len(self.validation)


def ctc_loss(logits: Tensor, texts: list[str]) -> Tensor:
    """Negative log-likelihoods (n,) of texts, given logits (n, frames, 11), the blank first."""
    digits = torch.tensor([int(digit) + 1 for text in texts for digit in text], dtype=torch.int64)
    lengths = torch.tensor([len(text) for text in texts])
    frames = torch.full((len(texts),), logits.shape[1])
    return F.ctc_loss(
        logits.log_softmax(2).transpose(0, 1),
        digits.to(logits.device),
        frames,
        lengths,
        reduction="none",
        zero_infinity=True,
    )


def generalized_cross_entropy(losses: Tensor) -> Tensor:
    """Transform negative log-likelihoods (n,) so that illegible lines have little weight.

    Z. Zhang & M. Sabuncu, "Generalized cross entropy loss for training deep neural networks with noisy
    labels", NeurIPS 2018: (1 - p^q) / q, which is -log p for q = 0 and 1 - p for q = 1.
    """
    return (1 - torch.exp(-_GCE_EXPONENT * losses)) / _GCE_EXPONENT


def greedy_decode(logits: Tensor) -> list[str]:
    """The best class of each frame (n, frames, classes), with repeats merged and blanks removed."""
    texts = []
    for row in logits.argmax(2).tolist():
        kept = [one for one, before in zip(row, [0, *row], strict=False) if one and one != before]
        texts.append("".join(str(one - 1) for one in kept))
    return texts


def _count_right(logits: Tensor, texts: list[str]) -> int:
    return sum(read == text for read, text in zip(greedy_decode(logits), texts, strict=True))


@torch.no_grad()
def line_logits(
    net: torch.nn.Module, samples: LineSamples, batch: int = 64
) -> Iterable[tuple[Tensor, list[str]]]:
    """Logits (n, frames, classes) of batches of lines, without augmentation, with their texts."""
    net.eval()
    order = sorted(range(len(samples)), key=lambda place: samples.images[place].shape[1])
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        inputs = pad_batch([samples.images[place] for place in places], LINE_MARGIN).float() / 255
        logits = net(inputs.contiguous(memory_format=torch.channels_last))
        yield logits, [samples.texts[place] for place in places]


class LineTask:
    """Training of a line reader by a recipe: the lines, the network, the export."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        """Build the network, and compose the lines."""
        self.recipe = recipe
        self.net = LineNet(recipe.model.channels, 1 + len(DIGITS), recipe.model.dropout)
        training, validation = build_digit_pools(recipe)
        rng, count = np.random.default_rng(recipe.seed), recipe.data.synthetic_lines
        self._training = _compose_lines(training, count, rng, device)
        self._validation = _compose_lines(validation, max(1, count // _TRAINING_PER_VALIDATION), rng, device)

    @staticmethod
    def resolve(recipe: Recipe) -> Recipe:
        """The recipe itself.

        Raises:
            InkwiseError: its network is no line reader, it starts from a model, or it names teachers.
        """
        if recipe.model.net != "line":
            raise InkwiseError(f"data.synthetic_lines needs model.net line, not {recipe.model.net}")
        if recipe.model.init or recipe.optimization.teachers:
            raise InkwiseError("a line reader starts anew: leave out model.init and optimization.teachers")
        return recipe

    def describe(self) -> str:
        """The numbers of parameters and lines."""
        parameters = sum(p.numel() for p in self.net.parameters())
        return (
            f"line: {parameters:,} parameters; {len(self._training):,} training and"
            f" {len(self._validation):,} validation lines"
        )

    def loop(self, callbacks: list[Callback]) -> LineLoop:
        """The training loop."""
        return LineLoop(self.net, self.recipe, self._training, self._validation, callbacks)

    def to_onnx(self, net: LineNet, facts: dict[str, Any]) -> onnx.ModelProto:
        """Calibrate a trained network on the validation lines, and convert it, with metadata, to ONNX."""
        validation = LineSamples([image.cpu() for image in self._validation.images], self._validation.texts)
        found = list(line_logits(net, validation))
        temperature = fit_line_temperature(found)
        misses, probabilities, right = 0, [], []
        for logits, texts in found:
            for lattice, text in zip((logits / temperature).log_softmax(2).numpy(), texts, strict=True):
                reading = decode(lattice, DIGITS)
                misses += reading.text != text
                if reading.text:  # a line without digits is never accepted
                    probabilities.append(reading.probability)
                    right.append(reading.text == text)
        metadata = facts | {
            "temperature": round(temperature, 4),
            "threshold": accuracy_threshold(np.array(probabilities), np.array(right)),
            "metrics": {"validation": {"n": len(validation), "misses": misses}},
        }
        return line_reader_to_onnx(net, temperature, metadata)


def _compose_lines(
    pool: DigitPool, count: int, rng: np.random.Generator, device: torch.device
) -> LineSamples:
    composed = [compose_line(pool, rng) for _ in range(count)]
    images = [torch.from_numpy(image).to(device) for image, _ in composed]
    return LineSamples(images, [text for _, text in composed])


def fit_line_temperature(found: list[tuple[Tensor, list[str]]]) -> float:
    """The temperature, within 0.2 and 5, that maximizes the likelihood of the texts.

    After Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, for texts instead of classes.

    Args:
        found: logits (n, frames, classes), the blank first, and the n texts.
    """

    def loss(log_temperature: float) -> float:
        scaled = [(logits / math.exp(log_temperature), texts) for logits, texts in found]
        return sum(float(ctc_loss(logits, texts).sum()) for logits, texts in scaled)

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.2), np.log(5)), method="bounded").x))


def accuracy_threshold(probabilities: np.ndarray, right: np.ndarray) -> float:
    """The lowest probability above which 99 % of the readings are right, rounded down to four digits.

    Args:
        probabilities: (n,) float.
        right: (n,) bool.
    """
    order = np.argsort(-probabilities, kind="stable")
    shares = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(shares >= _MIN_ACCURACY)
    least = float(probabilities[order[enough[-1]]]) if len(enough) else 1.0
    return math.floor(1e4 * least) / 1e4
