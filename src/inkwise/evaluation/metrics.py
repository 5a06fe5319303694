"""Probabilities and labels become numbers: misses, accuracy and its interval, calibration, coverage."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support

from inkwise._util.errors import DataError, ModelError
from inkwise._util.intervals import wilson_interval
from inkwise._util.text import NOT_A_DIGIT

CALIBRATION_BINS = 15
COVERAGES = tuple(percent / 100 for percent in range(50, 101))
TARGET_ACCURACIES = (0.99, 0.995, 0.999)


@dataclass(frozen=True)
class ClassScore:
    """How one class fares. A score that the data cannot define (no such sample) is nan."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class CoveragePoint:
    """On the surest `coverage` of the samples (a share of all), `accuracy` of the answers are right."""

    coverage: float
    accuracy: float


@dataclass(frozen=True)
class ReliabilityBin:
    """The samples whose top probability lies in (lower, upper]; the means are nan where count is 0."""

    lower: float
    upper: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model does on one labelled set; all shares lie in 0..1.

    n               labelled samples; every number below is over these
    unlabelled      samples without a label, left out
    misses          answers that are not right, the two kinds below included
    unread          samples on which no ink was found, the others below left out
    unknown         samples whose label the model cannot answer
    others          samples labelled "not a digit"
    others_rejected those of them that were not accepted: the right answer to them
    accuracy        1 - misses / n, and interval, its 95 % Wilson score interval
    classes         the k labels, in the model's order; scores and confusion follow it
    scores          precision, recall, F1 and support by class
    confusion       (k, k) int64, rows true, columns read; without the unread, the unknown and the others, so
                    that n - misses is its trace and others_rejected
    log_loss        mean -ln p(true label), over samples that were read and have a known label, else nan
    calibration_error   expected calibration error over the samples that were read, else nan
    coverage_curve  accuracy on the surest 50, 51, .. 100 % of the samples, all of them answered with a label;
                    unread ones come last
    coverage_at     the largest coverage that a confidence threshold reaches with 99, 99.5 and 99.9 %
                    accuracy; coverage 0 where none does
    reliability     the bins behind calibration_error
    """

    n: int
    unlabelled: int
    misses: int
    unread: int
    unknown: int
    others: int
    others_rejected: int
    accuracy: float
    interval: tuple[float, float]
    classes: tuple[str, ...]
    scores: tuple[ClassScore, ...]
    confusion: NDArray[np.int64]
    log_loss: float
    calibration_error: float
    coverage_curve: tuple[CoveragePoint, ...]
    coverage_at: tuple[CoveragePoint, ...]
    reliability: tuple[ReliabilityBin, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the same fields as plain JSON values; nan becomes None."""
        plain: dict[str, Any] = json_safe(dataclasses.asdict(self))
        return plain


def evaluate(
    probabilities: NDArray[np.floating[Any]],
    labels: NDArray[np.str_],
    classes: tuple[str, ...],
    read: NDArray[np.bool_] | None = None,
    threshold: float = 0.0,
) -> Evaluation:
    """Compare a model's answers with the labels.

    probabilities (n, k) float, columns in the order of `classes`; labels (n,) str, "" where unlabelled;
    read (n,) bool, False where no ink was found (all True when None); threshold: what the highest probability
    must reach to be accepted. A sample that was not read, or whose label is none of the classes, is a miss;
    but one labelled "not a digit" is right where it is not accepted.

    Raises DataError when shapes disagree or no sample has a label, ModelError when a probability is not
    finite.
    """
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    read = np.ones(len(labels), bool) if read is None else np.asarray(read, bool)
    if probabilities.shape != (len(labels), len(classes)) or read.shape != labels.shape:
        raise DataError(
            f"probabilities {probabilities.shape}, labels {labels.shape} and read {read.shape} "
            f"do not fit together with {len(classes)} classes"
        )
    labelled = labels != ""
    if not labelled.any():
        raise DataError(f"nothing to evaluate: none of the {len(labels)} samples has a label")
    # float64, since float32 sums over a large set drift
    probabilities = probabilities[labelled].astype(np.float64)
    read = read[labelled]
    if not np.isfinite(probabilities).all():
        raise ModelError("the model's probabilities are not all finite numbers")

    position = {label: i for i, label in enumerate(classes)}
    true = np.array([position.get(label, -1) for label in labels[labelled].tolist()])
    answer = np.where(read, probabilities.argmax(axis=1), -1)
    confidence = np.where(read, probabilities.max(axis=1), 0.0)
    known = true >= 0
    right = known & (answer == true)
    both = known & read
    other = ~known & (labels[labelled] == NOT_A_DIGIT)
    refused = rejected_non_digits(labels[labelled], classes, confidence, threshold)
    answer[refused] = -1

    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (true[both], answer[both]), 1)
    scores = precision_recall_fscore_support(true, answer, labels=range(len(classes)), zero_division=np.nan)
    n, hits = len(true), int((right | refused).sum())
    bins = _reliability(confidence[read], right[read])
    return Evaluation(
        n=n,
        unlabelled=len(labels) - n,
        misses=n - hits,
        unread=int((~read & ~other).sum()),
        unknown=int((~known & ~other).sum()),
        others=int(other.sum()),
        others_rejected=int(refused.sum()),
        accuracy=hits / n,
        interval=wilson_interval(hits, n),
        classes=classes,
        scores=tuple(
            ClassScore(label, float(precision), float(recall), float(f1), int(support))
            for label, precision, recall, f1, support in zip(classes, *scores, strict=True)
        ),
        confusion=confusion,
        log_loss=_log_loss(probabilities[both, true[both]]),
        calibration_error=_calibration_error(bins),
        coverage_curve=_coverage_curve(confidence, right),
        coverage_at=tuple(
            CoveragePoint(_coverage_at(target, confidence, right), target) for target in TARGET_ACCURACIES
        ),
        reliability=bins,
    )


