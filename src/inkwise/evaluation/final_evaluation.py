"""The end of a training run: the test sets are read, once, and the report is written."""

import math
from pathlib import Path

from inkwise._util.files import locked
from inkwise.datasets import Dataset, load_dataset
from inkwise.evaluation.explanations import explain_mistakes
from inkwise.evaluation.report import write_report
from inkwise.evaluation.results import EvaluationResult, evaluate_model, open_model, read_history
from inkwise.training import Recipe, resumed_recipe
from inkwise.training.onnx_export import update_metadata
from inkwise.training.training_data import load_split
from inkwise.training.training_run import BUSY

_MAX_COMPARED = 20_000  # training samples that mistakes are compared with, some seconds of one core


def evaluate_run(folder: Path) -> list[EvaluationResult]:
    """Evaluate a run's model on the test sets of its recipe, and explain its worst mistakes.

    The figures go into the metadata of model.onnx; report.html, evaluation.json and pictures are written.
    Raises InkwiseError if the folder holds no finished run, another training writes there, a data set cannot
    be had, or the disk is full.
    """
    recipe = resumed_recipe(folder)
    with locked(folder, BUSY, wait=0):
        return _finish(folder, recipe)


def _finish(folder: Path, recipe: Recipe) -> list[EvaluationResult]:
    model = open_model(str(folder))
    sets = [load_dataset(name) for name in recipe.test]
    results = evaluate_model(model, sets) if sets else []
    if any(result.mistakes for result in results):
        results = explain_mistakes(model, results, _training_samples(recipe))
    tests = {
        result.name: {"n": result.evaluation.n, "misses": result.evaluation.misses} for result in results
    }
    metrics = {**model.metadata["metrics"], "test": tests}
    update_metadata(folder / "model.onnx", metrics=metrics)
    facts = {"name": model.name, "labels": model.labels} | model.metadata | {"metrics": metrics}
    write_report(folder / "report.html", facts, results, read_history(str(folder)))
    return results


def _training_samples(recipe: Recipe) -> Dataset:
    """Up to 20,000 of what the run trained on, taken evenly: each sample once, drawn plainly."""
    split = load_split(recipe.set(variants=1, styles=0.0, rescans=0, others=(), invented=0))
    whole = Dataset("training", split.training, split.training_labels)
    return whole.select(slice(None, None, math.ceil(len(whole) / _MAX_COMPARED)))
