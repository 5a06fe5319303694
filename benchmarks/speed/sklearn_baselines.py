"""A support vector machine and nearest neighbours of scikit-learn, on scaled pixels.

The support vector machine has the kernel exp(-gamma |a - b|^2), C 10 and gamma "scale": 1 over the number of
pixels times their variance. The nearest neighbours are three, by brute force. Neither is trained in steps, so
the test set is evaluated once, at the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from benchmarks.speed.baselines import AccuracyCheckpoint, Baseline, LabelledGlyphs, predict_once


class SklearnBaseline:
    """A classifier of scikit-learn."""

    def __init__(self, build: Callable[[], Any]) -> None:
        """Build the classifier."""
        self.classifier = build()

    def train(
        self, training: LabelledGlyphs, test: LabelledGlyphs, *, seed: int = 0, epochs: int = 0
    ) -> list[AccuracyCheckpoint]:
        """See `Baseline`. Training has no randomness and no epochs."""
        rows = scaled(training.glyphs)
        began = time.perf_counter()
        self.classifier.fit(rows, training.classes)
        seconds = time.perf_counter() - began
        return [
            AccuracyCheckpoint(seconds, len(rows), int((self.predict(test.glyphs) != test.classes).sum()))
        ]

    def predict(self, glyphs: NDArray[np.uint8]) -> NDArray[np.int64]:
        """See `Baseline`."""
        answers: NDArray[np.int64] = self.classifier.predict(scaled(glyphs))
        return answers

    def operations(self) -> tuple[float, float | None]:
        """Count the products of a glyph with the stored samples; operations of training are unknown."""
        kept = self.classifier.support_ if isinstance(self.classifier, SVC) else self.classifier._fit_X
        return 2.0 * 784 * len(kept), None

    def save(self, path: Path) -> None:
        """See `Baseline`."""
        joblib.dump(self.classifier, path)

    def load(self, path: Path) -> None:
        """See `Baseline`."""
        self.classifier = joblib.load(path)


def scaled(glyphs: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale glyphs to rows (n, 784) in 0..1."""
    return glyphs.reshape(-1, 784).astype(np.float32) / np.float32(255)


BASELINES: dict[str, Callable[[], Baseline]] = {
    "svc": partial(SklearnBaseline, partial(SVC, C=10, gamma="scale", cache_size=1000)),  # MB
    "knn": partial(SklearnBaseline, partial(KNeighborsClassifier, 3, algorithm="brute")),
}

if __name__ == "__main__":
    predict_once(BASELINES)
