"""Training and measurement of all systems, and the page that compares claims with measurements."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from inkwise import datasets
from inkwise._util.errors import InkwiseError
from inkwise._util.files import resolve_output
from inkwise.evaluation.results import evaluate_model, open_model
from inkwise.recognition import Model
from inkwise.reproduction.claims import EXPERIMENTS, Experiment, select_experiments
from inkwise.reproduction.claims_page import BUNDLED, write_page
from inkwise.reproduction.evaluation_sets import prepare_sets, save_corrections
from inkwise.reproduction.seed_runs import RunResult, SeedRun, load_result, run_all

ReportLine = Callable[[str], None]


def reproduce(
    names: list[str], folder: Path, handwriting: Path | None, page: Path, report: ReportLine
) -> None:
    """Train and measure what is not done yet, and write the page of all that is measured.

    Args:
        names: rows, recipes, or "all".
        folder: for the run folders, ROW-SEED.
        handwriting: folder of real handwriting; None leaves out rows that need it.
        page: the .md file to write, with a figure beside it.
        report: receives a line per finished run.

    Raises:
        InkwiseError: there is no such row, data are not available, or a folder cannot be written.
    """
    rows = select_experiments(names)
    folder = resolve_output(folder)  # recipes with corrections name a set in it
    sets = ("mnist-train", "mnist-modified", *map(str, prepare_sets(folder / "sets", handwriting)))
    _run([task for row in rows if not row.corrections for task in _seed_runs(row, folder, sets)], report)
    if handwriting is not None:
        corrected = [row for row in rows if row.corrections]
        _run([task for row in corrected for task in _correction_runs(row, folder, sets, handwriting)], report)
    runs = {
        row.name: [
            result
            for seed in range(row.seeds)
            if (result := load_result(folder / f"{row.name}-{seed}")) is not None
        ]
        for row in EXPERIMENTS
    }
    shown = [datasets.load_dataset(name) for name in ("mnist-test", *sets[1:])]
    bundled = evaluate_model(Model.bundled(), shown)
    runs[BUNDLED] = [RunResult({}, {r.name: (r.evaluation.misses, r.evaluation.n) for r in bundled})]
    write_page(page, runs, folder)


def run_quick_check(names: list[str], folder: Path, report: ReportLine) -> None:
    """Train one epoch of one seed of every row that has a floor, and check that floor on MNIST test.

    Raises:
        InkwiseError: a row is below its floor, there is no such row, none has a floor, or data are not
            available.
    """
    rows = [row for row in select_experiments(names) if row.floor]
    if not rows:
        raise InkwiseError(f"{', '.join(names)}: one epoch shows nothing; leave out --quick")
    tasks = []
    for row in rows:
        recipe = row.recipe.set(optimization={"epochs": 1}, data={"test": ("mnist-test",)})
        tasks.append(SeedRun(row, recipe, folder / f"{row.name}-quick"))
        shutil.rmtree(tasks[-1].folder, ignore_errors=True)
    below = []
    for task, result in run_all(tasks):
        row, accuracy = task.row, result.value("mnist-test") or 0.0
        report(f"{row.name}: {100 * accuracy:.2f} % of MNIST test, the floor is {100 * row.floor:.0f} %")
        if accuracy < row.floor:
            below.append(row.name)
    if below:
        raise InkwiseError(f"below the floor: {', '.join(below)}")


def _seed_runs(row: Experiment, folder: Path, sets: tuple[str, ...]) -> list[SeedRun]:
    return [
        SeedRun(row, row.recipe.set(seed=seed), folder / f"{row.name}-{seed}", sets)
        for seed in range(row.seeds)
    ]


def _correction_runs(
    row: Experiment, folder: Path, sets: tuple[str, ...], handwriting: Path
) -> list[SeedRun]:
    teacher = folder / "mlp-50-0"
    if not (teacher / "model.onnx").exists():
        raise InkwiseError(f"{row.name} needs the mistakes of mlp-50: reproduce mlp-50 first")
    saved = save_corrections(folder / "sets", handwriting, open_model(str(teacher)), row.corrections)
    recipe = row.recipe.set(data={"train": (*row.recipe.data.train, str(saved))})
    return _seed_runs(replace(row, recipe=recipe), folder, sets)


def _run(tasks: list[SeedRun], report: ReportLine) -> None:
    for number, (task, result) in enumerate(run_all(tasks), 1):
        misses, n = result.sets["mnist-test"]
        minutes = result.figures["seconds"] / 60
        report(
            f"{number} of {len(tasks)}: {task.folder.name}, {misses} misses of {n:,}, {minutes:.1f} minutes"
        )
