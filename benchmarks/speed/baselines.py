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
    """The test set, looked at during training: what it took until then, and what is misread."""

    seconds: float
    images: int
    misses: int


class Baseline(Protocol):
    """A recogniser that others make."""

    def train(
        self, training: LabelledGlyphs, test: LabelledGlyphs, *, seed: int = 0, epochs: int = 0
    ) -> list[AccuracyCheckpoint]:
        """Train, the clock stopped at each look at the test set; `epochs` 0 takes its own number."""
        ...

    def predict(self, glyphs: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The digits of glyphs (n, 28, 28)."""
        ...

    def operations(self) -> tuple[float, float | None]:
        """For one glyph read, and one trained on; None where that is not counted."""
        ...

    def save(self, path: Path) -> None:
        """Write what it has learnt."""
        ...

    def load(self, path: Path) -> None:
        """Read what `save` wrote."""
        ...


def load_baseline(key: str, weights: Path | None = None) -> Baseline:
    """A peer of TITLES, with what it had learnt when it was saved.

    Raises:
        ImportError: what it is made with is not installed.
    """
    made: Baseline = import_module(MODULES[key]).BASELINES[key]()
    if weights:
        made.load(weights)
    return made


def available_baselines() -> tuple[list[str], list[str]]:
    """The keys of the peers that there are, and a line for each that is skipped."""
    there, skipped = [], []
    for key, title in TITLES.items():
        try:
            load_baseline(key)
            there.append(key)
        except ImportError as error:
            skipped.append(f"{title} is skipped: {error}.")
    return there, skipped


def predict_once(peers: Mapping[str, Callable[[], Baseline]]) -> None:
    """Read one glyph in a fresh process: argv holds the peer's key, its weights and an .npy file."""
    key, weights, glyph = sys.argv[1:]
    peer = peers[key]()
    peer.load(Path(weights))
    print(*peer.predict(np.load(glyph)))
