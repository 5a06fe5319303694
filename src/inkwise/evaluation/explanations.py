"""Why an answer was given: which ink decided, and which known samples are most like it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import cosine_similarity

from inkwise._util.errors import DataError, ModelError
from inkwise.datasets import Dataset
from inkwise.evaluation.results import Classifier, EvaluationResult, Explanation, Neighbour, Prediction

NEIGHBOUR_COUNT = 8
MAX_EXPLAINED = 8  # mistakes of a set
# Standard deviation of the patch, glyph pixels. Of 1, 1.5, 2 and 3 the one with which erasing the ink that is
# said to matter most lowers the log-odds most, on MNIST test digits.
_PATCH_SIGMA = 1.5
_SUM_TOLERANCE = 1e-6  # so far from 1 is the sum of a softmax in float32
_CHUNK = 4096  # samples whose embeddings are in memory at once


def explain_predictions(
    model: Classifier, answers: Sequence[Prediction], among: Dataset | None = None
) -> tuple[Explanation, ...]:
    """Explain the model's answers: by their ink, and by the 8 nearest samples of a set where there is one.

    An answer whose true label is another one of the model's is held against that one, any other answer
    against all else.

    Raises DataError where `among` has no labels.
    """
    if not answers:
        return ()
    glyphs = np.stack([answer.glyph for answer in answers])
    near = nearest_neighbours(model, glyphs, among, NEIGHBOUR_COUNT) if among else [()] * len(answers)
    return tuple(
        Explanation(answer, against, occlusion(model, answer.glyph, answer.read, against), nearest)
        for answer, nearest in zip(answers, near, strict=True)
        for against in [_contrast_label(model, answer)]
    )


def explain_mistakes(
    model: Classifier, results: Sequence[EvaluationResult], among: Dataset | None = None
) -> list[EvaluationResult]:
    """Return the results with the surest 8 mistakes of each explained, see `explain_predictions`."""
    chosen = [[answer for answer in result.mistakes if answer.read][:MAX_EXPLAINED] for result in results]
    # All at once, so that the set is run through the model once.
    explained = iter(explain_predictions(model, [answer for answers in chosen for answer in answers], among))
    return [
        replace(result, explained=tuple(next(explained) for _ in answers))
        for result, answers in zip(results, chosen, strict=True)
    ]


def occlusion(
    model: Classifier, glyph: NDArray[np.uint8], label: str, against: str | None = None
) -> NDArray[np.float32]:
    """How much each pixel's ink speaks for a label.

    A soft round patch of ink, about as wide as a stroke, is taken away around each pixel with ink, and the
    fall of the log-odds of the label is noted; a pixel gets the mean over the patches, by how much of the
    pixel each took. Log-odds, since they still move where the probability has come to 1. After M. D. Zeiler
    and R. Fergus, Visualizing and understanding convolutional networks, ECCV 2014, section 4.2. It tells of
    ink alone: what a gap or the bare ground says does not show.

    model: what answers; glyph (28, 28) uint8; label: one of the model's; against: the label whose
    log-probability is subtracted, None for all else together: the other
    labels, and that it is no digit.

    Returns (28, 28) float32, in nats: above 0 where ink speaks for the label, below where it speaks against
    it, 0 where there is none. Raises ModelError where the model lacks a label.
    """
    for name in (label, against):
        if name is not None and name not in model.labels:
            raise ModelError(f"the model has no label {name!r}; it has {', '.join(model.labels)}")
    ink = glyph > 0
    y, x = np.nonzero(ink)
    patches = np.exp(-((y[:, None] - y) ** 2 + (x[:, None] - x) ** 2) / (2 * _PATCH_SIGMA**2))  # (m, m)
    glyphs = np.repeat(glyph[None], len(patches) + 1, axis=0)  # the last stays whole
    glyphs[:-1, ink] = np.rint(glyph[ink] * (1 - patches))
    probabilities = np.maximum(model.run(glyphs)[0], np.finfo(np.float32).tiny)
    column = model.labels.index(label)
    if against is None:
        # Summed, not 1 - p: that is 0 long before the others are. What the sum lacks to 1, by more than
        # rounding, is the probability of no digit.
        lacking = np.maximum(1 - probabilities.sum(axis=1) - _SUM_TOLERANCE, 0)
        others = np.delete(probabilities, column, axis=1).sum(axis=1) + lacking
    else:
        others = probabilities[:, model.labels.index(against)]
    odds = np.log(probabilities[:, column]) - np.log(others)
    influence = np.zeros(glyph.shape, np.float32)
    influence[ink] = (odds[-1] - odds[:-1]) @ patches / patches.sum(axis=0)
    return influence


def nearest_neighbours(
    model: Classifier, glyphs: NDArray[np.uint8], among: Dataset, k: int
) -> list[tuple[Neighbour, ...]]:
    """Find for each glyph the k labelled samples of a set that are most like it to the model.

    Alike means a small angle between the embeddings: the head is linear, so a longer embedding makes the
    model surer of the same answer, and only another direction gives another one. The set is run through the
    model once for all glyphs, piece by piece.

    glyphs (n, 28, 28) uint8. Returns n tuples, the nearest first; shorter where the set has fewer than k.
    Raises DataError where no sample of the set has a label.
    """
    labelled = np.flatnonzero(among.labels != "")
    if not len(labelled):
        raise DataError(f"{among.name}: nothing to compare with, no sample has a label")
    _, asked = model.run(glyphs)
    similar = np.empty((len(glyphs), 0), np.float32)
    number = np.empty((len(glyphs), 0), np.int64)
    for start in range(0, len(labelled), _CHUNK):
        piece = labelled[start : start + _CHUNK]
        _, embeddings = model.run(among.glyphs[piece])
        similar = np.hstack([similar, cosine_similarity(asked, embeddings)])
        number = np.hstack([number, np.tile(piece, (len(glyphs), 1))])
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


def _contrast_label(model: Classifier, answer: Prediction) -> str | None:
    return answer.true if answer.true in model.labels and answer.true != answer.read else None
