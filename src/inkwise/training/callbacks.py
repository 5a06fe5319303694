"""Callbacks of the training loop: weight averaging, schedules, early stopping, checkpoints, progress bar."""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from inkwise._util.errors import DataError
from inkwise._util.files import write_bytes
from inkwise._util.inputs import clear_read_errors, is_there, open_input
from inkwise.training.config import CallbacksSection

if TYPE_CHECKING:
    from inkwise.training.loop import AnyTrainingLoop

_UNREADABLE = (pickle.UnpicklingError, zipfile.BadZipFile)


class Callback:
    """Hooks of the training loop; each does nothing unless overridden.

    `state` holds what a callback needs to resume after a kill, tensors, numbers and texts only; `restore`
    takes it back.
    """

    def on_train_begin(self, loop: AnyTrainingLoop) -> None:
        """Before the first step."""

    def on_step_end(self, loop: AnyTrainingLoop) -> None:
        """After the optimizer's step on one batch."""

    def on_epoch_end(self, loop: AnyTrainingLoop) -> None:
        """After the validation of an epoch; its row is `loop.history[-1]`."""

    def on_train_end(self, loop: AnyTrainingLoop) -> None:
        """After the last epoch, also when training was stopped."""

    def state(self) -> dict[str, Any]:
        """State to resume from."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Resume from `state`."""


def build_callbacks(keys: CallbacksSection) -> list[Callback]:
    """Averaging, early stopping and schedule, as far as a recipe sets them."""
    callbacks: list[Callback] = []
    if keys.averaging:
        callbacks.append(WeightAveraging(keys.averaging))
    if keys.early_stopping:
        callbacks.append(EarlyStopping(keys.early_stopping))
    if keys.schedule == "one-cycle":
        callbacks.append(OneCycle(keys.warmup))
    elif keys.schedule == "step":
        callbacks.append(StepDecay(keys.step_epochs, keys.lr_factor))
    elif keys.schedule == "plateau":
        callbacks.append(ReduceOnPlateau(keys.patience, keys.lr_factor))
    return callbacks


class WeightAveraging(Callback):
    """Exponential moving average of the weights, which the loop validates and returns.

    After B. T. Polyak and A. B. Juditsky, 1992. The span is `share` of all steps, and shorter at the
    beginning, so that the first weights soon lose influence.
    """

    def __init__(self, share: float) -> None:
        """Set the span as a share of all steps."""
        self.share = share

    def on_train_begin(self, loop: AnyTrainingLoop) -> None:
        """Start from the network's weights."""
        longest = max(self.share * loop.total_steps, 1)

        def average(averages: Any, weights: Any, steps: Tensor | int) -> None:
            decay = min(1 - 1 / longest, (1 + int(steps)) / (10 + int(steps)))
            get_ema_multi_avg_fn(decay)(averages, weights, steps)

        self.model = AveragedModel(loop.net, multi_avg_fn=average, use_buffers=True)
        loop.evaluated_net = self.model.module

    def on_step_end(self, loop: AnyTrainingLoop) -> None:
        """Add the weights of this step."""
        self.model.update_parameters(loop.net)

    def state(self) -> dict[str, Any]:
        """The average and its number of steps."""
        return {"model": self.model.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Resume from an average."""
        self.model.load_state_dict(state["model"])


class OneCycle(Callback):
    """Learning rate that rises to the recipe's and falls to zero, each along a cosine, step by step.

    After L. N. Smith and N. Topin, "Super-convergence", 2018 (arXiv:1708.07120).
    """

    def __init__(self, warmup: float) -> None:
        """Set the share of the steps in which the rate rises."""
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
        loop.set_lr(loop.recipe.optimization.lr * share)


class StepDecay(Callback):
    """Multiply the learning rate by `factor` every `epochs` epochs."""

    def __init__(self, epochs: int, factor: float) -> None:
        """Set interval and factor."""
        self.epochs, self.factor = epochs, factor

    def on_epoch_end(self, loop: AnyTrainingLoop) -> None:
        """Set the rate of the next epoch."""
        loop.set_lr(loop.recipe.optimization.lr * self.factor ** (loop.epoch // self.epochs))


class _Patience(Callback, ABC):
    """Count the epochs without a lower validation loss; call `on_plateau` after `patience` of them."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best, self.waited = math.inf, 0

    def on_epoch_end(self, loop: AnyTrainingLoop) -> None:
        loss = loop.history[-1]["validation_loss"]
        self.waited = 0 if loss < self.best else self.waited + 1
        self.best = min(self.best, loss)
        if self.waited >= self.patience:
            self.waited = 0
            self.on_plateau(loop)

    @abstractmethod
    def on_plateau(self, loop: AnyTrainingLoop) -> None:
        """Act on `patience` epochs without a lower loss."""

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited}

    def restore(self, state: dict[str, Any]) -> None:
        self.best, self.waited = state["best"], state["waited"]


