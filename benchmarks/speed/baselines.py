"""Interface of the baselines. Each kind is a module of its own, because its cold start is measured."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

TITLES = {
    "pytorch": "PyTorch's MNIST example",
    "keras": "Keras' simple MNIST convnet",
    "svc": "scikit-learn's SVC",
    "knn": "scikit-learn's k-nearest neighbours",
}
MODULES = dict.fromkeys(("pytorch", "keras"), "benchmarks.speed.torch_baselines") | dict.fromkeys(
    ("svc", "knn"), "benchmarks.speed.sklearn_baselines"
)
PACKAGES = {"pytorch": "torch", "keras": "torch", "svc": "scikit-learn", "knn": "scikit-learn"}


@dataclass(frozen=True)
class LabelledGlyphs:
    """Glyphs (n, 28, 28) uint8 and their digits (n,) int64."""

    glyphs: NDArray[np.uint8]
    classes: NDArray[np.int64]


@dataclass(frozen=True)
class AccuracyCheckpoint:
    """Evaluation on the test set during training: seconds and images until then, and misses."""

    seconds: float
    images: int
    misses: int


class Baseline(Protocol):
    """A classifier to compare with."""

    def train(
        self, training: LabelledGlyphs, test: LabelledGlyphs, *, seed: int = 0, epochs: int = 0
    ) -> list[AccuracyCheckpoint]:
        """Train; evaluations are not timed. `epochs` 0 means the default of the baseline."""
        ...

    def predict(self, glyphs: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the digits of glyphs (n, 28, 28)."""
        ...

    def operations(self) -> tuple[float, float | None]:
        """Return the operations for reading and for training on one glyph; None if unknown."""
        ...

    def save(self, path: Path) -> None:
        """Write the weights."""
        ...

    def load(self, path: Path) -> None:
        """Read what `save` wrote."""
        ...


def load_baseline(key: str, weights: Path | None = None) -> Baseline:
    """Return a baseline of TITLES, with stored weights if given.

    Raises:
        ImportError: its library is not installed.
    """
    made: Baseline = import_module(MODULES[key]).BASELINES[key]()
    if weights:
        made.load(weights)
    return made


def available_baselines() -> tuple[list[str], list[str]]:
    """Return the keys of the installed baselines, and a line for each that is skipped."""
    available, skipped = [], []
    for key, title in TITLES.items():
        try:
            load_baseline(key)
            available.append(key)
        except ImportError as error:
            skipped.append(f"{title} is skipped: {error}.")
    return available, skipped


def predict_once(baselines: Mapping[str, Callable[[], Baseline]]) -> None:
    """Read one glyph in a new process; argv holds the key of a baseline, its weights and an .npy file."""
    key, weights, glyph = sys.argv[1:]
    baseline = baselines[key]()
    baseline.load(Path(weights))
    print(*baseline.predict(np.load(glyph)))
