"""The nets of the documents that Inkwise began with: sizes are theirs, or chosen where they give none."""

from __future__ import annotations

from torch import nn

from inkwise._util.errors import InkwiseError
from inkwise.training.config import Recipe
from inkwise.training.document_recipes import Mlp50
from inkwise.training.models.network import Net, standardize_layer


def lenet_dropout(recipe: Recipe, classes: int) -> Net:
    """Document 1; 72,968 parameters."""
    features = nn.Sequential(
        *standardize_layer(recipe),
        *_block(1, 10, 5),  # (n, 10, 12, 12)
        *_block(10, 28, 5),  # (n, 28, 4, 4)
        nn.Flatten(),
        *_dense(448, 120),
        nn.Dropout(recipe.dropout),
        *_dense(120, 90),
        nn.Dropout(recipe.dropout),
    )
    return Net(features, classes)


def cnn_batchnorm(recipe: Recipe, classes: int) -> Net:
    """Document 2. Chosen: 32, 64, 128 channels of 3x3, one dense layer of 128; 241,994 parameters."""
    features = nn.Sequential(
        *standardize_layer(recipe),
        *_block(1, 32, 3, padding=1, norm=True),  # (n, 32, 14, 14)
        *_block(32, 64, 3, padding=1, norm=True),  # (n, 64, 7, 7)
        *_block(64, 128, 3, padding=1, norm=True),  # (n, 128, 3, 3)
        nn.Flatten(),
        *_dense(1152, 128),
        nn.Dropout(recipe.dropout),
    )
    return Net(features, classes)


def cnn_small(recipe: Recipe, classes: int) -> Net:
    """Document 3; 106,602 parameters."""
    features = nn.Sequential(
        *standardize_layer(recipe),
        *_block(1, 8, 5),  # (n, 8, 12, 12)
        nn.Dropout(0.25),
        *_block(8, 16, 3),  # (n, 16, 5, 5)
        nn.Dropout(0.25),
        nn.Flatten(),
        *_dense(400, 256),
        nn.Dropout(recipe.dropout),
    )
    return Net(features, classes)


def lenet_robust(recipe: Recipe, classes: int) -> Net:
    """Document 4. LeNet's usual sizes where it gives none; 656,080 parameters."""
    features = nn.Sequential(
        *standardize_layer(recipe),
        *_block(1, 20, 5, padding=2),  # (n, 20, 14, 14)
        *_block(20, 50, 5),  # (n, 50, 5, 5)
        nn.Flatten(),
        *_dense(1250, 500),
        nn.Dropout(recipe.dropout),
    )
    return Net(features, classes)


def mlp_50(recipe: Recipe, classes: int) -> Net:
    """Document 5; 42,310 parameters. With `neurons2` 0 the second layer is left out.

    Raises:
        InkwiseError: the recipe does not say how many neurons.
    """
    if not isinstance(recipe, Mlp50):
        raise InkwiseError(f"net mlp-50 is for the recipe mlp-50, not {recipe.name}")
    second = _dense(recipe.neurons1, recipe.neurons2) if recipe.neurons2 else []
    features = nn.Sequential(
        *standardize_layer(recipe),
        nn.Flatten(),
        *_dense(784, recipe.neurons1),
        nn.Dropout(recipe.dropout),
        *second,
    )
    return Net(features, classes)


def cnn_adadelta(recipe: Recipe, classes: int) -> Net:
    """Document 5; 2,380,938 parameters."""
    features = nn.Sequential(
        *standardize_layer(recipe),
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),  # (n, 64, 12, 12)
        nn.Dropout(0.25),
        nn.Flatten(),
        *_dense(9216, 256),
        nn.Dropout(recipe.dropout),
    )
    return Net(features, classes)


def _block(inputs: int, outputs: int, side: int, padding: int = 0, norm: bool = False) -> list[nn.Module]:
    norms: list[nn.Module] = [nn.BatchNorm2d(outputs)] if norm else []
    return [nn.Conv2d(inputs, outputs, side, padding=padding), *norms, nn.ReLU(), nn.MaxPool2d(2)]


def _dense(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Linear(inputs, outputs), nn.ReLU()]
