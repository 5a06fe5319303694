"""Explanations of answers: the ink that decided, and the most similar known samples."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError
from inkwise.datasets import Dataset
from inkwise.evaluation.results import EvaluationResult, Explanation, Neighbour, Prediction
from inkwise.recognition.adaptation import l2_normalize
from inkwise.recognition.explanation import occlusion
from inkwise.recognition.model import Classifier

NEIGHBOUR_COUNT = 8
MAX_EXPLAINED = 8  # mistakes per set
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
    queries = l2_normalize(model.run(glyphs)[1])
    similar = np.empty((len(glyphs), 0), np.float32)
    number = np.empty((len(glyphs), 0), np.int64)
    for start in range(0, len(labelled), _CHUNK):
        chunk = labelled[start : start + _CHUNK]
        embeddings = l2_normalize(model.run(among.glyphs[chunk])[1])
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
