"""Training and measurement of one row, seed by seed; each result is kept in the run's folder."""

import json
import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from rich.console import Console

from inkwise import datasets
from inkwise._util.errors import DataError, InkwiseError
from inkwise._util.files import locked, make_directory, write_text
from inkwise._util.inputs import MEGABYTE, read_input
from inkwise._util.system import cpu_count
from inkwise._util.text import parse_json
from inkwise.evaluation import train_and_evaluate
from inkwise.evaluation.results import evaluate_model, open_model, read_history
from inkwise.reproduction.claims import Experiment
from inkwise.training import Recipe, resumed_recipe

_RESULT_FILE = "measured.json"


@dataclass(frozen=True)
class RunResult:
    """The result of one run.

    Attributes:
        figures: "train" and "validation", accuracy in the epoch that was kept, and "loss", its training loss;
            "train 1" to "validation 2", accuracy in the first two epochs; "epochs" trained; "parameters";
            "seconds" of training.
        sets: misses and size of each set, by its name.
    """

    figures: dict[str, float]
    sets: dict[str, tuple[int, int]]

    def value(self, figure: str) -> float | None:
        """Return a figure or the accuracy on a set, None if it was not measured."""
        if figure in self.sets:
            misses, n = self.sets[figure]
            return 1 - misses / n
        return self.figures.get(figure)


@dataclass(frozen=True)
class SeedRun:
    """A row's recipe with one seed, its run folder, and the sets to measure in addition to its test sets."""

    row: Experiment
    recipe: Recipe
    folder: Path
    sets: tuple[str, ...] = ()


def run_all(tasks: list[SeedRun]) -> Iterator[tuple[SeedRun, RunResult]]:
    """Run what is not done yet, one process per core, and yield every task with its result when it is ready.

    An interrupted run resumes after its last epoch. Ctrl-C or an error kills the other runs.

    Raises:
        InkwiseError: data or a folder are not available, or a process was killed.
    """
    context = multiprocessing.get_context("spawn")  # a fork of a process that has used torch may hang
    with ProcessPoolExecutor(cpu_count(), context, _initialize_process) as pool:
        try:
            for future in as_completed([pool.submit(run_one, task) for task in tasks]):
                yield future.result()
        except BrokenProcessPool:
            raise InkwiseError("a run was killed; rerun the same command to resume") from None
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def run_one(task: SeedRun) -> tuple[SeedRun, RunResult]:
    """Train and measure one run as far as that is not done yet, under a lock.

    Raises:
        InkwiseError: data or the folder are not available, or the folder contains a run of another recipe.
    """
    make_directory(task.folder)
    with locked(task.folder / _RESULT_FILE, wait=-1):  # another process may be training this run
        if (task.folder / "recipe.json").exists() and resumed_recipe(task.folder) != task.recipe:
            raise DataError(f"{task.folder}: contains a run of another recipe; delete it")
        result = load_result(task.folder)
        if result is None or not {Path(name).name for name in task.sets} <= {*result.sets}:
            result = _measure(task)
            text = json.dumps(asdict(result), indent=2, allow_nan=False) + "\n"
            write_text(task.folder / _RESULT_FILE, text)
    return task, result


def load_result(folder: Path) -> RunResult | None:
    """Load the result of a run folder, None if there is none; raises DataError if it is damaged."""
    path = folder / _RESULT_FILE
    if not path.exists():
        return None
    try:
        content = parse_json(read_input(path, MEGABYTE))
        sets = {name: (int(misses), int(n)) for name, (misses, n) in content["sets"].items()}
        return RunResult({name: float(value) for name, value in content["figures"].items()}, sets)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError(f"{path}: is damaged; delete it to measure the run again") from None


def _initialize_process() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # else Ctrl-C would end the training as if complete
    torch.set_num_threads(1)


def _measure(task: SeedRun) -> RunResult:
    test = task.recipe.data.test
    names = [name for name in task.sets if name not in test]
    if (task.folder / "model.onnx").exists():
        results, names = [], [*test, *names]
    else:
        results = train_and_evaluate(task.recipe, task.folder, console=Console(quiet=True))
    model = open_model(str(task.folder))
    results += evaluate_model(model, [datasets.load_dataset(name) for name in names]) if names else []
    history = [{k: float(v) for k, v in row.items()} for row in read_history(str(task.folder)) or []]
    best = max(history, key=lambda row: (row["validation_accuracy"], row["epoch"]))
    figures = {
        "train": best["train_accuracy"],
        "loss": best["train_loss"],
        "validation": best["validation_accuracy"],
        "epochs": len(history),
        "seconds": sum(row["seconds"] for row in history),
        "parameters": float(sum(count for *_, count in model.metadata["net"])),
    }
    for number, row in enumerate(history[:2], 1):
        figures |= {f"{part} {number}": row[f"{part}_accuracy"] for part in ("train", "validation")}
    return RunResult(figures, {r.name: (r.evaluation.misses, r.evaluation.n) for r in results})