def rejected_non_digits(
    labels: NDArray[np.str_],
    classes: tuple[str, ...],
    confidence: NDArray[np.floating[Any]],
    threshold: float,
) -> NDArray[np.bool_]:
    """Which samples (n,) are no digits, by their labels, and not accepted, by their highest probability.

    None are where "not a digit" is itself one of the classes that a model answers with.
    """
    return np.asarray((labels == NOT_A_DIGIT) & (NOT_A_DIGIT not in classes) & (confidence < threshold))


def json_safe(value: Any) -> Any:
    """Return `value` with arrays, numpy scalars and tuples as plain lists and numbers, nan and inf None."""
    if isinstance(value, dict):
        return {str(key): json_safe(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return json_safe(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [json_safe(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _log_loss(p_true: NDArray[np.float64]) -> float:
    # float32's resolution: a probability that the network rounded to 0 must not make the mean infinite
    floor = float(np.finfo(np.float32).eps)
    return float(-np.log(np.maximum(p_true, floor)).mean()) if len(p_true) else math.nan


def _reliability(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[ReliabilityBin, ...]:
    which = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    return tuple(
        ReliabilityBin(
            lower=i / CALIBRATION_BINS,
            upper=(i + 1) / CALIBRATION_BINS,
            count=int(inside.sum()),
            confidence=float(confidence[inside].mean()) if inside.any() else math.nan,
            accuracy=float(right[inside].mean()) if inside.any() else math.nan,
        )
        for i in range(CALIBRATION_BINS)
        for inside in [which == i]
    )


def _calibration_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """Mean gap between confidence and accuracy, weighted by count.

    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, On calibration of modern neural networks, ICML 2017, eq. 3.
    """
    filled = [b for b in bins if b.count]
    if not filled:
        return math.nan
    return sum(b.count * abs(b.confidence - b.accuracy) for b in filled) / sum(b.count for b in filled)


def _coverage_curve(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[CoveragePoint, ...]:
    # Equal confidences (many round to 1.0) have no order: each counts as its group's mean, so that the order
    # of the file cannot matter.
    _, group, size = np.unique(-confidence, return_inverse=True, return_counts=True)
    mean = np.bincount(group, weights=right) / size
    hits = np.cumsum(mean[np.sort(group)])
    taken = [max(1, round(coverage * len(right))) for coverage in COVERAGES]
    return tuple(
        CoveragePoint(coverage, float(hits[count - 1] / count))
        for coverage, count in zip(COVERAGES, taken, strict=True)
    )


def _coverage_at(target: float, confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    order = np.argsort(-confidence, kind="stable")
    ranked, hits = confidence[order], np.cumsum(right[order])
    count = np.arange(1, len(right) + 1)
    # A threshold takes all of a group of equal confidences or none, and never what was not read.
    possible = (np.diff(ranked, append=-1.0) < 0) & (ranked > 0)
    enough = possible & (hits / count >= target)
    return float(count[enough].max(initial=0) / len(right))
