"""Training with its final evaluation: the test sets are read, once, and the report is written."""

import math
from pathlib import Path
from typing import Any

from inkwise.datasets import Dataset, load_dataset
from inkwise.evaluation.explanations import explain_mistakes
from inkwise.evaluation.report import write_report
from inkwise.evaluation.results import EvaluationResult, evaluate_model, read_history
from inkwise.recognition import Model
from inkwise.training import Recipe, train

_MAX_COMPARED = 10_000  # training samples that mistakes are compared with; a second of one core


def train_and_evaluate(recipe: Recipe, folder: Path, **options: Any) -> list[EvaluationResult]:
    """Train by a recipe, evaluate the classifier on the recipe's test sets, and explain its worst mistakes.

    The figures are stored in the metadata of model.onnx; report.html, evaluation.json and pictures are
    written. A line reader is trained without evaluation.

    Args:
        recipe: what to train.
        folder: the run folder.
        options: device, deterministic and console of `train`.

    Raises:
        InkwiseError: as of `train`; or a test set cannot be read.
    """
    results: list[EvaluationResult] = []

    def evaluate(content: bytes, training: Dataset) -> dict[str, Any]:
        model = Model(content)
        sets = [load_dataset(name) for name in recipe.data.test]
        found = evaluate_model(model, sets) if sets else []
        if any(result.mistakes for result in found):
            compared = training.select(slice(None, None, math.ceil(len(training) / _MAX_COMPARED)))
            found = explain_mistakes(model, found, compared)
        results.extend(found)
        tests = {
            result.name: {"n": result.evaluation.n, "misses": result.evaluation.misses} for result in found
        }
        metrics = {**model.metadata["metrics"], "test": tests}
        facts = {"name": model.name, "labels": model.labels} | model.metadata | {"metrics": metrics}
        write_report(folder / "report.html", facts, found, read_history(str(folder)))
        return metrics

    train(recipe, folder, evaluate=evaluate, **options)
    return results
