"""The net as a scikit-learn classifier."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rich.console import Console

from inkwise._util.errors import InkwiseError, requires_extra

with requires_extra("train", "inkwise.sklearn"):
    import torch
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
    from torch import Tensor
    from torch.nn import functional as F  # noqa: N812

    from inkwise.training.callbacks import ProgressBar, build_callbacks
    from inkwise.training.config import Recipe
    from inkwise.training.glyph_task import GlyphLoop, GlyphSamples
    from inkwise.training.loop import resolve_device, seeded
    from inkwise.training.onnx_models import initial_net, resolve_recipe
    from inkwise.training.recipes import load_recipe
    from inkwise.training.training_data import stratified_mask

__all__ = ["DigitClassifier"]

_GLYPH_SIDE = 28
_MIN_STEPS_PER_EPOCH = (
    16  # an epoch, at least: a few hundred samples in batches of 256 would hardly be learnt
)
_MIN_BATCH_SIZE = 8  # below, batch-norm has too little to go by


class DigitClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Inkwise's net, trained by a recipe, with scikit-learn's interface.

    A row of X is a picture, pixel by pixel. 784 features in 0..255 are a glyph as it is: white ink on black,
    as in MNIST. From anything else, 784 features in 0..1 included, a picture is made: the range of values
    seen in `fit` becomes 0..255, what lies outside is clipped, and the features are laid row by row into the
    smallest square that holds them, which is resized to 28x28.

    A share of the samples (the recipe's `validation`) is held back, and the epoch that does best on them is
    kept. Small sets are trained on in batches smaller than the recipe's. The recipe's data sets are not read.

    Args:
        recipe: a recipe's name, or a recipe: `inkwise.training.load_recipe("tiny")`.
        epochs: how often all samples are seen; None takes the recipe's.
        random_state: as everywhere in scikit-learn; the recipe's `seed` is not used.
        device: "auto", "cpu", "cuda" or "mps": where it trains. Prediction is on the CPU.
        verbose: show progress on stderr.

    Attributes:
        classes_: (k,) the labels in the order of `predict_proba`'s columns.
        n_features_in_: int.
        feature_names_in_: (n_features,) str, where X had column names.
        range_: the two values that become 0 and 255.
        recipe_: the recipe that was followed, batch and seed included.
        net_: the trained net, in float64.
        history_: a dict an epoch.
    """

    def __init__(
        self,
        recipe: str | Recipe = "default",
        *,
        epochs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
        verbose: bool = False,
    ) -> None:
        """Keep the choices; `fit` checks them."""
        self.recipe = recipe
        self.epochs = epochs
        self.random_state = random_state
        self.device = device
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train a new net. Ctrl-C ends training and keeps the best so far.

        Args:
            X: (n, n_features) numbers.
            y: (n,) labels, numbers or texts.

        Raises:
            InkwiseError: one class only; a recipe, net, device or number of epochs that there is not.
            ValueError: X or y are not as above, or hold NaN or infinity.
        """
        features, labels = validate_data(self, X, y)
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise InkwiseError(f"y holds one class only ({self.classes_[0]}); training needs at least two")
        self.range_ = _value_range(features)
        self.recipe_ = self._resolve(len(features))
        device = resolve_device(self.device)
        glyphs, classes = _glyphs(features, self.range_), torch.from_numpy(numbers.astype(np.int64))
        samples = GlyphSamples(glyphs.to(device), classes.to(device))
        held = stratified_mask(labels, self.recipe_.data.validation, np.random.default_rng(self.recipe_.seed))
        # Where no class has two samples, there is nothing else to choose by.
        training, validation = _select(samples, ~held), _select(samples, held) if held.any() else samples
        callbacks = build_callbacks(self.recipe_.callbacks)
        if self.verbose:
            callbacks.append(ProgressBar(Console(stderr=True)))
        with seeded(self.recipe_.seed, device):
            net = initial_net(self.recipe_.model, [str(label) for label in self.classes_])
            loop = GlyphLoop(net, self.recipe_, training, validation, callbacks)
            # 64 bits: what a sample reads as must not depend on its neighbours in the batch.
            self.net_ = loop.fit().double()
        self.history_ = loop.history
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The likeliest labels (n,) of X (n, n_features), of the dtype of y.

        Raises:
            NotFittedError: `fit` comes first.
            ValueError: X is not as in `fit`, or holds NaN or infinity.
        """
        best = self.predict_proba(X).argmax(1)
        labels: NDArray[Any] = self.classes_[best]
        return labels

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probabilities (n, k) float64 of X (n, n_features), in the order of `classes_`.

        Raises:
            NotFittedError: `fit` comes first.
            ValueError: X is not as in `fit`, or holds NaN or infinity.
        """
        check_is_fitted(self)
        glyphs = _glyphs(validate_data(self, X, reset=False), self.range_)
        with torch.no_grad():
            logits = [self.net_(part[:, None].double() / 255) for part in glyphs.split(256)]
        probabilities: NDArray[np.float64] = torch.cat(logits).softmax(1).numpy()
        return probabilities

    def _resolve(self, n: int) -> Recipe:
        """The recipe to follow with n samples."""
        chosen = self.recipe if isinstance(self.recipe, Recipe) else load_recipe(self.recipe)
        chosen = chosen.set(
            optimization={
                "epochs": chosen.optimization.epochs if self.epochs is None else self.epochs,
                "batch": min(chosen.optimization.batch, max(_MIN_BATCH_SIZE, n // _MIN_STEPS_PER_EPOCH)),
            },
            seed=int(check_random_state(self.random_state).randint(2**31 - 1)),
        )
        return resolve_recipe(chosen)


def _value_range(X: NDArray[Any]) -> tuple[float, float]:
    """The values that become black and white."""
    low, high = float(X.min()), float(X.max())
    # What does not exceed 1 is no byte but a share of white.
    if X.shape[1] == _GLYPH_SIDE**2 and low >= 0 and 1 < high <= 255:
        return 0.0, 255.0
    return low, high


def _glyphs(X: NDArray[Any], seen: tuple[float, float]) -> Tensor:
    """Glyphs (n, 28, 28) uint8 of features (n, n_features), 28x28 bytes unchanged."""
    n, features = X.shape
    side = math.ceil(math.sqrt(features))
    pixels = torch.from_numpy(np.interp(X, seen, (0, 255)).astype(np.float32))
    squares = F.pad(pixels, (0, side**2 - features)).reshape(n, 1, side, side)
    return F.interpolate(squares, (_GLYPH_SIDE, _GLYPH_SIDE), mode="area")[:, 0].round().to(torch.uint8)


def _select(samples: GlyphSamples, chosen: NDArray[np.bool_]) -> GlyphSamples:
    where = torch.from_numpy(chosen).to(samples.classes.device)
    return GlyphSamples(samples.glyphs[where], samples.classes[where])
