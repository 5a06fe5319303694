"""The data sets that have a name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkwise.datasets import modified


@dataclass(frozen=True)
class Known:
    """A data set that is fetched by name."""

    what: str
    samples: int
    part: str  # of MNIST: "train" or "t10k"
    change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None = None


KNOWN = {
    "mnist-train": Known("MNIST, the training digits", 60_000, "train"),
    "mnist-test": Known("MNIST, the test digits", 10_000, "t10k"),
    "mnist-modified": Known(
        "the test digits turned, smaller, shifted, lighter", 10_000, "t10k", modified.modify
    ),
    "mnist-modified-read": Known("the same, found in the picture first", 10_000, "t10k", modified.read),
}
