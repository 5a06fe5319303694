"""What Inkwise is measured against. Each kind is a module: its start is measured."""

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
MODULES = dict.fromkeys(("pytorch", "keras"), "torch_peers") | dict.fromkeys(("svc", "knn"), "sklearn_peers")
PACKAGES = {"torch_peers": "torch", "sklearn_peers": "scikit-learn"}


@dataclass(frozen=True)
class Digits:
    """Glyphs (n, 28, 28) uint8 and their digits (n,) int64."""

    glyphs: NDArray[np.uint8]
    classes: NDArray[np.int64]


@dataclass(frozen=True)
class Look:
    """The test set, looked at during training: what it took until then, and what is misread."""

    seconds: float
    images: int
    misses: int


class Peer(Protocol):
    """A recogniser that others make."""

    def train(self, training: Digits, test: Digits, *, seed: int = 0, epochs: int = 0) -> list[Look]:
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


def open_peer(key: str, weights: Path | None = None) -> Peer:
    """A peer of TITLES, with what it had learnt when it was saved.

    Raises:
        ImportError: what it is made with is not installed.
    """
    made: Peer = import_module(MODULES[key]).PEERS[key]()
    if weights:
        made.load(weights)
    return made


def available() -> tuple[list[str], list[str]]:
    """The keys of the peers that there are, and a line for each that is skipped."""
    there, skipped = [], []
    for key, title in TITLES.items():
        try:
            open_peer(key)
            there.append(key)
        except ImportError as error:
            skipped.append(f"{title} is skipped: {error}.")
    return there, skipped


def answer(peers: Mapping[str, Callable[[], Peer]]) -> None:
    """Read one glyph in a fresh process: argv holds the peer's key, its weights and an .npy file."""
    key, weights, glyph = sys.argv[1:]
    peer = peers[key]()
    peer.load(Path(weights))
    print(*peer.predict(np.load(glyph)))
