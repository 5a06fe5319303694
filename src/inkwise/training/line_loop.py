"""Training on lines of digits of any width, of which only the texts are known, not where the digits stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from inkwise.recognition.model import LINE_MARGIN
from inkwise.training.augmentation import augment
from inkwise.training.loop import TrainingLoop
from inkwise.training.models.line_model import LineNet, pad_batch

_GCE_EXPONENT = 0.25  # q of the loss
_WIDTH_SPREAD = 0.1  # widths of one batch differ by about this share


@dataclass(frozen=True)
class LineSamples:
    """Strips (32, w) uint8 on one device, and the digits in each."""

    strips: list[Tensor]
    texts: list[str]

    @property
    def device(self) -> torch.device:
        """Where they lie."""
        return self.strips[0].device

    def __len__(self) -> int:
        """The number of strips."""
        return len(self.texts)


class LineLoop(TrainingLoop[LineNet, LineSamples]):
    """Trains a net to tell which digits stand in a line, by connectionist temporal classification.

    A. Graves et al., "Connectionist temporal classification: labelling unsegmented sequence data with
    recurrent neural networks", ICML 2006.
    """

    def _batches(self) -> Iterable[Tensor]:
        """Strips of about the same width together, so that little is padded."""
        widths = torch.tensor([float(strip.shape[1]) for strip in self.training.strips])
        generator = self.generator if self.device.type == "cpu" else None
        noise = torch.randn(len(widths), generator=generator)
        order = (widths.log() + _WIDTH_SPREAD * noise).argsort()
        batches = order.split(self.recipe.batch)
        return [batches[place] for place in torch.randperm(len(batches), generator=generator).tolist()]

    def _training_step(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        strips = pad_batch([self.training.strips[place] for place in batch.tolist()], LINE_MARGIN)
        texts = [self.training.texts[place] for place in batch.tolist()]
        inputs = augment(strips.float() / 255, self.recipe, self.generator)
        with self._autocast():
            logits = self.net(inputs.contiguous(memory_format=torch.channels_last)).float()
        right = sum(said == text for said, text in zip(greedy_decode(logits), texts, strict=True))
        return generalized_cross_entropy(ctc_loss(logits, texts)).mean(), torch.tensor(right)

    def _validate(self) -> tuple[float, float]:
        loss, right = 0.0, 0
        for places, logits in line_logits(self.evaluated_net, self.validation.strips):
            texts = [self.validation.texts[place] for place in places]
            loss += float(ctc_loss(logits, texts).sum())
            right += sum(said == text for said, text in zip(greedy_decode(logits), texts, strict=True))
        return loss / len(self.validation), right / len(self.validation)


def ctc_loss(logits: Tensor, texts: list[str]) -> Tensor:
    """The negative log-likelihoods (n,) of texts, given logits (n, frames, 11), the blank first."""
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
    """Negative log-likelihoods (n,), bent so that strips which nobody can read count for little.

    Z. Zhang & M. Sabuncu, "Generalized cross entropy loss for training deep neural networks with noisy
    labels", NeurIPS 2018: (1 - p^q) / q, which is -log p for q = 0 and 1 - p for q = 1.
    """
    return (1 - torch.exp(-_GCE_EXPONENT * losses)) / _GCE_EXPONENT


def greedy_decode(logits: Tensor) -> list[str]:
    """The likeliest class of each frame: repeats merge, blanks vanish."""
    texts = []
    for row in logits.argmax(2).tolist():
        kept = [one for one, before in zip(row, [0, *row], strict=False) if one and one != before]
        texts.append("".join(str(one - 1) for one in kept))
    return texts


@torch.no_grad()
def line_logits(
    net: torch.nn.Module, strips: list[Tensor], batch: int = 64
) -> Iterable[tuple[list[int], Tensor]]:
    """Logits (n, frames, classes) of strips, without augmentation, with the numbers of the strips."""
    net.eval()
    order = sorted(range(len(strips)), key=lambda place: strips[place].shape[1])
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        inputs = pad_batch([strips[place] for place in places], LINE_MARGIN).float() / 255
        yield places, net(inputs.contiguous(memory_format=torch.channels_last))
