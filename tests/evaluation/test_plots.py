from collections.abc import Callable

import pytest
from shown import pixels, red

from inkwise._util.errors import DataError
from inkwise.datasets import Dataset
from inkwise.evaluation import EvaluationResult, evaluate_model, plots
from inkwise.evaluation.results import Classifier


@pytest.fixture
def result(model: Classifier, mixed: Dataset) -> EvaluationResult:
    return evaluate_model(model, [mixed])[0]


@pytest.fixture
def flawless(model: Classifier, perfect: Dataset) -> EvaluationResult:
    return evaluate_model(model, [perfect])[0]


def test_confusion_plot_marks_only_mistakes_red(result: EvaluationResult, flawless: EvaluationResult) -> None:
    assert red(pixels(plots.confusion_plot(result.evaluation))) > 1000
    assert red(pixels(plots.confusion_plot(flawless.evaluation))) == 0


def test_coverage_plot_marks_targets_reached_on_half_or_more(
    model: Classifier, make: Callable[..., Dataset], flawless: EvaluationResult
) -> None:
    answers = [("1", "1" if percent > 95 else "2", percent) for percent in range(90, 100)]
    [four_of_ten] = evaluate_model(model, [make("four of ten", *answers)])

    assert four_of_ten.evaluation.coverage_at[0].coverage == 0.4
    assert red(pixels(plots.coverage_plot(four_of_ten.evaluation))) == 0
    assert red(pixels(plots.coverage_plot(flawless.evaluation))) > 20


def test_reliability_plot_bar_height_is_accuracy(
    model: Classifier, make: Callable[..., Dataset], flawless: EvaluationResult
) -> None:
    def blue(result: EvaluationResult) -> int:
        picture = pixels(plots.reliability_plot(result.evaluation))
        return int((picture[..., 2] - picture[..., 0] > 60).sum())

    [half_right] = evaluate_model(model, [make("half", ("1", "1", 98), ("1", "2", 98))])
    assert blue(half_right) / blue(flawless) == pytest.approx(0.5, abs=0.05)


def test_reliability_plot_with_nothing_read(model: Classifier, make: Callable[..., Dataset]) -> None:
    [unread] = evaluate_model(model, [make("blank", ("1", "", 0))])
    assert pixels(plots.reliability_plot(unread.evaluation)).size


def test_history_plot_draws_every_loss_and_accuracy() -> None:
    rows = [{"epoch": str(i), "train_loss": str(1 / i), "validation_loss": ""} for i in (1, 2, 3)]
    both = [row | {"validation_loss": "0.5"} for row in rows]

    assert red(pixels(plots.history_plot(both))) > red(pixels(plots.history_plot(rows))) > 0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no rows"),
        ([{"epoch": "1", "train_loss": "low"}], "'train_loss' contains a value that is not a number"),
    ],
)
def test_history_plot_rejects_rows(rows: list[dict[str, str]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        plots.history_plot(rows)
