from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inkwise._util.errors import DataError
from inkwise._util.text import NOT_A_DIGIT
from inkwise.datasets import Dataset
from inkwise.evaluation import evaluate_model, results
from inkwise.recognition.model import Classifier


def test_evaluate_model_returns_result_per_set(model: Classifier, mixed: Dataset, perfect: Dataset) -> None:
    first, second = evaluate_model(model, [mixed, perfect])

    assert (first.name, first.evaluation.n, first.evaluation.misses) == ("mixed", 6, 4)
    assert (second.name, second.evaluation.misses, second.mistakes) == ("perfect", 0, ())


def test_evaluate_model_sorts_mistakes_by_confidence(model: Classifier, mixed: Dataset) -> None:
    [result] = evaluate_model(model, [mixed])

    seen = [(m.index, m.true, m.read, round(m.probability, 2)) for m in result.mistakes]
    assert seen == [(3, "7", "1", 0.95), (1, "2", "7", 0.6), (5, "x", "8", 0.5), (4, "4", "", 0.0)]
    assert len(result.mistakes) == result.evaluation.misses
    np.testing.assert_array_equal(result.mistakes[0].glyph, mixed.glyphs[3])


def test_evaluate_model_keeps_first_labelled_samples(
    model: Classifier, make: Callable[..., Dataset], mixed: Dataset
) -> None:
    [result, long] = evaluate_model(model, [mixed, make("long", *[("1", "1", 99)] * 50)])

    seen = [(answer.index, answer.true, answer.read) for answer in result.first]
    assert seen == [(0, "1", "1"), (1, "2", "7"), (3, "7", "1"), (4, "4", ""), (5, "x", "8"), (6, "8", "8")]
    assert len(long.first) == 40


def test_to_dict_lists_mistakes(model: Classifier, mixed: Dataset) -> None:
    [result] = evaluate_model(model, [mixed])
    plain = result.to_dict()

    assert (plain["name"], plain["misses"]) == ("mixed", 4)
    assert plain["mistakes"][-1] == {"index": 4, "true": "4", "read": "", "probability": 0.0}


def test_evaluate_model_rejects_unlabelled_set(model: Classifier, mixed: Dataset) -> None:
    with pytest.raises(DataError, match="mixed: nothing to evaluate"):
        evaluate_model(model, [mixed.select(mixed.labels == "")])
    with pytest.raises(DataError, match="no data set"):
        evaluate_model(model, [])


def test_open_model_accepts_file_run_folder_and_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Opened:
        def __init__(self, path: Path | str) -> None:
            self.path = path

        @classmethod
        def bundled(cls) -> "Opened":
            return cls("bundled")

    monkeypatch.setattr(results, "Model", Opened)
    (tmp_path / "model.onnx").touch()

    for source in (tmp_path, tmp_path / "model.onnx"):
        assert results.open_model(str(source)).path == tmp_path / "model.onnx"
    assert isinstance(results.open_model("default").path, bytes)


def test_read_history_reads_run_folder(tmp_path: Path) -> None:
    assert results.read_history(str(tmp_path)) is None
    (tmp_path / "history.csv").write_text("epoch,train_loss\n1,0.5\n")
    assert results.read_history(str(tmp_path)) == [{"epoch": "1", "train_loss": "0.5"}]


def test_evaluate_model_counts_rejected_non_digits_as_right(
    model: Classifier, make: Callable[..., Dataset]
) -> None:
    """The model accepts answers from 50 %."""
    others = [(NOT_A_DIGIT, "7", 40), (NOT_A_DIGIT, "7", 80), (NOT_A_DIGIT, "", 0)]
    [result] = evaluate_model(model, [make("others", *others, ("1", "1", 99), ("2", "7", 30))])

    e = result.evaluation
    assert (e.n, e.misses, e.others, e.others_rejected, e.unread, e.unknown) == (5, 2, 3, 2, 0, 0)
    assert (e.accuracy, int(e.confusion.sum())) == (0.6, 2)
    assert [(m.true, m.read) for m in result.mistakes] == [(NOT_A_DIGIT, "7"), ("2", "7")]
    assert [a.read for a in result.first] == [NOT_A_DIGIT, "7", NOT_A_DIGIT, "1", "7"]
    seven = next(score for score in e.scores if score.label == "7")
    assert seven.precision == 0
    assert e.coverage_curve[-1].accuracy == 0.2, "if all are answered, only the 1 is right"
