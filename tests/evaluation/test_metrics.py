import json

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from inkwise._util.errors import DataError, ModelError
from inkwise.evaluation.metrics import CoveragePoint, Evaluation, evaluate, json_safe

AB = ("a", "b")


def says(*answers: tuple[str, float]) -> NDArray[np.float32]:
    """Probabilities (n, 2) of a model that answers a or b, each with the probability given."""
    return np.array([[p, 1 - p] if answer == "a" else [1 - p, p] for answer, p in answers], np.float32)


def on_confidences(confidence: list[float], right: list[bool]) -> Evaluation:
    labels = np.array(["a" if hit else "b" for hit in right])
    return evaluate(says(*(("a", p) for p in confidence)), labels, AB)


def test_misses_are_counted_and_the_confusion_says_which() -> None:
    evaluation = evaluate(
        says(("a", 0.9), ("a", 0.8), ("b", 0.9), ("a", 0.7)), np.array(["a", "b", "b", "a"]), AB
    )

    assert (evaluation.n, evaluation.misses, evaluation.accuracy) == (4, 1, 0.75)
    assert evaluation.confusion.tolist() == [[2, 0], [1, 1]]
    a, b = evaluation.scores
    assert (a.label, a.support, a.recall) == ("a", 2, 1.0)
    assert a.precision == pytest.approx(2 / 3)
    assert a.f1 == pytest.approx(0.8)
    assert (b.precision, b.recall) == (1.0, 0.5)


def test_what_was_not_read_is_a_miss_even_where_the_model_would_have_guessed_right() -> None:
    evaluation = evaluate(
        says(("a", 0.9), ("b", 0.9)), np.array(["a", "b"]), AB, read=np.array([False, True])
    )

    assert (evaluation.misses, evaluation.unread) == (1, 1)
    assert evaluation.confusion.tolist() == [[0, 0], [0, 1]]
    assert evaluation.scores[0].recall == 0
    assert evaluation.log_loss == pytest.approx(-np.log(0.9))  # of what was read


def test_a_label_that_the_model_does_not_know_is_a_miss() -> None:
    evaluation = evaluate(says(("a", 0.9), ("a", 0.9)), np.array(["a", "ø"]), AB)

    assert (evaluation.misses, evaluation.unknown) == (1, 1)
    assert evaluation.scores[0].precision == 0.5  # the wrong "a" counts against it
    assert evaluation.confusion.sum() == 1


def test_an_unknown_label_that_was_not_read_is_one_miss() -> None:
    evaluation = evaluate(says(("a", 0.9)), np.array(["ø"]), AB, read=np.array([False]))
    assert (evaluation.misses, evaluation.unread, evaluation.unknown) == (1, 1, 1)


def test_unlabelled_samples_are_left_out_and_counted() -> None:
    evaluation = evaluate(says(("a", 0.9), ("b", 0.9)), np.array(["a", ""]), AB)
    assert (evaluation.n, evaluation.misses, evaluation.unlabelled) == (1, 0, 1)


def test_log_loss_is_scikit_learns() -> None:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(3), 50)
    labels = random.choice(["0", "1", "2"], 50)

    ours = evaluate(probabilities, labels, ("0", "1", "2")).log_loss

    assert ours == pytest.approx(log_loss(labels, probabilities, labels=["0", "1", "2"]))


def test_log_loss_survives_a_probability_of_zero() -> None:
    assert 10 < evaluate(says(("a", 1.0)), np.array(["b"]), AB).log_loss < 20


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    # ten answers at 0.9 of which 7 are right, ten at 0.7 of which 7 are right: (10 * 0.2 + 10 * 0) / 20
    hits = [True] * 7 + [False] * 3
    evaluation = on_confidences([0.9] * 10 + [0.7] * 10, hits + hits)

    assert evaluation.calibration_error == pytest.approx(0.1, abs=1e-6)
    filled = [b for b in evaluation.reliability if b.count]
    assert [(b.count, round(b.confidence, 6), b.accuracy) for b in filled] == [(10, 0.7, 0.7), (10, 0.9, 0.7)]


def test_coverage_takes_the_surest_first() -> None:
    # 100 answers, ever surer; the first three are wrong
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


def test_a_target_that_is_just_met_is_met() -> None:
    confidence = np.linspace(0.6, 0.99, 100)
    evaluation = on_confidences(confidence.tolist(), [i >= 1 for i in range(100)])
    assert [point.coverage for point in evaluation.coverage_at] == [1.0, 0.99, 0.99]


def test_among_equal_confidences_the_order_of_the_file_does_not_matter() -> None:
    right_first = on_confidences([0.9] * 4, [True, True, False, False])
    wrong_first = on_confidences([0.9] * 4, [False, False, True, True])

    assert right_first.coverage_curve == wrong_first.coverage_curve
    assert right_first.coverage_curve[0] == CoveragePoint(0.5, 0.5)
    assert right_first.coverage_at[0].coverage == wrong_first.coverage_at[0].coverage == 0


def test_no_threshold_covers_what_was_not_read() -> None:
    n = 1000
    evaluation = evaluate(says(*[("a", 0.9)] * n), np.array(["a"] * n), AB, read=np.arange(n) > 0)

    assert evaluation.accuracy == 0.999
    assert [point.coverage for point in evaluation.coverage_at] == [0.999, 0.999, 0.999]


def test_where_nothing_was_read_every_sample_is_a_miss() -> None:
    evaluation = evaluate(says(("a", 0.9)), np.array(["a"]), AB, read=np.array([False]))

    assert (evaluation.misses, evaluation.accuracy) == (1, 0)
    assert np.isnan([evaluation.log_loss, evaluation.calibration_error]).all()


def test_to_dict_is_strict_json() -> None:
    evaluation = evaluate(says(("a", 0.9)), np.array(["a"]), AB)  # no b at all: its recall is undefined

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


def test_json_safe_keeps_text_and_turns_numpy_plain() -> None:
    value = {"name": "0", "shape": (1, np.int64(2)), "loss": np.float32("nan"), "rows": np.eye(1)}
    assert json_safe(value) == {"name": "0", "shape": [1, 2], "loss": None, "rows": [[1.0]]}


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (np.zeros((0, 2)), [], "none of the 0 samples has a label"),
        (says(("a", 0.9)), [""], "none of the 1 samples has a label"),
        (says(("a", 0.9)), ["a", "b"], "do not fit together"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(
    probabilities: NDArray[np.float32], labels: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        evaluate(probabilities, np.array(labels, str), AB)


def test_a_model_that_answers_nan_is_refused() -> None:
    with pytest.raises(ModelError, match="not all finite"):
        evaluate(np.array([[np.nan, 0.5]]), np.array(["a"]), AB)
