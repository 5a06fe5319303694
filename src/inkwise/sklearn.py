"""A scikit-learn classifier that trains Inkwise's network."""

from __future__ import annotations

import math
import warnings
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
_MIN_STEPS_PER_EPOCH = 16  # a few hundred samples in batches of 256 would hardly be learnt
_MIN_BATCH_SIZE = 8  # below, the statistics of batch-norm are too noisy


class DigitClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Inkwise's network, trained by a recipe, with scikit-learn's interface.

    A row of X is an image. 784 features in 0..255 are used as a glyph: white ink on black, as in MNIST. Other
    input, including 784 features in 0..1, is converted: the value range seen in `fit` becomes 0..255, values
    outside are clipped, and the features are laid out row by row in the smallest square that holds them,
    which is resized to 28x28.

    The recipe's `validation` fraction of the samples is held back, and the best epoch on them is kept. Small
    sets are trained in smaller batches than the recipe's. The recipe's data sets are not read.

    Args:
        recipe: a recipe's name, or a recipe: `inkwise.training.load_recipe("tiny")`.
        epochs: passes over all samples; None takes the recipe's.
        random_state: as everywhere in scikit-learn, in place of the recipe's `seed`.
        device: of the training: "auto", "cpu", "cuda" or "mps". Prediction runs on the CPU.
        verbose: show progress on stderr.

    Attributes:
        classes_: (k,) labels in the order of the columns of `predict_proba`.
        n_features_in_: int.
        feature_names_in_: (n_features,) str, if X had column names.
        range_: the two values that become 0 and 255.
        recipe_: the recipe used, with its batch size and seed.
        net_: the trained network, in float64.
        history_: a dict per epoch.
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
        """Store the parameters; `fit` checks them."""
        self.recipe = recipe
        self.epochs = epochs
        self.random_state = random_state
        self.device = device
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train a new network. Ctrl-C ends training and keeps the best epoch so far.

        Args:
            X: (n, n_features) numbers.
            y: (n,) labels, numbers or text.

        Raises:
            InkwiseError: there is only one class; the recipe, device or number of epochs is invalid.
            ValueError: X or y has another shape or type, or contains NaN or infinity.
        """
        features, labels = validate_data(self, X, y)
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise InkwiseError(f"y contains one class only ({self.classes_[0]}); training needs at least two")
        self.range_ = _value_range(features)
        self.recipe_ = self._resolve(len(features))
        device = resolve_device(self.device)
        glyphs, classes = _glyphs(features, self.range_), torch.from_numpy(numbers.astype(np.int64))
        samples = GlyphSamples(glyphs.to(device), classes.to(device))
        held = stratified_mask(labels, self.recipe_.data.validation, np.random.default_rng(self.recipe_.seed))
        # If no class has two samples, the epoch is chosen on the training samples.
        training, validation = _select(samples, ~held), _select(samples, held) if held.any() else samples
        callbacks = build_callbacks(self.recipe_.callbacks)
        if self.verbose:
            callbacks.append(ProgressBar(Console(stderr=True)))
        with seeded(self.recipe_.seed, device):
            net = initial_net(self.recipe_.model, [str(label) for label in self.classes_])
            loop = GlyphLoop(net, self.recipe_, training, validation, callbacks)
            # float64: the result for a sample must not depend on the others in its batch.
            self.net_ = loop.fit().double()
        self.history_ = loop.history
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most likely labels (n,) of X (n, n_features), of the dtype of y.

        Raises:
            NotFittedError: `fit` was not called.
            ValueError: X differs in shape from `fit`, or contains NaN or infinity.
        """
        best = self.predict_proba(X).argmax(1)
        labels: NDArray[Any] = self.classes_[best]
        return labels

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return probabilities (n, k) float64 of X (n, n_features), in the order of `classes_`.

        Raises:
            NotFittedError: `fit` was not called.
            ValueError: X differs in shape from `fit`, or contains NaN or infinity.
        """
        check_is_fitted(self)
        features = validate_data(self, X, reset=False)
        _warn_of_other_scale(features, self.range_)
        glyphs = _glyphs(features, self.range_)
        with torch.no_grad():
            logits = [self.net_(part[:, None].double() / 255) for part in glyphs.split(256)]
        probabilities: NDArray[np.float64] = torch.cat(logits).softmax(1).numpy()
        return probabilities

    def _resolve(self, n: int) -> Recipe:
        """Adapt the recipe to n samples."""
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
    """Return the values that become black and white."""
    low, high = float(X.min()), float(X.max())
    # Values up to 1 are fractions of white, not bytes.
    if X.shape[1] == _GLYPH_SIDE**2 and low >= 0 and 1 < high <= 255:
        return 0.0, 255.0
    return low, high


def _warn_of_other_scale(X: NDArray[Any], seen: tuple[float, float]) -> None:
    """Warn if X or the training set is in 0..1 and the other is not; Python shows equal warnings once."""
    low, high = float(X.min()), float(X.max())
    if min(low, seen[0]) < 0 or min(high, seen[1]) == 0:
        return
    if (high <= 1) != (seen[1] <= 1) and not high / 2 < seen[1] < 2 * high:
        warnings.warn(
            f"X has values {low:g} to {high:g}, but fit saw {seen[0]:g} to {seen[1]:g}; scale both alike",
            stacklevel=3,
        )


def _glyphs(X: NDArray[Any], seen: tuple[float, float]) -> Tensor:
    """Convert features (n, n_features) to glyphs (n, 28, 28) uint8; 28x28 bytes stay unchanged."""
    n, features = X.shape
    side = math.ceil(math.sqrt(features))
    pixels = torch.from_numpy(np.interp(X, seen, (0, 255)).astype(np.float32))
    squares = F.pad(pixels, (0, side**2 - features)).reshape(n, 1, side, side)
    return F.interpolate(squares, (_GLYPH_SIDE, _GLYPH_SIDE), mode="area")[:, 0].round().to(torch.uint8)


def _select(samples: GlyphSamples, chosen: NDArray[np.bool_]) -> GlyphSamples:
    where = torch.from_numpy(chosen).to(samples.classes.device)
    return GlyphSamples(samples.glyphs[where], samples.classes[where])
