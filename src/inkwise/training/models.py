"""Networks: features that end in an embedding, and a linear head; and the line reader."""

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


class _Standardize(nn.Module):
    def forward(self, glyphs: Tensor) -> Tensor:
        return (glyphs - 0.1307) / 0.3081


def standardize_layer(model: ModelSection) -> list[nn.Module]:
    """The first layer where pixels are standardized by MNIST's mean and deviation, else nothing."""
    return [_Standardize()] if model.standardize else []


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


def sprint(model: ModelSection, classes: int) -> Net:
    """For few training steps: one convolution at 12x12, then those of the other channels at 6x6.

    The first has 5x5 filters without padding, as the border holds no ink. At 12x12 biases replace batch-norm,
    which would cost a fifth of all convolutions there.
    """
    _check_three_or_more("sprint", model.channels)
    a, b, *_ = model.channels
    features = nn.Sequential(
        *standardize_layer(model),
        nn.Conv2d(1, a, 5, stride=2),
        nn.ReLU(inplace=True),  # (n, a, 12, 12)
        nn.Conv2d(a, b, 3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(inplace=True),  # (n, b, 6, 6): the maximum commutes with ReLU
        *(layer for pair in pairwise(model.channels[1:]) for layer in convolution(*pair, 3)),
        nn.Flatten(),  # (n, 36 * channels[-1])
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


def convolution(inputs: int, outputs: int, side: int, stride: int = 1) -> list[nn.Module]:
    """Convolution, batch-norm and ReLU."""
    return [
        nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, bias=False),
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
        rows.append((type(part).__name__.lstrip("_"), tuple(output.shape[1:]), count))

    leaves = [part for part in net.modules() if not [*part.children()]]
    hooks = [part.register_forward_hook(add_row) for part in leaves]
    training = net.training
    # in eval mode batch-norm neither updates its statistics nor needs a second glyph
    net.eval()(torch.zeros(1, 1, 28, 28))
    net.train(training)
    for hook in hooks:
        hook.remove()
    return rows


class LineNet(nn.Module):
    """Line images (n, 1, 32, w) float in 0..1 to logits (n, w / 2, classes): a frame per two columns.

    w is a multiple of 4, as `pad_batch` makes it. The receptive field is some 30 columns on either side of a
    frame: a digit and its neighbours. The head splits each four columns into two frames, so that adjacent
    narrow digits get a frame each and a blank between them.
    """

    def __init__(self, channels: tuple[int, ...], classes: int, dropout: float) -> None:
        """Build it untrained; raises InkwiseError if `channels` are not five."""
        super().__init__()
        if len(channels) != 5 or min(channels) < 1:
            raise InkwiseError(f"net line takes five channels, each at least 1, not {channels}")
        a, b, c, d, e = channels
        self.classes = classes
        self.features = nn.Sequential(
            *convolution(1, a, 5, stride=2),  # (n, a, 16, w/2)
            *convolution(a, b, 3),
            nn.MaxPool2d((2, 1)),  # (n, b, 8, w/2)
            *convolution(b, c, 3),
            nn.MaxPool2d(2),  # (n, c, 4, w/4)
            *convolution(c, d, 3),
            *convolution(d, d, 3),
            nn.Conv2d(d, e, (4, 1), bias=False),  # (n, e, 1, w/4)
            nn.BatchNorm2d(e),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            _ContextBlock(e, dropout),
            _ContextBlock(e, dropout),
        )
        self.head = nn.Conv2d(e, 2 * classes, 1)

    def forward(self, line_images: Tensor) -> Tensor:
        """Logits (n, frames, classes); the first class is the blank."""
        logits = self.head(self.features(line_images))[:, :, 0]
        n, _, quarters = logits.shape
        frames: Tensor = logits.view(n, 2, self.classes, quarters).permute(0, 3, 1, 2)
        return frames.reshape(n, 2 * quarters, self.classes)


class _ContextBlock(nn.Module):
    """Residual block over frames (n, channels, 1, w) that sees two frames on either side.

    K. He et al., "Deep residual learning for image recognition", CVPR 2016.
    """

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, (1, 5), padding=(0, 2), bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
        )

    def forward(self, frames: Tensor) -> Tensor:
        residual: Tensor = self.layers(frames)
        return frames + residual


def pad_batch(line_images: list[Tensor], margin: int) -> Tensor:
    """Line images (32, w) uint8, each centred in one (n, 1, 32, W) uint8, W a multiple of 4."""
    widest = max(image.shape[1] for image in line_images) + 2 * margin
    batch = line_images[0].new_zeros(len(line_images), 1, line_images[0].shape[0], -(-widest // 4) * 4)
    for row, image in zip(batch, line_images, strict=True):
        left = (batch.shape[3] - image.shape[1]) // 2
        row[0, :, left : left + image.shape[1]] = image
    return batch
