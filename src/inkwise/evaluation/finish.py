"""The end of a training run: the test sets are read, once, and the report is written."""

from pathlib import Path

from inkwise.datasets import load
from inkwise.evaluation.report import write_report
from inkwise.evaluation.results import Result, evaluate_model, open_model, read_history
from inkwise.training import resume
from inkwise.training.export import annotate


def finish(folder: Path) -> list[Result]:
    """Evaluate a run's model on the test sets of its recipe.

    The figures go into the metadata of model.onnx; report.html, evaluation.json and pictures are written.
    Raises InkwiseError if the folder holds no finished run, a test set cannot be had, or the disk is full.
    """
    model = open_model(str(folder))
    sets = [load(name) for name in resume(folder).test]
    results = evaluate_model(model, sets) if sets else []
    tests = {
        result.name: {"n": result.evaluation.n, "misses": result.evaluation.misses} for result in results
    }
    metrics = {**model.metadata["metrics"], "test": tests}
    annotate(folder / "model.onnx", metrics=metrics)
    facts = {"name": model.name, "labels": model.labels} | model.metadata | {"metrics": metrics}
    write_report(folder / "report.html", facts, results, read_history(str(folder)))
    return results
