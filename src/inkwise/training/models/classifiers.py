"""The nets. Each is features, which end in the embedding, and a linear head."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from torch import nn

from inkwise._util.errors import InkwiseError
from inkwise._util.text import did_you_mean
from inkwise.training.config import Recipe
from inkwise.training.models import document_models as paper_nets
from inkwise.training.models.network import Net, standardize_layer


def compact(recipe: Recipe, classes: int) -> Net:
    """Five convolutions with batch-norm; 82,706 parameters, 12 million operations a glyph at (24, 32, 64).

    Raises:
        InkwiseError: `channels` are not three.
    """
    if len(recipe.channels) != 3 or min(recipe.channels) < 1:
        raise InkwiseError(f"net compact takes three channels, each at least 1, not {recipe.channels}")
    a, b, c = recipe.channels
    return _two_stage(recipe, classes, [a, b, b], [c, c])


def deep(recipe: Recipe, classes: int) -> Net:
    """Two convolutions as those of `compact`, then one for each channel more where the glyph is 7x7.

    Raises:
        InkwiseError: `channels` are fewer than three.
    """
    if len(recipe.channels) < 3 or min(recipe.channels) < 1:
        raise InkwiseError(f"net deep takes three channels or more, each at least 1, not {recipe.channels}")
    return _two_stage(recipe, classes, [*recipe.channels[:2]], [*recipe.channels[2:]])


def sprint(recipe: Recipe, classes: int) -> Net:
    """Made for few steps: a convolution where the glyph is 12x12, then those of the other channels at 6x6.

    The first has filters of 5x5 and sees no border: there is no ink. Where the glyph is 12x12 biases stand
    in for batch-norm, which would take as long there as a fifth of all convolutions.

    Raises:
        InkwiseError: `channels` are fewer than three.
    """
    if len(recipe.channels) < 3 or min(recipe.channels) < 1:
        raise InkwiseError(f"net sprint takes three channels or more, each at least 1, not {recipe.channels}")
    a, b, *_ = recipe.channels
    features = nn.Sequential(
        *standardize_layer(recipe),
        nn.Conv2d(1, a, 5, stride=2),
        nn.ReLU(inplace=True),  # (n, a, 12, 12)
        nn.Conv2d(a, b, 3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(inplace=True),  # (n, b, 6, 6): a maximum may be taken before the ReLU
        *(layer for pair in pairwise(recipe.channels[1:]) for layer in convolution(*pair, 3)),
        nn.Flatten(),  # (n, 36 * channels[-1])
        nn.Dropout(recipe.dropout),
    )
    return Net(features, classes)


def _two_stage(recipe: Recipe, classes: int, fine: list[int], coarse: list[int]) -> Net:
    """Convolutions of these channels where the glyph is 14x14, then of those where it is 7x7."""
    features = nn.Sequential(
        *standardize_layer(recipe),
        *convolution(1, fine[0], 5, stride=2),
        *(layer for pair in pairwise(fine) for layer in convolution(*pair, 3)),  # (n, fine[-1], 14, 14)
        nn.MaxPool2d(2),
        *(layer for pair in pairwise([fine[-1], *coarse]) for layer in convolution(*pair, 3)),
        nn.MaxPool2d(2, ceil_mode=True),  # (n, coarse[-1], 4, 4)
        nn.Flatten(),  # (n, 16 * coarse[-1])
        nn.Dropout(recipe.dropout),
    )
    return Net(features, classes)


def convolution(inputs: int, outputs: int, side: int, stride: int = 1) -> list[nn.Module]:
    """Convolution, batch-norm and ReLU."""
    return [
        nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


ARCHITECTURES: dict[str, Callable[[Recipe, int], Net]] = {
    "compact": compact,
    "deep": deep,
    "sprint": sprint,
    "lenet-dropout": paper_nets.lenet_dropout,
    "cnn-batchnorm": paper_nets.cnn_batchnorm,
    "cnn-small": paper_nets.cnn_small,
    "lenet-robust": paper_nets.lenet_robust,
    "mlp-50": paper_nets.mlp_50,
    "cnn-adadelta": paper_nets.cnn_adadelta,
}


def architecture(name: str) -> Callable[[Recipe, int], Net]:
    """What builds the net of a name, untrained, for so many classes.

    Raises:
        InkwiseError: there is none; the message names the nearest.
    """
    if name not in ARCHITECTURES:
        raise InkwiseError(f"no net {name!r}{did_you_mean(name, list(ARCHITECTURES))}")
    return ARCHITECTURES[name]
