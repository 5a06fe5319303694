import json

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from inkwise._util.errors import DataError, ModelError
from inkwise.evaluation.metrics import CoveragePoint, Evaluation, evaluate, json_safe

AB = ("a", "b")


def answers(*given: tuple[str, float]) -> NDArray[np.float32]:
    """Return probabilities (n, 2) of answers a or b, each with its probability."""
    return np.array([[p, 1 - p] if answer == "a" else [1 - p, p] for answer, p in given], np.float32)


def on_confidences(confidence: list[float], right: list[bool]) -> Evaluation:
    labels = np.array(["a" if hit else "b" for hit in right])
    return evaluate(answers(*(("a", p) for p in confidence)), labels, AB)


def test_evaluate_counts_misses_and_confusion() -> None:
    evaluation = evaluate(
        answers(("a", 0.9), ("a", 0.8), ("b", 0.9), ("a", 0.7)), np.array(["a", "b", "b", "a"]), AB
    )

    assert (evaluation.n, evaluation.misses, evaluation.accuracy) == (4, 1, 0.75)
    assert evaluation.confusion.tolist() == [[2, 0], [1, 1]]
    a, b = evaluation.scores
    assert (a.label, a.support, a.recall) == ("a", 2, 1.0)
    assert a.precision == pytest.approx(2 / 3)
    assert a.f1 == pytest.approx(0.8)
    assert (b.precision, b.recall) == (1.0, 0.5)


def test_evaluate_counts_unread_sample_as_miss() -> None:
    evaluation = evaluate(
        answers(("a", 0.9), ("b", 0.9)), np.array(["a", "b"]), AB, read=np.array([False, True])
    )

    assert (evaluation.misses, evaluation.unread) == (1, 1)
    assert evaluation.confusion.tolist() == [[0, 0], [0, 1]]
    assert evaluation.scores[0].recall == 0
    assert evaluation.log_loss == pytest.approx(-np.log(0.9))  # over samples that were read


def test_evaluate_counts_unknown_label_as_miss() -> None:
    evaluation = evaluate(answers(("a", 0.9), ("a", 0.9)), np.array(["a", "ø"]), AB)

    assert (evaluation.misses, evaluation.unknown) == (1, 1)
    assert evaluation.scores[0].precision == 0.5  # the wrong "a" counts against it
    assert evaluation.confusion.sum() == 1


def test_evaluate_counts_unread_unknown_label_once() -> None:
    evaluation = evaluate(answers(("a", 0.9)), np.array(["ø"]), AB, read=np.array([False]))
    assert (evaluation.misses, evaluation.unread, evaluation.unknown) == (1, 1, 1)


def test_evaluate_leaves_out_unlabelled_samples() -> None:
    evaluation = evaluate(answers(("a", 0.9), ("b", 0.9)), np.array(["a", ""]), AB)
    assert (evaluation.n, evaluation.misses, evaluation.unlabelled) == (1, 0, 1)


def test_log_loss_equals_scikit_learn() -> None:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(3), 50)
    labels = random.choice(["0", "1", "2"], 50)

    ours = evaluate(probabilities, labels, ("0", "1", "2")).log_loss

    assert ours == pytest.approx(log_loss(labels, probabilities, labels=["0", "1", "2"]))


def test_log_loss_is_finite_for_zero_probability() -> None:
    assert 10 < evaluate(answers(("a", 1.0)), np.array(["b"]), AB).log_loss < 20


def test_calibration_error_is_weighted_gap() -> None:
    # ten answers at 0.9 of which 7 are right, ten at 0.7 of which 7 are right: (10 * 0.2 + 10 * 0) / 20
    hits = [True] * 7 + [False] * 3
    evaluation = on_confidences([0.9] * 10 + [0.7] * 10, hits + hits)

    assert evaluation.calibration_error == pytest.approx(0.1, abs=1e-6)
    filled = [b for b in evaluation.reliability if b.count]
    assert [(b.count, round(b.confidence, 6), b.accuracy) for b in filled] == [(10, 0.7, 0.7), (10, 0.9, 0.7)]


def test_coverage_curve_takes_most_confident_first() -> None:
    # 100 answers of increasing confidence; the first three are wrong
    confidence = np.linspace(0.6, 0.99, 100)
    evaluation = on_confidences(confidence.tolist(), [i >= 3 for i in range(100)])

    curve = {point.coverage: point.accuracy for point in evaluation.coverage_curve}
    assert (min(curve), max(curve)) == (0.5, 1.0)
    assert curve[0.97] == 1.0
    assert curve[1.0] == evaluation.accuracy == 0.97
    assert evaluation.coverage_at == (
        CoveragePoint(0.97, 0.99),
        CoveragePoint(0.97, 0.995),
        CoveragePoint(0.97, 0.999),
    )


def test_coverage_at_includes_exact_target() -> None:
    confidence = np.linspace(0.6, 0.99, 100)
    evaluation = on_confidences(confidence.tolist(), [i >= 1 for i in range(100)])
    assert [point.coverage for point in evaluation.coverage_at] == [1.0, 0.99, 0.99]


def test_coverage_curve_ignores_order_of_equal_confidences() -> None:
    right_first = on_confidences([0.9] * 4, [True, True, False, False])
    wrong_first = on_confidences([0.9] * 4, [False, False, True, True])

    assert right_first.coverage_curve == wrong_first.coverage_curve
    assert right_first.coverage_curve[0] == CoveragePoint(0.5, 0.5)
    assert right_first.coverage_at[0].coverage == wrong_first.coverage_at[0].coverage == 0


def test_coverage_at_excludes_unread_samples() -> None:
    n = 1000
    evaluation = evaluate(answers(*[("a", 0.9)] * n), np.array(["a"] * n), AB, read=np.arange(n) > 0)

    assert evaluation.accuracy == 0.999
    assert [point.coverage for point in evaluation.coverage_at] == [0.999, 0.999, 0.999]


def test_evaluate_with_nothing_read() -> None:
    evaluation = evaluate(answers(("a", 0.9)), np.array(["a"]), AB, read=np.array([False]))

    assert (evaluation.misses, evaluation.accuracy) == (1, 0)
    assert np.isnan([evaluation.log_loss, evaluation.calibration_error]).all()


def test_to_dict_returns_strict_json() -> None:
    evaluation = evaluate(answers(("a", 0.9)), np.array(["a"]), AB)  # no b at all: its recall is undefined

    restored = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))

    assert restored["confusion"] == [[1, 0], [0, 0]]
    assert restored["scores"][1] == {
        "label": "b",
        "precision": None,
        "recall": None,
        "f1": None,
        "support": 0,
    }
    assert restored["coverage_at"][0] == {"coverage": 1.0, "accuracy": 0.99}


def test_json_safe_converts_numpy_and_keeps_text() -> None:
    value = {"name": "0", "shape": (1, np.int64(2)), "loss": np.float32("nan"), "rows": np.eye(1)}
    assert json_safe(value) == {"name": "0", "shape": [1, 2], "loss": None, "rows": [[1.0]]}


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (np.zeros((0, 2)), [], "none of the 0 samples has a label"),
        (answers(("a", 0.9)), [""], "none of the 1 samples has a label"),
        (answers(("a", 0.9)), ["a", "b"], r"expected probabilities \(n, 2\)"),
    ],
)
def test_evaluate_rejects_input(probabilities: NDArray[np.float32], labels: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        evaluate(probabilities, np.array(labels, str), AB)


def test_evaluate_rejects_nan() -> None:
    with pytest.raises(ModelError, match="not all finite"):
        evaluate(np.array([[np.nan, 0.5]]), np.array(["a"]), AB)
