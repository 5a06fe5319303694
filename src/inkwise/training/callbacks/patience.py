"""What happens when nothing gets better."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from inkwise.training.callbacks.callback import Callback

if TYPE_CHECKING:
    from inkwise.training.loop import AnyTrainingLoop


class Patience(Callback):
    """Count the epochs without a lower validation loss; subclasses `act` after `patience` of them."""

    def __init__(self, patience: int) -> None:
        """Wait for so many epochs."""
        self.patience = patience
        self.best, self.waited = math.inf, 0

    def on_epoch_end(self, loop: AnyTrainingLoop) -> None:
        """Count, and act when the patience is used up."""
        loss = loop.history[-1]["validation_loss"]
        self.waited = 0 if loss < self.best else self.waited + 1
        self.best = min(self.best, loss)
        if self.waited >= self.patience:
            self.waited = 0
            self.on_plateau(loop)

    def on_plateau(self, loop: AnyTrainingLoop) -> None:
        """Nothing, unless overridden."""

    def state(self) -> dict[str, Any]:
        """The best loss and the epochs since."""
        return {"best": self.best, "waited": self.waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on counting."""
        self.best, self.waited = state["best"], state["waited"]


class EarlyStopping(Patience):
    """Stop after `patience` epochs without a lower validation loss; the loop gives back the best weights."""

    def on_plateau(self, loop: AnyTrainingLoop) -> None:
        """Stop."""
        loop.stop(f"validation loss not lower for {self.patience} epochs")


class ReduceOnPlateau(Patience):
    """Multiply the rate by a factor after `patience` epochs without a lower validation loss."""

    def __init__(self, patience: int, factor: float) -> None:
        """Multiply by `factor` after so many epochs in vain."""
        super().__init__(patience)
        self.factor = factor

    def on_plateau(self, loop: AnyTrainingLoop) -> None:
        """Lower the rate."""
        loop.set_lr(loop.lr * self.factor)
