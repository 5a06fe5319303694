"""Few-shot adaptation: samples correct the model's probabilities without training the model."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from inkwise._util.text import NOT_A_DIGIT
from inkwise.preprocessing import strokes_to_glyph
from inkwise.recognition.model import Model

_RIDGE_PENALTY = 0.01  # chosen on 15 UNIPEN writers, see docs/learning.md
_MIN_PROBABILITY = 1e-4  # floor of all classes, and start of a class that the model does not know
_BLEND_WEIGHTS = (0.0, 0.25, 0.5, 1.0)  # candidates for the weight of the correction
_MAX_STEPS = 100
_GRADIENT_TOLERANCE = 1e-4  # largest component at which the steps have converged


class Adaptation:
    """Kernel logistic regression over embeddings, with the model's log-probabilities as its offset.

    Where the model agrees with the samples it changes little; where the model errs, inputs close to the
    samples are corrected, and unknown labels become new classes. Leave-one-out chooses the weight of the
    correction, so that contradictory samples do no harm. If the model rejects non-digits, "not a digit" is
    one more class, which samples can teach.

    References:
        Böhning, Multinomial logistic regression algorithm, Annals of the Institute of Statistical Mathematics
        44, 1992: the bound on the curvature that the steps and the leave-one-out use.

    Attributes:
        labels: those of the model, then the new ones, sorted.
        weight: of the correction, 0 (the model alone) to 1.
    """

    def __init__(
        self,
        model: Model,
        labels: NDArray[np.str_],
        probabilities: NDArray[np.float32],
        embeddings: NDArray[np.float32],
    ) -> None:
        """Learn n >= 1 samples.

        Args:
            model: the model to correct, of k labels.
            labels: (n,) str, true labels of the samples.
            probabilities: (n, k) float32, output of the model.
            embeddings: (n, d) float32, output of the model.
        """
        self._reject_label = (NOT_A_DIGIT,) if model.rejects else ()
        self.labels = model.labels + tuple(sorted({*labels.tolist()} - {*model.labels, *self._reject_label}))
        # Plain digits keep their probabilities: otherwise a label taught alone would spread over all others.
        kept = model.run(reference_glyphs())
        n = len(labels)
        truth = (labels[:, None] == np.array(self.labels + self._reject_label)).astype(np.float64)
        offset = self._offset(np.concatenate([probabilities, kept[0]]))
        target = np.concatenate([truth, _softmax(offset[n:])])
        self._samples = l2_normalize(np.concatenate([embeddings, kept[1]]))
        kernel = (self._samples @ self._samples.T).astype(np.float64)
        step = np.linalg.inv(_RIDGE_PENALTY * np.eye(len(target)) + kernel / 2)
        duals = np.zeros_like(target)
        for _ in range(_MAX_STEPS):
            gradient = _RIDGE_PENALTY * duals + _softmax(offset + kernel @ duals) - target
            if np.abs(gradient).max() < _GRADIENT_TOLERANCE:
                break
            duals -= step @ gradient
        # Logits of each sample by all others.
        left_out = (kernel @ duals - duals * (2 / np.diag(step) - 2 * _RIDGE_PENALTY)[:, None])[:n]
        losses = [
            -np.log(np.maximum((_softmax(offset[:n] + weight * left_out) * truth).sum(1), 1e-12)).sum()
            for weight in _BLEND_WEIGHTS
        ]
        self.weight = _BLEND_WEIGHTS[int(np.argmin(losses))]
        self._duals = duals * self.weight

    def adjust(
        self, probabilities: NDArray[np.float32], embeddings: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the corrected probabilities (n, len(labels)) float32 for the model's (n, k)."""
        if self._duals.any():
            similarity = l2_normalize(embeddings) @ self._samples.T
            corrected = _softmax(self._offset(probabilities) + similarity @ self._duals).astype(np.float32)
        else:
            corrected = self._pad_classes(probabilities)
        return corrected[:, : len(self.labels)]

    def _offset(self, probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.log(np.maximum(self._pad_classes(probabilities).astype(np.float64), _MIN_PROBABILITY))

    def _pad_classes(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Append a zero column for each new label and, if the model rejects, the rest to 1 as a column."""
        widened = np.pad(probabilities, ((0, 0), (0, len(self.labels) - probabilities.shape[1])))
        if not self._reject_label:
            return widened
        return np.hstack([widened, np.maximum(1 - probabilities.sum(1, keepdims=True), 0)])


def l2_normalize(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divide embeddings (n, d) by their lengths; zeros stay zeros."""
    return embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


@cache
def reference_glyphs() -> NDArray[np.uint8]:
    """Return one plain glyph of each digit 0 to 9, (10, 28, 28) uint8."""
    glyphs = [strokes_to_glyph(strokes) for strokes in reference_strokes()]
    return np.stack([glyph for glyph in glyphs if glyph is not None])


def reference_strokes() -> list[list[list[tuple[float, float]]]]:
    """Return plain strokes of the digits 0 to 9, about 10 wide and 20 high, y down."""
    return [
        [_arc(5, 10, 5, 10, 0, 360)],
        [[(5, 0), (5, 20)]],
        [[*_arc(5, 5, 5, 5, 180, 400), (0, 20), (10, 20)]],
        [_arc(4, 5, 5, 5, 200, 450) + _arc(4, 15, 6, 5, 270, 520)],
        [[(3, 0), (0, 12), (10, 12)], [(8, 5), (8, 20)]],
        [[(9, 0), (1, 0), (0, 9), *_arc(4, 14, 6, 6, 240, 510)]],
        [[(8, 0), *_arc(5, 14, 5, 6, 200, -170)]],
        [[(0, 0), (10, 0), (3, 20)]],
        [_arc(5, 5, 4, 5, 90, 450) + _arc(5, 15, 5, 5, 270, 630)],
        [[*_arc(5, 6, 5, 6, 0, -360), (9, 20)]],
    ]


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> list[tuple[float, float]]:
    """Return points of an ellipse about (x, y) between two angles, in degrees."""
    angles = np.radians(np.linspace(start, end, 25))
    return list(zip(x + rx * np.cos(angles), y + ry * np.sin(angles), strict=True))
