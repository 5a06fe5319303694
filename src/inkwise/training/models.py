"""Networks: features that end in an embedding, and a linear head."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from inkwise._util.errors import InkwiseError
from inkwise._util.text import did_you_mean
from inkwise.training.config import ModelSection
from inkwise.training.recipes import load_plugins

LayerSummary = tuple[str, tuple[int, ...], int]
"""Kind of a layer, shape of its output for one glyph, number of parameters."""


class Net(nn.Module):
    """Glyphs (n, 1, 28, 28) float in 0..1 to logits (n, classes), through an embedding (n, d)."""

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


class Standardize(nn.Module):
    """Subtract the mean of MNIST's pixels and divide by their standard deviation."""

    mean, deviation = 0.1307, 0.3081

    def forward(self, glyphs: Tensor) -> Tensor:
        """Pixels of mean 0 and standard deviation 1."""
        return (glyphs - self.mean) / self.deviation


def standardize_layer(model: ModelSection) -> list[nn.Module]:
    """The first layer where pixels are standardized by MNIST's mean and deviation, else nothing."""
    return [Standardize()] if model.standardize else []


def compact(model: ModelSection, classes: int) -> Net:
    """Five convolutions with batch-norm; 82,706 parameters, 12 million operations a glyph at (24, 32, 64)."""
    if len(model.channels) != 3 or min(model.channels) < 1:
        raise InkwiseError(f"net compact takes three channels, each at least 1, not {model.channels}")
    a, b, c = model.channels
    return _two_stage(model, classes, [a, b, b], [c, c])


def deep(model: ModelSection, classes: int) -> Net:
    """Two convolutions as in `compact`, then one at 7x7 for each further channel."""
    _check_three_or_more("deep", model.channels)
    return _two_stage(model, classes, [*model.channels[:2]], [*model.channels[2:]])


class Crop(nn.Module):
    """Glyphs without their border of two pixels, which holds almost no ink."""

    border = 2

    def forward(self, glyphs: Tensor) -> Tensor:
        """Glyphs (n, 1, 24, 24)."""
        return glyphs[:, :, self.border : -self.border, self.border : -self.border]


def sprint(model: ModelSection, classes: int) -> Net:
    """For few training steps: two convolutions down to 5x5, then one for each further channel.

    Without the crop, and with padding in the last convolution, there would be 1.7 times the operations. At
    10x10 biases replace batch-norm, which would cost a fifth of all convolutions there.
    """
    _check_three_or_more("sprint", model.channels)
    a, b, *_ = model.channels
    *middle, last = pairwise(model.channels[1:])
    features = nn.Sequential(
        Crop(),
        *standardize_layer(model),
        nn.Conv2d(1, a, 5, stride=2),
        nn.ReLU(inplace=True),  # (n, a, 10, 10)
        nn.Conv2d(a, b, 3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(inplace=True),  # (n, b, 5, 5): the maximum commutes with ReLU
        *(layer for pair in middle for layer in convolution(*pair, 3)),
        *convolution(*last, 3, padding=0),
        nn.Flatten(),  # (n, 9 * channels[-1])
        nn.Dropout(model.dropout),
    )
    return Net(features, classes)


def _check_three_or_more(net: str, channels: tuple[int, ...]) -> None:
    if len(channels) < 3 or min(channels) < 1:
        raise InkwiseError(f"net {net} takes three channels or more, each at least 1, not {channels}")


def _two_stage(model: ModelSection, classes: int, fine: list[int], coarse: list[int]) -> Net:
    """Convolutions of the `fine` channels at 14x14, then of the `coarse` channels at 7x7."""
    features = nn.Sequential(
        *standardize_layer(model),
        *convolution(1, fine[0], 5, stride=2),
        *(layer for pair in pairwise(fine) for layer in convolution(*pair, 3)),  # (n, fine[-1], 14, 14)
        nn.MaxPool2d(2),
        *(layer for pair in pairwise([fine[-1], *coarse]) for layer in convolution(*pair, 3)),
        nn.MaxPool2d(2, ceil_mode=True),  # (n, coarse[-1], 4, 4)
        nn.Flatten(),  # (n, 16 * coarse[-1])
        nn.Dropout(model.dropout),
    )
    return Net(features, classes)


def convolution(
    inputs: int, outputs: int, side: int, stride: int = 1, padding: int | None = None
) -> list[nn.Module]:
    """Convolution, by default padded by half of its side, batch-norm and ReLU."""
    padding = side // 2 if padding is None else padding
    return [
        nn.Conv2d(inputs, outputs, side, stride, padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


ARCHITECTURES: dict[str, Callable[[ModelSection, int], Net]] = {
    "compact": compact,
    "deep": deep,
    "sprint": sprint,
}
"""Functions that build an untrained network for a number of classes, by name."""


def build_net(model: ModelSection, classes: int) -> Net:
    """An untrained network.

    Raises:
        InkwiseError: the architecture is unknown (the message names the nearest), or the channels do not fit.
    """
    if model.net not in ARCHITECTURES:
        load_plugins()
    if model.net not in ARCHITECTURES:
        raise InkwiseError(f"no net {model.net!r}{did_you_mean(model.net, list(ARCHITECTURES))}")
    return ARCHITECTURES[model.net](model, classes)


@torch.no_grad()
def summarize_layers(net: Net) -> list[LayerSummary]:
    """The layers of a network on the CPU, in the order of the forward pass."""
    rows: list[LayerSummary] = []

    def add_row(part: nn.Module, inputs: object, output: Tensor) -> None:
        count = sum(parameter.numel() for parameter in part.parameters())
        rows.append((type(part).__name__, tuple(output.shape[1:]), count))

    leaves = [part for part in net.modules() if not [*part.children()]]
    hooks = [part.register_forward_hook(add_row) for part in leaves]
    training = net.training
    # in eval mode batch-norm neither updates its statistics nor needs a second glyph
    net.eval()(torch.zeros(1, 1, 28, 28))
    net.train(training)
    for hook in hooks:
        hook.remove()
    return rows