class EarlyStopping(_Patience):
    """Stop after `patience` epochs without a lower validation loss; the loop returns the best weights."""

    def on_plateau(self, loop: AnyTrainingLoop) -> None:
        """Stop."""
        loop.stop(f"validation loss not lower for {self.patience} epochs")


class ReduceOnPlateau(_Patience):
    """Multiply the learning rate by `factor` after `patience` epochs without a lower validation loss."""

    def __init__(self, patience: int, factor: float) -> None:
        """Set patience in epochs and factor."""
        super().__init__(patience)
        self.factor = factor

    def on_plateau(self, loop: AnyTrainingLoop) -> None:
        """Lower the rate."""
        loop.set_lr(loop.lr * self.factor)


class Checkpoint(Callback):
    """Save the state of the loop after every epoch, and resume from it.

    The file is replaced atomically, so that a kill leaves the last epoch's; it is read without unpickling
    objects.
    """

    def __init__(self, path: Path) -> None:
        """Set the file."""
        self.path = path

    def on_train_begin(self, loop: AnyTrainingLoop) -> None:
        """Restore the state, if one was saved.

        Raises:
            DataError: the file is damaged or of another recipe.
        """
        if not is_there(self.path):
            return
        with open_input(self.path) as file, clear_read_errors(self.path):
            try:
                with zipfile.ZipFile(file) as archive:
                    # torch.save never compresses: a compressed archive could unpack to any size
                    if any(member.file_size > member.compress_size for member in archive.infolist()):
                        raise ValueError("compressed")
                file.seek(0)
                loop.restore(torch.load(file, weights_only=True))
            except (RuntimeError, LookupError, TypeError, ValueError, EOFError, *_UNREADABLE):
                raise DataError(
                    f"{self.path}: not a checkpoint of this recipe; remove it to start anew"
                ) from None

    def on_epoch_end(self, loop: AnyTrainingLoop) -> None:
        """Save the state."""
        state = io.BytesIO()  # written by torch, a full disk would raise an error that does not say so
        torch.save(loop.state(), state)
        write_bytes(self.path, state.getbuffer())


class ProgressBar(Callback):
    """A line per epoch, and on a terminal a bar with loss, accuracy, images per second and time left."""

    def __init__(self, console: Console) -> None:
        """Set the console."""
        self.console = console
        figures = TextColumn(
            "loss {task.fields[loss]:.4f}  {task.fields[accuracy]:.2%}  {task.fields[speed]:,.0f}/s"
        )
        columns = (TextColumn("epoch {task.fields[epoch]}"), BarColumn(), TaskProgressColumn(), figures)
        self.bar = Bar(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)

    def on_train_begin(self, loop: AnyTrainingLoop) -> None:
        """Start the bar at the step of a resumed run."""
        self.bar.start()
        self.task = self.bar.add_task("", total=loop.total_steps, **self._figures(loop))

    def on_step_end(self, loop: AnyTrainingLoop) -> None:
        """Advance the bar."""
        self.bar.update(self.task, **self._figures(loop))

    def _figures(self, loop: AnyTrainingLoop) -> dict[str, Any]:
        running = loop.running
        return {
            "completed": loop.step,
            "epoch": loop.epoch + 1,
            "loss": running.get("train_loss", 0.0),
            "accuracy": running.get("train_accuracy", 0.0),
            "speed": running.get("images_per_s", 0.0),
        }

    def on_epoch_end(self, loop: AnyTrainingLoop) -> None:
        """Print the epoch's line."""
        row = loop.history[-1]
        self.console.print(
            f"epoch {row['epoch']:>3}/{loop.recipe.optimization.epochs}"
            f"  train {row['train_loss']:.4f} {row['train_accuracy']:.2%}"
            f"  validation {row['validation_loss']:.4f} {row['validation_accuracy']:.2%}"
            f"  lr {row['lr']:.1e}  {row['images_per_s']:,.0f}/s  {row['seconds']:.1f} s",
            highlight=False,
            soft_wrap=True,
        )

    def on_train_end(self, loop: AnyTrainingLoop) -> None:
        """Remove the bar."""
        self.bar.stop()
