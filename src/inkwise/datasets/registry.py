"""The data sets that have a name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """A data set that is fetched by name."""

    what: str
    samples: int
    part: str  # of MNIST: "train" or "t10k"


KNOWN = {
    "mnist-train": Known("MNIST, the training digits", 60_000, "train"),
    "mnist-test": Known("MNIST, the test digits", 10_000, "t10k"),
}
