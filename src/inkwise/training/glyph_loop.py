"""Training on single glyphs: the whole set in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from inkwise.training.augmentation import augment
from inkwise.training.callbacks.callback import Callback
from inkwise.training.config import Recipe
from inkwise.training.loop import TrainingLoop
from inkwise.training.losses import classification_loss, distillation_loss
from inkwise.training.models.network import Net


@dataclass(frozen=True)
class GlyphSamples:
    """Glyphs (n, 28, 28) uint8 and the numbers of their classes (n,) int64, on one device."""

    glyphs: Tensor
    classes: Tensor

    @property
    def device(self) -> torch.device:
        """Where they lie."""
        return self.glyphs.device

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.classes)


class GlyphLoop(TrainingLoop[Net, GlyphSamples]):
    """Trains a net to tell what a glyph is, by labels and, where there are any, by teachers."""

    def __init__(
        self,
        net: Net,
        recipe: Recipe,
        training: GlyphSamples,
        validation: GlyphSamples,
        callbacks: list[Callback],
        teachers: Sequence[Net] = (),
    ) -> None:
        """Take a fresh net to the device of the samples, and the nets that it learns from as well."""
        super().__init__(net, recipe, training, validation, callbacks)
        self.teachers = [teacher.to(self.device).eval() for teacher in teachers]

    def _training_step(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        glyphs, classes = self.training.glyphs[batch], self.training.classes[batch]
        inputs = augment(glyphs[:, None].float() / 255, self.recipe, self.generator)
        with self._autocast():
            logits = self.net(inputs.contiguous(memory_format=torch.channels_last)).float()
        loss = classification_loss(logits, classes, self.recipe)
        if self.teachers:
            loss = loss.lerp(
                distillation_loss(logits, self._teacher_probabilities(inputs)), self.recipe.taught
            )
        return loss, (logits.detach().argmax(1) == classes).sum()

    @torch.no_grad()
    def _teacher_probabilities(self, inputs: Tensor) -> Tensor:
        """What the teachers say of augmented glyphs, (n, classes), on average."""
        with self._autocast():
            said = [teacher(inputs).float().softmax(1) for teacher in self.teachers]
        return torch.stack(said).mean(0)

    def _validate(self) -> tuple[float, float]:
        logits = glyph_logits(self.evaluated_net, self.validation.glyphs)
        # The objective of training itself: plain cross-entropy would punish what label smoothing asks for.
        loss = classification_loss(logits, self.validation.classes, self.recipe)
        return float(loss), float((logits.argmax(1) == self.validation.classes).float().mean())


@torch.no_grad()
def glyph_logits(net: nn.Module, glyphs: Tensor, batch: int = 1024) -> Tensor:
    """Logits (n, classes) float32 of uint8 glyphs (n, 28, 28), without augmentation."""
    net.eval()
    parts = [
        net((part[:, None].float() / 255).contiguous(memory_format=torch.channels_last))
        for part in glyphs.split(batch)
    ]
    return torch.cat(parts)
