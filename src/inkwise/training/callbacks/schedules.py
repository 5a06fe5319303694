"""Learning rate schedules."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from inkwise.training.callbacks.callback import Callback

if TYPE_CHECKING:
    from inkwise.training.loop import AnyTrainingLoop


class OneCycle(Callback):
    """Rise to the recipe's rate, then fall to nothing, each along a cosine, step by step.

    After L. N. Smith and N. Topin, "Super-convergence", 2018 (arXiv:1708.07120).
    """

    def __init__(self, warmup: float) -> None:
        """Rise for this share of all steps."""
        self.warmup = warmup

    def on_train_begin(self, loop: AnyTrainingLoop) -> None:
        """Set the rate of the first step."""
        self.on_step_end(loop)

    def on_step_end(self, loop: AnyTrainingLoop) -> None:
        """Set the rate of the next step."""
        done = loop.step / loop.total_steps
        if done < self.warmup:
            share = 0.5 - 0.5 * math.cos(math.pi * done / self.warmup)
            share = 0.04 + 0.96 * share
        else:
            share = 0.5 + 0.5 * math.cos(math.pi * (done - self.warmup) / (1 - self.warmup))
        loop.set_lr(loop.recipe.lr * share)


class StepDecay(Callback):
    """Multiply the rate by a factor every so many epochs."""

    def __init__(self, epochs: int, factor: float) -> None:
        """Multiply by `factor` every so many epochs."""
        self.epochs, self.factor = epochs, factor

    def on_epoch_end(self, loop: AnyTrainingLoop) -> None:
        """Set the rate of the next epoch."""
        loop.set_lr(loop.recipe.lr * self.factor ** (loop.epoch // self.epochs))
