"""Results of a model on data sets: the metrics of each set, and every mistake behind them."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError
from inkwise._util.inputs import MEGABYTE, is_there, read_input
from inkwise._util.text import NOT_A_DIGIT
from inkwise.datasets import Dataset
from inkwise.evaluation.metrics import Evaluation, evaluate, rejected_non_digits
from inkwise.recognition import Model
from inkwise.recognition.model import Classifier, model_source

_MAX_HISTORY_BYTES = 10 * MEGABYTE  # of history.csv; an epoch takes 200

MAX_SHOWN = 40  # answers per figure


@dataclass(frozen=True, eq=False)
class Prediction:
    """An answer about a glyph (28, 28) uint8.

    Attributes:
        index: position of the glyph in its set.
        true: the label, "" if unknown.
        read: the answer, "" if no ink was found, and "not a digit" for a rejected non-digit.
        probability: of the most likely label.
    """

    index: int
    glyph: NDArray[np.uint8]
    true: str
    read: str
    probability: float


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A labelled sample, `index` in its set, with the cosine similarity of its embedding, -1 to 1."""

    index: int
    glyph: NDArray[np.uint8]
    label: str
    similarity: float


@dataclass(frozen=True, eq=False)
class Explanation:
    """The effect of the ink on an answer, and the samples most similar to it.

    Attributes:
        against: the label compared with the answer, None for all others together.
        influence: (28, 28) float32, see `occlusion`: positive where ink supports the answer, negative where
            it supports `against`.
        neighbours: most similar first; empty without a set to search.
    """

    answer: Prediction
    against: str | None
    influence: NDArray[np.float32]
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True, eq=False)
class EvaluationResult:
    """A model's result on one set.

    Attributes:
        mistakes: all wrong answers, most confident first.
        first: the first 40 labelled samples and their answers.
        explained: explanations of some mistakes, see `explain_mistakes`.
    """

    name: str
    evaluation: Evaluation
    mistakes: tuple[Prediction, ...]
    first: tuple[Prediction, ...]
    explained: tuple[Explanation, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: name, the fields of the evaluation, and mistakes without glyphs."""
        keys = ("index", "true", "read", "probability")
        mistakes = [{key: getattr(mistake, key) for key in keys} for mistake in self.mistakes]
        return {"name": self.name, **self.evaluation.to_dict(), "mistakes": mistakes}


def evaluate_model(model: Classifier, datasets: Iterable[Dataset]) -> list[EvaluationResult]:
    """Evaluate a model on each set; an all-black glyph counts as not read.

    Raises:
        DataError: there is no set, or one without labels.
    """
    results = [_evaluate_set(model, dataset) for dataset in datasets]
    if not results:
        raise DataError("no data set to evaluate on")
    return results


def open_model(source: str) -> Model:
    """Open an .onnx file, the model.onnx of a run folder, or a bundled model by name."""
    return Model(model_source(source))


def read_history(source: str) -> list[dict[str, str]] | None:
    """Return the rows of a run folder's history.csv, one per epoch, or None if there is no such file."""
    path = Path(source) / "history.csv"
    if not is_there(path):
        return None
    try:
        text = read_input(path, _MAX_HISTORY_BYTES).decode("utf-8")
        return list(csv.DictReader(io.StringIO(text, newline="")))
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{path}: is not the history of a training run") from None


def _evaluate_set(model: Classifier, dataset: Dataset) -> EvaluationResult:
    labels = dataset.labels
    labelled = np.flatnonzero(labels != "")
    if not len(labelled):
        raise DataError(f"{dataset.name}: nothing to evaluate, no sample has a label")
    read = dataset.glyphs.max(axis=(1, 2)) > 0
    probabilities, _ = model.run(dataset.glyphs)
    evaluation = evaluate(probabilities, labels, model.labels, read, model.threshold)
    answers = np.where(read, np.array(model.labels, object)[probabilities.argmax(axis=1)], "")
    confidence = np.where(read, probabilities.max(axis=1), 0.0)
    answers[rejected_non_digits(labels, model.labels, confidence, model.threshold)] = NOT_A_DIGIT
    wrong = labelled[answers[labelled] != labels[labelled]]
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    mistakes, first = (
        tuple(
            Prediction(i, dataset.glyphs[i], str(labels[i]), str(answers[i]), float(confidence[i]))
            for i in index.tolist()
        )
        for index in (wrong, labelled[:MAX_SHOWN])
    )
    return EvaluationResult(dataset.name, evaluation, mistakes, first)
