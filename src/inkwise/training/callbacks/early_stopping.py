"""Stop when nothing gets better."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from inkwise.training.callbacks.base import Callback

if TYPE_CHECKING:
    from inkwise.training.loop import Loop


class EarlyStopping(Callback):
    """Stop after `patience` epochs without a lower validation loss; the loop gives back the best weights."""

    def __init__(self, patience: int) -> None:
        """Wait for so many epochs."""
        self.patience = patience
        self.best, self.waited = math.inf, 0

    def on_epoch_end(self, loop: Loop) -> None:
        """Count, and stop when the patience is used up."""
        loss = loop.history[-1]["validation_loss"]
        self.waited = 0 if loss < self.best else self.waited + 1
        self.best = min(self.best, loss)
        if self.waited >= self.patience:
            loop.stop(f"validation loss not lower for {self.patience} epochs")

    def state(self) -> dict[str, Any]:
        """The best loss and the epochs since."""
        return {"best": self.best, "waited": self.waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on counting."""
        self.best, self.waited = state["best"], state["waited"]
