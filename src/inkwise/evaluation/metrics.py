"""Metrics from probabilities and labels: misses, accuracy with its interval, calibration, coverage."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError, ModelError
from inkwise._util.intervals import wilson_interval
from inkwise._util.text import NOT_A_DIGIT

CALIBRATION_BINS = 15
COVERAGES = tuple(percent / 100 for percent in range(50, 101))
TARGET_ACCURACIES = (0.99, 0.995, 0.999)


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class; nan where the data do not define one."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class CoveragePoint:
    """Accuracy on the most confident `coverage`, a fraction, of the samples."""

    coverage: float
    accuracy: float


@dataclass(frozen=True)
class ReliabilityBin:
    """Samples whose highest probability is in (lower, upper]; the means are nan if there are none."""

    lower: float
    upper: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model's metrics on one labelled set; all rates are fractions.

    Attributes:
        n: labelled samples, the base of all other numbers.
        unlabelled: samples without a label, left out.
        misses: wrong answers, including unread and unknown.
        unread: samples without ink, except those counted in `others`.
        unknown: samples whose label the model does not have.
        others: samples labelled "not a digit".
        others_rejected: those of them that were not accepted, which is the right answer.
        accuracy: 1 - misses / n.
        interval: 95 % Wilson score interval of the accuracy.
        classes: the k labels in the model's order, which scores and confusion follow.
        confusion: (k, k) int64, true by row, answer by column, without unread, unknown and others: n - misses
            is its trace plus others_rejected.
        log_loss: mean -ln p(true label) over samples read with a known label, else nan.
        calibration_error: expected calibration error over samples that were read, else nan.
        coverage_curve: accuracy on the most confident 50, 51, .. 100 % of the samples, all answered with a
            label; unread ones come last.
        coverage_at: the largest coverage that a confidence threshold reaches with 99, 99.5 and 99.9 %
            accuracy; 0 if none does.
        reliability: the bins behind calibration_error.
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
        """Return the fields as plain JSON values; nan becomes None."""
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

    A sample that was not read, or whose label is not a class, is a miss; one labelled "not a digit" is right
    if it is not accepted.

    Args:
        probabilities: (n, k), columns in the order of `classes`.
        labels: (n,), "" where unlabelled.
        read: (n,), False where no ink was found; None if all were read.
        threshold: the highest probability from which an answer is accepted.

    Raises:
        DataError: the shapes disagree, or no sample has a label.
        ModelError: a probability is not finite.
    """
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    read = np.ones(len(labels), bool) if read is None else np.asarray(read, bool)
    if probabilities.shape != (len(labels), len(classes)) or read.shape != labels.shape:
        raise DataError(
            f"expected probabilities (n, {len(classes)}), labels (n,) and read (n,), got"
            f" {probabilities.shape}, {labels.shape} and {read.shape}"
        )
    labelled = labels != ""
    if not labelled.any():
        raise DataError(f"nothing to evaluate: none of the {len(labels)} samples has a label")
    unlabelled = int((~labelled).sum())
    # float64, since float32 sums over a large set drift
    probabilities, labels, read = probabilities[labelled].astype(np.float64), labels[labelled], read[labelled]
    if not np.isfinite(probabilities).all():
        raise ModelError("the model's probabilities are not all finite numbers")

    position = {label: i for i, label in enumerate(classes)}
    true = np.array([position.get(label, -1) for label in labels.tolist()])
    answer = np.where(read, probabilities.argmax(axis=1), -1)
    confidence = np.where(read, probabilities.max(axis=1), 0.0)
    known = true >= 0
    right = known & (answer == true)
    both = known & read
    other = ~known & (labels == NOT_A_DIGIT)
    rejected = rejected_non_digits(labels, classes, confidence, threshold)
    answer[rejected] = -1

    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (true[both], answer[both]), 1)
    n, hits = len(true), int((right | rejected).sum())
    bins = _reliability(confidence[read], right[read])
    return Evaluation(
        n=n,
        unlabelled=unlabelled,
        misses=n - hits,
        unread=int((~read & ~other).sum()),
        unknown=int((~known & ~other).sum()),
        others=int(other.sum()),
        others_rejected=int(rejected.sum()),
        accuracy=hits / n,
        interval=wilson_interval(hits, n),
        classes=classes,
        scores=_class_scores(true, answer, classes),
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
    """Return which samples (n,) are labelled "not a digit" and not accepted; none if that is a class."""
    return (labels == NOT_A_DIGIT) & (NOT_A_DIGIT not in classes) & (confidence < threshold)


def json_safe(value: Any) -> Any:
    """Convert arrays, numpy scalars and tuples to lists and numbers, and nan and inf to None."""
    if isinstance(value, dict):
        return {str(key): json_safe(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return json_safe(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [json_safe(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _class_scores(
    true: NDArray[np.int64], answer: NDArray[np.int64], classes: tuple[str, ...]
) -> tuple[ClassScore, ...]:
    """Precision, recall, F1 and support of each class, nan where a denominator is 0; -1 is no class."""
    support, answers, hits = (
        np.bincount(numbers[numbers >= 0], minlength=len(classes))
        for numbers in (true, answer, true[true == answer])
    )
    with np.errstate(invalid="ignore"):  # 0 / 0 is nan
        columns = hits / answers, hits / support, 2 * hits / (support + answers), support
    return tuple(ClassScore(*row) for row in zip(classes, *(c.tolist() for c in columns), strict=True))


def _log_loss(p_true: NDArray[np.float64]) -> float:
    # Floor at float32's resolution: a probability rounded to 0 must not make the mean infinite.
    floor = float(np.finfo(np.float32).eps)
    return float(-np.log(np.maximum(p_true, floor)).mean()) if len(p_true) else math.nan


def _reliability(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[ReliabilityBin, ...]:
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    count, confidences, hits = (
        np.bincount(bins, weights, CALIBRATION_BINS) for weights in (None, confidence, right)
    )
    with np.errstate(invalid="ignore"):  # 0 / 0 is nan
        columns = edges[:-1], edges[1:], count, confidences / count, hits / count
    return tuple(ReliabilityBin(*row) for row in zip(*(c.tolist() for c in columns), strict=True))


def _calibration_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """Average the gap between confidence and accuracy, weighted by count.

    References:
        C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, On calibration of modern neural networks,
        ICML 2017, eq. 3.
    """
    total = sum(b.count for b in bins)
    return (
        sum(b.count * abs(b.confidence - b.accuracy) for b in bins if b.count) / total if total else math.nan
    )


def _coverage_curve(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[CoveragePoint, ...]:
    # Equal confidences (many round to 1.0) have no order: each counts as the mean of its group, so that the
    # order of the file has no effect.
    _, group, size = np.unique(-confidence, return_inverse=True, return_counts=True)
    mean = np.bincount(group, weights=right) / size
    hits = np.cumsum(mean[np.sort(group)])
    counts = [max(1, round(coverage * len(right))) for coverage in COVERAGES]
    return tuple(
        CoveragePoint(coverage, float(hits[count - 1] / count))
        for coverage, count in zip(COVERAGES, counts, strict=True)
    )


def _coverage_at(target: float, confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    order = np.argsort(-confidence, kind="stable")
    ranked, hits = confidence[order], np.cumsum(right[order])
    count = np.arange(1, len(right) + 1)
    # A threshold accepts all of a group of equal confidences or none, and never an unread sample.
    possible = (np.diff(ranked, append=-1.0) < 0) & (ranked > 0)
    enough = possible & (hits / count >= target)
    return float(count[enough].max(initial=0) / len(right))
