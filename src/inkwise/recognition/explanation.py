"""Explanations of answers: the ink that decided."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import ModelError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.recognition.model import Classifier
from inkwise.recognition.recognizer import Recognizer

# Standard deviation of the patch, glyph pixels: of 1, 1.5, 2 and 3 the one for which erasing the most
# influential ink decreases the log-odds most, on MNIST test digits.
_PATCH_SIGMA = 1.5
_SUM_TOLERANCE = 1e-6  # rounding error of the sum of a float32 softmax
_MIN_COVER = 0.4  # sum of the patches, 0 to 1 each, below which a pixel gets a patch of its own
_STRIDE = 2  # pixels between patches; at 1 an explanation takes four times as long, 22 ms for "default"
_MIN_NON_DIGIT = 1e-9  # floor of the probability of non-digits, 1 minus a sum of float32


@dataclass(frozen=True, eq=False)
class AnswerExplanation:
    """The ink that decided between two answers.

    Attributes:
        answer: the answer: a label or "not a digit".
        runner_up: the most likely other answer.
        lead: log-odds of the answer against the runner-up, nats; negative if another reader than the
            classifier gave the answer, and the classifier prefers the runner-up.
        influence: (28, 28) float32, the decrease of the lead where ink is removed, see `occlusion`.
    """

    answer: str
    runner_up: str
    lead: float
    influence: NDArray[np.float32]


def explain_answer(
    recognizer: Recognizer, glyph: NDArray[np.uint8], answer: str | None = None
) -> AnswerExplanation:
    """Explain an answer by the ink that decides between it and the most likely other answer.

    Args:
        recognizer: the recognizer that gave the answer; its adaptation changes the probabilities.
        glyph: (28, 28) uint8.
        answer: one of the recognizer's labels, or "not a digit"; None is the most likely.

    Raises:
        ModelError: there is no such label.
    """
    model = _WithNonDigit(recognizer)
    probabilities = np.maximum(model.run(glyph[None])[0][0], np.finfo(np.float32).tiny)
    ranked = [model.labels[column] for column in np.argsort(-probabilities, kind="stable")]
    answer = ranked[0] if answer is None else answer
    runner_up = next(label for label in ranked if label != answer)
    influence = occlusion(model, glyph, answer, runner_up, stride=_STRIDE)
    first, second = (probabilities[model.labels.index(label)] for label in (answer, runner_up))
    return AnswerExplanation(answer, runner_up, float(np.log(first / second)), influence)


class _WithNonDigit:
    """A recognizer as a classifier with the label "not a digit"."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self._missing = NOT_A_DIGIT not in recognizer.labels  # a model without non-digits may have learnt it
        self.labels = recognizer.labels + (NOT_A_DIGIT,) * self._missing
        self.threshold = recognizer.model.threshold

    def run(self, glyphs: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        probabilities = self._recognizer.classify(glyphs)
        if self._missing:
            rest = 1 - probabilities.sum(axis=1, keepdims=True) - _SUM_TOLERANCE
            probabilities = np.hstack([probabilities, np.maximum(rest, _MIN_NON_DIGIT)])
        return probabilities, np.empty((len(glyphs), 0), np.float32)


def occlusion(
    model: Classifier,
    glyph: NDArray[np.uint8],
    label: str,
    against: str | None = None,
    *,
    stride: int = 1,
) -> NDArray[np.float32]:
    """Measure how much the ink of each pixel supports a label.

    A soft round patch of ink, about as wide as a stroke, is removed around each ink pixel, and the decrease
    of the label's log-odds, which still change where the probability is 1, is recorded; a pixel gets the mean
    over the patches, weighted by how much of it each removed. Gaps and background are not measured.

    Args:
        glyph: (28, 28) uint8.
        label: one of the model's labels.
        against: the label whose log-probability is subtracted, None for all others and non-digit together.
        stride: distance of the patches in pixels; 2 takes a quarter of the time and differs little.

    Returns:
        (28, 28) float32, in nats: positive where ink supports the label, negative where it opposes it.

    Raises:
        ModelError: the model lacks a label.

    References:
        M. D. Zeiler, R. Fergus, Visualizing and understanding convolutional networks, ECCV 2014, section 4.2.
    """
    for name in (label, against):
        if name is not None and name not in model.labels:
            raise ModelError(f"the model has no label {name!r}; it has {', '.join(model.labels)}")
    ink = glyph > 0
    y, x = np.nonzero(ink)
    patches = np.exp(-((y[:, None] - y) ** 2 + (x[:, None] - x) ** 2) / (2 * _PATCH_SIGMA**2))  # (m, m)
    chosen = (y % stride == 0) & (x % stride == 0)
    patches = patches[chosen | (patches[chosen].sum(axis=0) < _MIN_COVER)]
    glyphs = np.repeat(glyph[None], len(patches) + 1, axis=0)  # the last one stays whole
    glyphs[:-1, ink] = np.rint(glyph[ink] * (1 - patches))
    probabilities = np.maximum(model.run(glyphs)[0], np.finfo(np.float32).tiny)
    column = model.labels.index(label)
    if against is None:
        # Summed, since 1 - p becomes 0 long before the others do. The rest up to 1 is non-digit.
        rest = np.maximum(1 - probabilities.sum(axis=1) - _SUM_TOLERANCE, 0)
        others = np.delete(probabilities, column, axis=1).sum(axis=1) + rest
    else:
        others = probabilities[:, model.labels.index(against)]
    odds = np.log(probabilities[:, column]) - np.log(others)
    influence = np.zeros(glyph.shape, np.float32)
    influence[ink] = (odds[-1] - odds[:-1]) @ patches / patches.sum(axis=0)
    return influence
