"""What every net has in common."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from inkwise.training.config import Recipe


class Net(nn.Module):
    """Glyphs (n, 1, 28, 28) float in 0..1 to logits (n, classes), by way of an embedding (n, d)."""

    def __init__(self, features: nn.Module, classes: int) -> None:
        """Put a head on features that end in (n, d)."""
        super().__init__()
        self.features = features
        with torch.no_grad():
            width = features.eval()(torch.zeros(1, 1, 28, 28)).shape[1]
        features.train()
        self.head = nn.Linear(width, classes)

    def forward(self, glyphs: Tensor) -> Tensor:
        """Logits (n, classes)."""
        logits: Tensor = self.head(self.features(glyphs))
        return logits


def standardize_layer(recipe: Recipe) -> list[nn.Module]:
    """What stands first in the features: nothing, or what takes MNIST's mean and deviation off the pixels."""
    return [_Standardise()] if recipe.standardise else []


class _Standardise(nn.Module):
    def forward(self, glyphs: Tensor) -> Tensor:
        return (glyphs - 0.1307) / 0.3081
