"""The networks of PyTorch's MNIST example and of Keras' simple MNIST convnet, in PyTorch.

The settings are those of the examples. File reading and scaling are not timed (the set is in memory). The
test set is evaluated four times in each epoch, so that the first checkpoint at a target is not missed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.speed.baselines import AccuracyCheckpoint, Baseline, LabelledGlyphs, predict_once

CHECKPOINTS_PER_EPOCH = 4
Settings = Callable[[nn.Module], tuple[torch.optim.Optimizer, float]]


class TorchBaseline:
    """A network with batch size, epochs, optimizer, and the decay of the learning rate each epoch."""

    def __init__(self, build: Callable[[], nn.Module], batch: int, epochs: int, settings: Settings) -> None:
        """Build the network."""
        self.build, self.batch, self.epochs, self.settings = build, batch, epochs, settings
        self.net = build().eval()

    def train(
        self, training: LabelledGlyphs, test: LabelledGlyphs, *, seed: int = 0, epochs: int = 0
    ) -> list[AccuracyCheckpoint]:
        """See `Baseline`."""
        inputs, classes = scaled(training.glyphs), torch.from_numpy(training.classes)
        self._first_step()  # torch initializes at its first step, which is not timed
        torch.manual_seed(seed)
        self.net = self.build()
        optimizer, factor = self.settings(self.net)
        checkpoints, seconds, seen = [], 0.0, 0
        for _ in range(epochs or self.epochs):
            for part in torch.randperm(len(inputs)).chunk(CHECKPOINTS_PER_EPOCH):
                began = time.perf_counter()
                self._steps(self.net, optimizer, inputs, classes, part)
                seconds, seen = seconds + time.perf_counter() - began, seen + len(part)
                checkpoints.append(
                    AccuracyCheckpoint(seconds, seen, int((self.predict(test.glyphs) != test.classes).sum()))
                )
            for group in optimizer.param_groups:
                group["lr"] *= factor
        return checkpoints

    def _steps(
        self,
        net: nn.Module,
        optimizer: torch.optim.Optimizer,
        inputs: Tensor,
        classes: Tensor,
        order: Tensor,
    ) -> None:
        net.train()
        for index in order.split(self.batch):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(inputs[index]), classes[index]).backward()
            optimizer.step()

    def _first_step(self) -> None:
        net = self.build()
        glyphs, classes = torch.zeros(self.batch, 1, 28, 28), torch.zeros(self.batch).long()
        self._steps(net, self.settings(net)[0], glyphs, classes, torch.arange(self.batch))

    @torch.no_grad()
    def predict(self, glyphs: NDArray[np.uint8], batch: int = 64) -> NDArray[np.int64]:
        """See `Baseline`. A batch of 64 fits the processor's cache: 1000, as in the example, is slower."""
        self.net.eval()
        answers = [self.net(some).argmax(1) for some in scaled(glyphs).split(batch)]
        return torch.cat(answers).numpy()

    def operations(self) -> tuple[float, float | None]:
        """Count operations in convolutions and matrix products."""
        from torch.utils.flop_counter import FlopCounterMode  # not part of the cold start

        counts = []
        for work in (lambda: self.net(torch.zeros(self.batch, 1, 28, 28)), self._first_step):
            with FlopCounterMode(display=False) as counter:
                work()
            counts.append(counter.get_total_flops() / self.batch)
        return counts[0], counts[1]

    def save(self, path: Path) -> None:
        """See `Baseline`."""
        torch.save(self.net.state_dict(), path)

    def load(self, path: Path) -> None:
        """See `Baseline`."""
        self.net.load_state_dict(torch.load(path))


def scaled(glyphs: NDArray[np.uint8]) -> Tensor:
    """Standardize glyphs by MNIST's mean and standard deviation, (n, 1, 28, 28)."""
    return (torch.from_numpy(glyphs)[:, None] / 255 - 0.1307) / 0.3081


def pytorch_example() -> nn.Module:
    """Build the network of PyTorch's MNIST example, 1,199,882 parameters."""
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)),
        *(nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)),
    )


def keras_example() -> nn.Module:
    """Build the network of Keras' simple MNIST convnet, 34,826 parameters."""
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10)),
    )


def adadelta(net: nn.Module) -> tuple[torch.optim.Optimizer, float]:
    """Return the optimizer of PyTorch's example and the decay of its rate each epoch."""
    return torch.optim.Adadelta(net.parameters(), lr=1.0), 0.7


def adam(net: nn.Module) -> tuple[torch.optim.Optimizer, float]:
    """Return the optimizer of Keras' example; its rate is constant."""
    return torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7), 1.0


BASELINES: dict[str, Callable[[], Baseline]] = {
    "pytorch": partial(TorchBaseline, pytorch_example, 64, 14, adadelta),
    "keras": partial(TorchBaseline, keras_example, 128, 15, adam),
}

if __name__ == "__main__":
    predict_once(BASELINES)
