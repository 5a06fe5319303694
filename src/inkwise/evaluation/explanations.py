"""Explanations of answers: the ink that decided, and the most similar known samples."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError, ModelError
from inkwise.datasets import Dataset
from inkwise.evaluation.results import Classifier, EvaluationResult, Explanation, Neighbour, Prediction

NEIGHBOUR_COUNT = 8
MAX_EXPLAINED = 8  # mistakes per set
# Standard deviation of the patch, glyph pixels: of 1, 1.5, 2 and 3 the one for which erasing the most
# influential ink decreases the log-odds most, on MNIST test digits.
_PATCH_SIGMA = 1.5
_SUM_TOLERANCE = 1e-6  # rounding error of the sum of a float32 softmax
_CHUNK = 4096  # samples whose embeddings are in memory at once


def explain_predictions(
    model: Classifier, answers: Sequence[Prediction], among: Dataset | None = None
) -> tuple[Explanation, ...]:
    """Explain answers by their ink, and by the 8 most similar samples of a set if one is given.

    A mistake is compared with its true label if the model has it, any other answer with all other labels.

    Raises:
        DataError: `among` has no labels.
    """
    if not answers:
        return ()
    glyphs = np.stack([answer.glyph for answer in answers])
    near = nearest_neighbours(model, glyphs, among, NEIGHBOUR_COUNT) if among else [()] * len(answers)
    explanations = []
    for answer, neighbours in zip(answers, near, strict=True):
        against = answer.true if answer.true in model.labels and answer.true != answer.read else None
        influence = occlusion(model, answer.glyph, answer.read, against)
        explanations.append(Explanation(answer, against, influence, neighbours))
    return tuple(explanations)


def explain_mistakes(
    model: Classifier, results: Sequence[EvaluationResult], among: Dataset | None = None
) -> list[EvaluationResult]:
    """Explain the 8 most confident mistakes of each result, see `explain_predictions`."""
    chosen = [[answer for answer in result.mistakes if answer.read][:MAX_EXPLAINED] for result in results]
    # All in one call, so that the set runs through the model once.
    explained = iter(explain_predictions(model, [answer for answers in chosen for answer in answers], among))
    return [
        replace(result, explained=tuple(next(explained) for _ in answers))
        for result, answers in zip(results, chosen, strict=True)
    ]


def occlusion(
    model: Classifier, glyph: NDArray[np.uint8], label: str, against: str | None = None
) -> NDArray[np.float32]:
    """Measure how much the ink of each pixel supports a label.

    A soft round patch of ink, about as wide as a stroke, is removed around each ink pixel, and the decrease
    of the label's log-odds, which still change where the probability is 1, is recorded; a pixel gets the mean
    over the patches, weighted by how much of it each removed. Gaps and background are not measured.

    Args:
        glyph: (28, 28) uint8.
        label: one of the model's labels.
        against: the label whose log-probability is subtracted, None for all others and non-digit together.

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


def nearest_neighbours(
    model: Classifier, glyphs: NDArray[np.uint8], among: Dataset, k: int
) -> list[tuple[Neighbour, ...]]:
    """Find the k labelled samples of a set whose embeddings have the smallest angle to each glyph's.

    The head of the model is linear: a longer embedding makes the same answer more certain, only another
    direction changes it. The set runs through the model once, in chunks.

    Args:
        glyphs: (n, 28, 28) uint8.

    Returns:
        n tuples, most similar first, shorter if the set has fewer than k samples.

    Raises:
        DataError: no sample of the set has a label.
    """
    labelled = np.flatnonzero(among.labels != "")
    if not len(labelled):
        raise DataError(f"{among.name}: nothing to compare with, no sample has a label")
    queries = _unit_length(model.run(glyphs)[1])
    similar = np.empty((len(glyphs), 0), np.float32)
    number = np.empty((len(glyphs), 0), np.int64)
    for start in range(0, len(labelled), _CHUNK):
        chunk = labelled[start : start + _CHUNK]
        embeddings = _unit_length(model.run(among.glyphs[chunk])[1])
        similar = np.hstack([similar, queries @ embeddings.T])
        number = np.hstack([number, np.tile(chunk, (len(glyphs), 1))])
        best = np.argsort(-similar, axis=1, kind="stable")[:, :k]
        similar = np.take_along_axis(similar, best, axis=1)
        number = np.take_along_axis(number, best, axis=1)
    return [
        tuple(
            Neighbour(i, among.glyphs[i], str(among.labels[i]), float(cosine))
            for i, cosine in zip(index.tolist(), cosines.tolist(), strict=True)
        )
        for index, cosines in zip(number, similar, strict=True)
    ]


def _unit_length(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divide embeddings (n, d) by their lengths; zeros stay zeros."""
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return embeddings / np.maximum(lengths, np.finfo(np.float32).tiny)
