"""The data sets that have a name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from inkwise.datasets import modified_mnist as modified


@dataclass(frozen=True)
class NamedDataset:
    """A data set that has a name."""

    description: str
    samples: int | None  # None: as many as were parsed
    source: str  # what `inkwise data get` gets it by: "mnist" or "unipen"
    part: str  # of MNIST: "train" or "t10k"; of UNIPEN: "digits", "nondigits" or "digit_strings"
    change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None = None


NAMED_DATASETS = {
    "mnist-train": NamedDataset("MNIST, the training digits", 60_000, "mnist", "train"),
    "mnist-test": NamedDataset("MNIST, the test digits", 10_000, "mnist", "t10k"),
    "mnist-modified": NamedDataset(
        "the test digits turned, smaller, shifted, lighter", 10_000, "mnist", "t10k", modified.modify
    ),
    "mnist-modified-read": NamedDataset(
        "the same, found in the picture first", 10_000, "mnist", "t10k", modified.normalize
    ),
    "unipen-digits": NamedDataset("UNIPEN, digits drawn with a pen", None, "unipen", "digits"),
    "unipen-nondigits": NamedDataset("UNIPEN, letters and symbols", None, "unipen", "nondigits"),
    "unipen-strings": NamedDataset("UNIPEN, strings of digits", None, "unipen", "digit_strings"),
}


def cache_folder(source: str) -> Path:
    """Where the cache keeps a source: under $INKWISE_DATA, else under the user's cache folder."""
    return Path(os.environ.get("INKWISE_DATA") or platformdirs.user_cache_dir("inkwise")) / source
