"""The training loop, with callbacks for what differs between runs."""

from __future__ import annotations

import math
import platform
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from inkwise._util.errors import InkwiseError
from inkwise.training.callbacks import Callback
from inkwise.training.config import Recipe
from inkwise.training.optimizers import build_optimizer

HistoryRow = dict[str, float]
"""One epoch: epoch, lr, images_per_s, seconds, and loss and accuracy as train_* and validation_*."""


class TrainingData(Protocol):
    """Samples on one device."""

    @property
    def device(self) -> torch.device: ...  # noqa: D102

    def __len__(self) -> int: ...  # noqa: D105


N = TypeVar("N", bound=nn.Module)
D = TypeVar("D", bound=TrainingData)


class DivergedError(InkwiseError):
    """The loss is not a number."""


class TrainingLoop(ABC, Generic[N, D]):
    """Trains a network by a recipe; subclasses define batches, loss and validation.

    Callbacks may read all of: net, recipe, epoch (finished), step (finished), total_steps, lr, history,
    running (mean loss and accuracy of this epoch so far), stopped (the reason, or None), uses_bfloat16.
    `evaluated_net` is the module whose weights are validated and returned: the network, unless a callback
    replaces it.
    """

    def __init__(self, net: N, recipe: Recipe, training: D, validation: D, callbacks: list[Callback]) -> None:
        """Move an untrained network to the device of the samples."""
        self.recipe, self.training, self.validation, self.callbacks = recipe, training, validation, callbacks
        self.device = training.device
        self.net: N = net.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        keys = recipe.optimization
        self.optimizer = build_optimizer(net, keys)
        self._lr_shares = [group["lr"] / keys.lr for group in self.optimizer.param_groups]
        self.evaluated_net: nn.Module = self.net
        self.generator = torch.Generator(self.device).manual_seed(recipe.seed)
        self.total_steps = math.ceil(len(training) / keys.batch) * keys.epochs
        self.epoch = self.step = 0
        self.history: list[HistoryRow] = []
        self.running: HistoryRow = {}
        self.stopped: str | None = None
        self.best: dict[str, Tensor] = {}
        self.uses_bfloat16 = _uses_bfloat16(keys.precision, self.device)

    @property
    def lr(self) -> float:
        """Learning rate of the next step, of the layer with the highest."""
        return float(self.optimizer.param_groups[0]["lr"])

    def set_lr(self, lr: float) -> None:
        """Set the learning rate of the next step; each layer gets its share of it."""
        for group, share in zip(self.optimizer.param_groups, self._lr_shares, strict=True):
            group["lr"] = lr * share

    def stop(self, reason: str) -> None:
        """End training after this epoch."""
        self.stopped = reason

    def fit(self) -> N:
        """Train to the end, or until stopped or interrupted, and return the best network, on the CPU.

        Ctrl-C ends training and keeps the best so far.

        Raises:
            DivergedError: the loss is not a number.
            KeyboardInterrupt: interrupted before the first epoch was finished.
        """
        self._call("on_train_begin")
        try:
            while self.epoch < self.recipe.optimization.epochs and not self.stopped:
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
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.step += 1
            loss_sum += loss.detach() * len(batch)
            right += right_here
            seen += len(batch)
            if number % 10 == 0 or seen == len(self.training):
                # not at every step, as reading the loss waits for the device
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
        # accuracy, as a few wrong labels dominate the loss; among equals the later, at the lower rate
        if validation_accuracy >= best:
            self._keep_best()
        self._call("on_epoch_end")

    def _keep_best(self) -> None:
        """Copy the weights that were validated last."""
        kept = self.evaluated_net.state_dict()
        self.best = {name: value.detach().clone() for name, value in kept.items()}

    def _batches(self) -> Iterable[Tensor]:
        """Indices of the samples of each batch of an epoch, in random order."""
        order = torch.randperm(len(self.training), generator=self.generator, device=self.device)
        return list(order.split(self.recipe.optimization.batch))

    @abstractmethod
    def _training_step(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss of an augmented batch, and the number of right answers."""

    @abstractmethod
    def _validate(self) -> tuple[float, float]:
        """Mean loss and accuracy of `evaluated_net` on the validation set."""

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.uses_bfloat16)

    def _call(self, hook: str) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(self)

    def state(self) -> dict[str, Any]:
        """State to resume from after this epoch: tensors, numbers and texts only."""
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
        """Resume from a state of the same recipe and data."""
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch"])
        self.best = {name: value.to(self.device) for name, value in state["best"].items()}
        self.history, self.epoch, self.step = state["history"], state["epoch"], state["step"]
        self.stopped = state["stopped"]
        for callback, own in zip(self.callbacks, state["callbacks"], strict=True):
            callback.restore(own)


AnyTrainingLoop = TrainingLoop[Any, Any]


def _check_finite(loss: float) -> None:
    if not math.isfinite(loss):
        raise DivergedError("training diverged: the loss is not a number; lower optimization.lr")


def _uses_bfloat16(precision: str, device: torch.device) -> bool:
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # without instructions for it, a CPU is slower with 16 bits than with 32
    cpuinfo = Path("/proc/cpuinfo")
    return device.type == "cpu" and platform.system() == "Linux" and "avx512_bf16" in cpuinfo.read_text()


def resolve_device(name: str) -> torch.device:
    """The device of a name; auto takes CUDA, then MPS, then the CPU.

    Raises:
        InkwiseError: the name is unknown, or the device is not available.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, there in available.items() if there))
    if name not in available:
        raise InkwiseError(f"no device {name!r}; there are: auto, {', '.join(available)}")
    if not available[name]:
        raise InkwiseError(f"device {name} is not available on this machine; 'auto' takes what there is")
    return torch.device(name)


@contextmanager
def seeded(seed: int, device: torch.device, *, deterministic: bool | None = None) -> Iterator[None]:
    """Seed torch's generators of the CPU and of a device, and restore their states at the end.

    Args:
        seed: of both generators.
        device: the device of the training; generators of other devices are not touched.
        deterministic: if given, whether torch uses deterministic algorithms only; restored as well.
    """
    accelerator = {"cuda": torch.cuda, "mps": torch.mps}.get(device.type)
    state = accelerator.get_rng_state() if accelerator else None
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng([]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every device
        if accelerator:
            accelerator.manual_seed(seed)
        # not without need, as torch then imports its compiler, a second
        changes = deterministic is not None and (deterministic, False) != (enabled, warn_only)
        if changes:
            torch.use_deterministic_algorithms(bool(deterministic))
        try:
            yield
        finally:
            if accelerator:
                accelerator.set_rng_state(state)
            if changes:
                torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
