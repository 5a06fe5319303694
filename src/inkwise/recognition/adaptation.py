"""What a person has just taught: it corrects the model's probabilities, without training the model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inkwise._util.text import NOT_A_DIGIT
from inkwise.recognition.model import Model
from inkwise.recognition.reference_digits import reference_glyphs

_RIDGE_PENALTY = 0.01  # chosen on 15 UNIPEN writers, see docs/learning.md
_MIN_PROBABILITY = (
    1e-4  # a class that the model does not know begins with this probability, and none has less
)
_BLEND_WEIGHTS = (0.0, 0.25, 0.5, 1.0)
_MAX_STEPS = 100
_GRADIENT_TOLERANCE = 1e-4  # a gradient below this is zero


class Adaptation:
    """Kernel logistic regression over embeddings, with the model's log-probabilities as its offset.

    Where the model already says what the samples say it changes little; where it errs, what lies near the
    samples is corrected, and labels that the model does not know become classes of their own. How much it
    has a say is chosen by leave-one-out, so that samples that contradict one another do no harm. The steps
    and the leave-one-out both use Böhning's bound on the curvature (Multinomial logistic regression
    algorithm, Annals of the Institute of Statistical Mathematics 44, 1992). Where the model rejects, "not a
    digit" is one more class, and samples can teach it.

    Attributes:
        labels: the model's, then the new ones, sorted.
        weight: 0 (the model alone) to 1.
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
            model: what is corrected, of k labels.
            labels: (n,) str, what the samples truly are.
            probabilities: (n, k) float32, the model's.
            embeddings: (n, d) float32, the model's.
        """
        self._reject_label = (NOT_A_DIGIT,) if model.rejects else ()
        self.labels = model.labels + tuple(sorted({*labels.tolist()} - {*model.labels, *self._reject_label}))
        # The plain digits are read as before: without them a label taught alone would spread over all others.
        kept = model.run(reference_glyphs())
        n = len(labels)
        truth = (labels[:, None] == np.array(self.labels + self._reject_label)).astype(np.float64)
        offset = self._offset(np.concatenate([probabilities, kept[0]]))
        target = np.concatenate([truth, _softmax(offset[n:])])
        self._samples = _l2_normalize(np.concatenate([embeddings, kept[1]]))
        kernel = (self._samples @ self._samples.T).astype(np.float64)
        step = np.linalg.inv(_RIDGE_PENALTY * np.eye(len(target)) + kernel / 2)
        duals = np.zeros_like(target)
        for _ in range(_MAX_STEPS):
            gradient = _RIDGE_PENALTY * duals + _softmax(offset + kernel @ duals) - target
            if np.abs(gradient).max() < _GRADIENT_TOLERANCE:
                break
            duals -= step @ gradient
        # What all the others say of each sample.
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
        """Probabilities (n, len(labels)) float32 in place of the model's (n, k)."""
        if self._duals.any():
            similar = _l2_normalize(embeddings) @ self._samples.T
            corrected = _softmax(self._offset(probabilities) + similar @ self._duals).astype(np.float32)
        else:
            corrected = self._pad_classes(probabilities)
        return corrected[:, : len(self.labels)]

    def _offset(self, probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.log(np.maximum(self._pad_classes(probabilities).astype(np.float64), _MIN_PROBABILITY))

    def _pad_classes(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """With a column for each new label, zero, and where the model rejects, one for what lacks to 1."""
        widened = np.pad(probabilities, ((0, 0), (0, len(self.labels) - probabilities.shape[1])))
        if not self._reject_label:
            return widened
        return np.hstack([widened, np.maximum(1 - probabilities.sum(1, keepdims=True), 0)])


def _l2_normalize(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12))


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(1, keepdims=True))
