"""A model and data sets become results: the numbers on each set, and every mistake behind them."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import DataError
from inkwise._util.inputs import MEGABYTE, is_there, read_input
from inkwise._util.text import NOT_A_DIGIT
from inkwise.datasets import Dataset
from inkwise.evaluation.metrics import Evaluation, evaluate, rejected_non_digits
from inkwise.recognition import Model
from inkwise.recognition.model import model_source

_LARGEST_HISTORY = 10 * MEGABYTE  # of history.csv, in bytes; an epoch takes 200

MAX_SHOWN = 40  # answers on one picture


class Classifier(Protocol):
    """What is evaluated: `inkwise.recognition.Model`, or anything that answers like it."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The k classes, in the order of the probabilities' columns."""

    @property
    def threshold(self) -> float:
        """What the highest probability must reach to be accepted."""

    def run(self, glyphs: NDArray[np.uint8], /) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Map glyphs (n, 28, 28) uint8 to probabilities (n, k) float32 and an embedding (n, d) float32."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """One answer, about a glyph (28, 28) uint8 that is number `index` of its set.

    `true` is "" where nobody knows it, `read` is "" where no ink was found, and "not a digit" where what is
    none was not accepted; `probability` is that of the best label.
    """

    index: int
    glyph: NDArray[np.uint8]
    true: str
    read: str
    probability: float


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A labelled sample, `index` in its set, and how similar it is: the cosine of its embedding, -1 to 1."""

    index: int
    glyph: NDArray[np.uint8]
    label: str
    similarity: float


@dataclass(frozen=True, eq=False)
class Explanation:
    """An answer, what its ink did for it, and the samples that are most like it, the nearest first.

    against         the label that the answer is held against, None for all the others together
    influence       (28, 28) float32, see `occlusion`: above 0 where ink speaks for what was read, below where
                    it speaks for `against`
    neighbours      none where there was no set to look in
    """

    answer: Prediction
    against: str | None
    influence: NDArray[np.float32]
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True, eq=False)
class EvaluationResult:
    """A model on one set.

    evaluation      its numbers
    mistakes        every wrong answer, the surest first
    first           the first 40 labelled samples and their answers, in the order of the set
    explained       of some mistakes, what made them; see `explain_mistakes`
    """

    name: str
    evaluation: Evaluation
    mistakes: tuple[Prediction, ...]
    first: tuple[Prediction, ...]
    explained: tuple[Explanation, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: name, the fields of the evaluation, and mistakes (without the glyphs)."""
        mistakes = [
            {"index": m.index, "true": m.true, "read": m.read, "probability": m.probability}
            for m in self.mistakes
        ]
        return {"name": self.name, **self.evaluation.to_dict(), "mistakes": mistakes}


def evaluate_model(model: Classifier, datasets: Iterable[Dataset]) -> list[EvaluationResult]:
    """Evaluate the model on each set. An all-zero glyph means that no ink was found: it counts as not read.

    Raises DataError, naming the set, when there is no set, or one without labels.
    """
    results = [_evaluate_set(model, dataset) for dataset in datasets]
    if not results:
        raise DataError("no data set to evaluate on")
    return results


def open_model(source: str) -> Model:
    """Open an .onnx file, the model.onnx of a run folder, or a bundled model by its name."""
    return Model(model_source(source))


def read_history(source: str) -> list[dict[str, str]] | None:
    """Return the rows of a run folder's history.csv, one an epoch; None where `source` has no such file."""
    path = Path(source) / "history.csv"
    if not is_there(path):
        return None
    try:
        text = read_input(path, _LARGEST_HISTORY).decode("utf-8")
        return list(csv.DictReader(io.StringIO(text, newline="")))
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{path}: is no history of a training run") from None


def _evaluate_set(model: Classifier, dataset: Dataset) -> EvaluationResult:
    if not (dataset.labels != "").any():
        raise DataError(f"{dataset.name}: nothing to evaluate, no sample has a label")
    read = dataset.glyphs.max(axis=(1, 2)) > 0
    probabilities, _ = model.run(dataset.glyphs)
    evaluation = evaluate(probabilities, dataset.labels, model.labels, read, model.threshold)
    answers = np.where(read, np.array(model.labels, object)[probabilities.argmax(axis=1)], "")
    confidence = np.where(read, probabilities.max(axis=1), 0.0)
    answers[rejected_non_digits(dataset.labels, model.labels, confidence, model.threshold)] = NOT_A_DIGIT
    labelled = np.flatnonzero(dataset.labels != "")
    wrong = labelled[answers[labelled] != dataset.labels[labelled]]
    surest_first = wrong[np.argsort(-confidence[wrong], kind="stable")]

    def given(index: NDArray[np.int64]) -> tuple[Prediction, ...]:
        return tuple(
            Prediction(i, dataset.glyphs[i], str(dataset.labels[i]), str(answers[i]), float(confidence[i]))
            for i in index.tolist()
        )

    return EvaluationResult(dataset.name, evaluation, given(surest_first), given(labelled[:MAX_SHOWN]))
