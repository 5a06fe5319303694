"""The training loop: one pass after another, callbacks for all that varies."""

from __future__ import annotations

import math
import platform
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from inkwise._util.errors import InkwiseError
from inkwise.training.callbacks.callback import Callback
from inkwise.training.config import Recipe
from inkwise.training.losses import build_optimizer

HistoryRow = dict[str, float]
"""One epoch: epoch, lr, images_per_s, seconds, and loss and accuracy as train_* and validation_*."""


class TrainingData(Protocol):
    """Samples on one device."""

    @property
    def device(self) -> torch.device:
        """Where they lie."""
        ...

    def __len__(self) -> int:
        """The number of samples."""
        ...


N = TypeVar("N", bound=nn.Module)
D = TypeVar("D", bound=TrainingData)


class DivergedError(InkwiseError):
    """The loss is no longer a number."""


class TrainingLoop(ABC, Generic[N, D]):
    """Trains a net by a recipe. What a batch is, what it costs and how it is validated, subclasses say.

    Callbacks may read all of: net, recipe, epoch (finished), step (finished), total_steps, lr, history,
    running (mean loss and accuracy of this epoch so far), stopped (why, or None), half (the 16-bit type that
    convolutions compute in, or None). `kept` is the module whose weights are validated and returned: the
    net, unless a callback puts its own in place.
    """

    def __init__(
        self,
        net: N,
        recipe: Recipe,
        training: D,
        validation: D,
        callbacks: list[Callback],
    ) -> None:
        """Take a fresh net to the device of the samples."""
        self.recipe, self.training, self.validation, self.callbacks = recipe, training, validation, callbacks
        self.device = training.device
        self.net: N = net.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = build_optimizer(net, recipe)
        self._shares = [group["lr"] / recipe.lr for group in self.optimizer.param_groups]
        self.evaluated_net: torch.nn.Module = self.net
        self.generator = torch.Generator(self.device).manual_seed(recipe.seed)
        self.steps_per_epoch = math.ceil(len(training) / recipe.batch)
        self.total_steps = self.steps_per_epoch * recipe.epochs
        self.epoch = self.step = 0
        self.history: list[HistoryRow] = []
        self.running: HistoryRow = {}
        self.stopped: str | None = None
        self.best: dict[str, Tensor] = {}
        self.uses_bfloat16 = torch.bfloat16 if _bfloat16(recipe, self.device) else None

    @property
    def lr(self) -> float:
        """The learning rate of the next step, of the layer that learns fastest."""
        return float(self.optimizer.param_groups[0]["lr"])

    def set_lr(self, lr: float) -> None:
        """Set the learning rate of the next step; each layer gets its share of it."""
        for group, share in zip(self.optimizer.param_groups, self._shares, strict=True):
            group["lr"] = lr * share

    def stop(self, reason: str) -> None:
        """End training after this epoch."""
        self.stopped = reason

    def fit(self) -> N:
        """Train to the end, or until stopped or interrupted, and return the best net, on the CPU.

        Ctrl-C ends training and keeps the best so far.

        Raises:
            DivergedError: the loss is no longer a number.
            KeyboardInterrupt: interrupted before the first epoch was finished.
        """
        self._call("on_train_begin")
        try:
            while self.epoch < self.recipe.epochs and not self.stopped:
                self._run_epoch()
        except KeyboardInterrupt:
            if not self.best:
                raise
            self.stopped = "interrupted"
        finally:
            self._call("on_train_end")
        self.net.load_state_dict(self.best)
        self.net.to("cpu").to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        return self.net.eval()

    def _run_epoch(self) -> None:
        began = time.perf_counter()
        self.net.train()
        loss_sum, right, seen = torch.zeros((), device=self.device), torch.zeros((), device=self.device), 0
        for number, batch in enumerate(self._batches(), 1):
            loss, right_here = self._training_step(batch)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            self.step += 1
            loss_sum += loss.detach() * len(batch)
            right += right_here
            seen += len(batch)
            if number % 10 == 0 or seen == len(self.training):
                # A look at the loss waits for the device, so not at every step.
                seconds = time.perf_counter() - began
                self.running = {
                    "train_loss": float(loss_sum) / seen,
                    "train_accuracy": float(right) / seen,
                    "images_per_s": seen / seconds,
                }
                _check_finite(self.running["train_loss"])
            self._call("on_step_end")
        self.epoch += 1
        validation_loss, validation_accuracy = self._validate()
        _check_finite(validation_loss)
        row = {"epoch": self.epoch, "lr": self.lr, **self.running}
        row |= {"validation_loss": validation_loss, "validation_accuracy": validation_accuracy}
        best = max((past["validation_accuracy"] for past in self.history), default=0.0)
        self.history.append(row | {"seconds": time.perf_counter() - began})
        # Accuracy, not loss: a few wrong labels dominate the loss. Of equals the later, at the lower rate.
        if validation_accuracy >= best:
            kept = self.evaluated_net.state_dict()
            self.best = {name: value.detach().clone() for name, value in kept.items()}
        self._call("on_epoch_end")

    def _batches(self) -> Iterable[Tensor]:
        """The numbers of the samples of each batch of an epoch, drawn anew."""
        order = torch.randperm(len(self.training), generator=self.generator, device=self.device)
        return list(order.split(self.recipe.batch))

    @abstractmethod
    def _training_step(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """The mean loss of a batch, augmented, and how many of it the net gets right."""

    @abstractmethod
    def _validate(self) -> tuple[float, float]:
        """The mean loss and the accuracy of what is kept, on validation."""

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.uses_bfloat16, enabled=self.uses_bfloat16 is not None)

    def _call(self, hook: str) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(self)

    def state(self) -> dict[str, Any]:
        """All that is needed to go on after this epoch: tensors, numbers and texts only."""
        return {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "torch": torch.get_rng_state(),
            "best": self.best,
            "history": self.history,
            "epoch": self.epoch,
            "step": self.step,
            "stopped": self.stopped,
            "callbacks": [callback.state() for callback in self.callbacks],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state of the same recipe and data."""
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch"])
        self.best = {name: value.to(self.device) for name, value in state["best"].items()}
        self.history, self.epoch, self.step = state["history"], state["epoch"], state["step"]
        self.stopped = state.get("stopped")
        for callback, own in zip(self.callbacks, state["callbacks"], strict=True):
            callback.restore(own)


AnyTrainingLoop = TrainingLoop[Any, Any]


def _check_finite(loss: float) -> None:
    if not math.isfinite(loss):
        raise DivergedError("training diverged: the loss is not a number; lower lr")


def _bfloat16(recipe: Recipe, device: torch.device) -> bool:
    if recipe.precision != "auto":
        return recipe.precision == "bfloat16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Without instructions for it, 16 bits are slower on a processor than 32.
    cpuinfo = Path("/proc/cpuinfo")
    return device.type == "cpu" and platform.system() == "Linux" and "avx512_bf16" in cpuinfo.read_text()
