"""Learning rate schedules."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from inkwise.training.callbacks.base import Callback

if TYPE_CHECKING:
    from inkwise.training.loop import Loop


class OneCycle(Callback):
    """Rise to the recipe's rate, then fall to nothing, each along a cosine, step by step.

    After L. N. Smith and N. Topin, "Super-convergence", 2018 (arXiv:1708.07120).
    """

    def __init__(self, warmup: float) -> None:
        """Rise for this share of all steps."""
        self.warmup = warmup

    def on_train_begin(self, loop: Loop) -> None:
        """Set the rate of the first step."""
        self.on_step_end(loop)

    def on_step_end(self, loop: Loop) -> None:
        """Set the rate of the next step."""
        done = loop.step / loop.total_steps
        if done < self.warmup:
            share = 0.5 - 0.5 * math.cos(math.pi * done / self.warmup)
            share = 0.04 + 0.96 * share
        else:
            share = 0.5 + 0.5 * math.cos(math.pi * (done - self.warmup) / (1 - self.warmup))
        loop.set_lr(loop.recipe.lr * share)


class Step(Callback):
    """Multiply the rate by a factor every so many epochs."""

    def __init__(self, epochs: int, factor: float) -> None:
        """Multiply by `factor` every so many epochs."""
        self.epochs, self.factor = epochs, factor

    def on_epoch_end(self, loop: Loop) -> None:
        """Set the rate of the next epoch."""
        loop.set_lr(loop.recipe.lr * self.factor ** (loop.epoch // self.epochs))


class ReduceOnPlateau(Callback):
    """Multiply the rate by a factor when the validation loss has not fallen for so many epochs."""

    def __init__(self, patience: int, factor: float) -> None:
        """Multiply by `factor` after so many epochs in vain."""
        self.patience, self.factor = patience, factor
        self.best, self.waited = math.inf, 0

    def on_epoch_end(self, loop: Loop) -> None:
        """Count, and lower the rate when the patience is used up."""
        loss = loop.history[-1]["validation_loss"]
        self.waited = 0 if loss < self.best else self.waited + 1
        self.best = min(self.best, loss)
        if self.waited >= self.patience:
            self.waited = 0
            loop.set_lr(loop.lr * self.factor)

    def state(self) -> dict[str, Any]:
        """The best loss and the epochs since."""
        return {"best": self.best, "waited": self.waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on counting."""
        self.best, self.waited = state["best"], state["waited"]
