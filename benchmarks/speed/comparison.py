"""Training, speed, latency, cold start and accuracy, compared with baselines of three libraries.

    python -m benchmarks comparison [training rates latency start accuracy] [--unipen FOLDER]
                                    [--seeds 10] [--long-seeds 1] [--baseline-seeds 1] [--quick]

The baselines are the networks and settings of PyTorch's MNIST example and of Keras' "Simple MNIST convnet",
both reimplemented in PyTorch, and of scikit-learn a support vector machine and the three nearest neighbours.
"training" stores them in runs/versus, where the other parts find them. Each part runs in processes of its
own. --quick trains on a few digits, only to check that everything works. FOLDER holds unipen_digits.npz.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.common.handwriting_sets import load_unipen
from benchmarks.common.reporting import ROOT, argument_parser, print_table
from benchmarks.speed import cold_start, throughput
from benchmarks.speed import comparison_tables as tables
from benchmarks.speed.baselines import (
    MODULES,
    PACKAGES,
    TITLES,
    AccuracyCheckpoint,
    LabelledGlyphs,
    available_baselines,
    load_baseline,
)
from benchmarks.speed.comparison_tables import RecipeRuns
from benchmarks.speed.training_speed import misses, operations, train_once
from inkwise import Recognizer, datasets
from inkwise._util.system import cpu_count, describe_machine
from inkwise._util.text import DIGITS
from inkwise.recognition.model import model_source
from inkwise.training import load_recipe
from inkwise.training.glyph_task import glyph_logits, to_glyph_samples

SPRINTS, LONG = ("sprint-99", "sprint-993", "sprint-995"), "default"
OUR_RECIPES = (*SPRINTS, LONG)
QUICK_DIGITS = 2000  # training digits with --quick
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Predict = Callable[[NDArray[np.uint8]], NDArray[np.int64]]


@dataclass(frozen=True)
class ComparisonSetup:
    """Options of the comparison."""

    work: Path
    baselines: list[str]
    seeds: dict[str, int]
    baseline_seeds: int
    unipen: Path | None
    quick: bool

    def weights(self) -> dict[str, Path]:
        """Return the weights of the baselines that are trained."""
        files = {key: self.work / f"{key}.weights" for key in self.baselines}
        for key in self.baselines:
            if not files[key].exists():
                print(f"{TITLES[key]} is skipped: train it with the part `training`.\n")
        return {key: path for key, path in files.items() if path.exists()}

    def checkpoints(self, key: str) -> list[list[AccuracyCheckpoint]]:
        """Return the checkpoints of a baseline for each seed."""
        seeds = json.loads((self.work / f"{key}.json").read_text())
        return [[AccuracyCheckpoint(**checkpoint) for checkpoint in checkpoints] for checkpoints in seeds]


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("parts", nargs="*", help=f"one or more of {', '.join(PARTS)}; by default all")
    parser.add_argument("--unipen", type=Path, metavar="FOLDER")
    parser.add_argument("--seeds", type=int, default=10, help="seeds of the sprint recipes")
    parser.add_argument(
        "--long-seeds", type=int, default=1, help="seeds of the recipe default, 4 minutes each"
    )
    parser.add_argument("--baseline-seeds", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args(argv)
    if unknown := {*arguments.parts} - {*PARTS}:
        parser.error(f"no part {', '.join(sorted(unknown))}; expected {', '.join(PARTS)}")
    if arguments.unipen and not (arguments.unipen / "unipen_digits.npz").exists():
        parser.error(f"{arguments.unipen}: holds no unipen_digits.npz")
    baselines, skipped = available_baselines()
    work = ROOT / "runs" / ("versus-quick" if arguments.quick else "versus")
    seeds = {**dict.fromkeys(SPRINTS, arguments.seeds), LONG: arguments.long_seeds}
    setup = ComparisonSetup(
        work, baselines, seeds, arguments.baseline_seeds, arguments.unipen, arguments.quick
    )
    setup.work.mkdir(parents=True, exist_ok=True)
    print(f"{describe_machine()}, scikit-learn {version('scikit-learn')}.\n")
    print("".join(f"{line}\n\n" for line in skipped), end="")
    for number, part in enumerate(arguments.parts or PARTS):
        if number:
            print(flush=True)
        PARTS[part](setup)


def in_fresh_process(work: Callable[..., Any], *arguments: Any, threads: int = 0) -> Any:
    """Run `work` in a new process with this number of threads; 0 means one for each core."""
    environment = dict.fromkeys(THREADS, str(threads or cpu_count()))
    with patch.dict(os.environ, environment), ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def training(setup: ComparisonSetup) -> None:
    """Measure time and images until the accuracy targets."""
    curves, ours = {}, {}
    for name in OUR_RECIPES:
        ours[name] = in_fresh_process(train_ours, name, 1 if setup.quick else setup.seeds[name], setup)
    for key in setup.baselines:
        for kept in (".weights", ".json"):
            (setup.work / f"{key}{kept}").unlink(missing_ok=True)
        try:
            in_fresh_process(train_baseline, key, 1 if setup.quick else setup.baseline_seeds, setup)
        except (BrokenProcessPool, MemoryError):
            print(f"{TITLES[key]} is skipped: this machine lacks the memory to train it.\n")
            continue
        curves[key] = setup.checkpoints(key)
    print_table(*tables.recipes(ours))
    print()
    print_table(*tables.times(ours, curves))
    print("\nTimes as fast as each:\n")
    print_table(*tables.ratios(ours, curves))
    print("\nUntil Inkwise is as good as each is at its end:\n")
    print_table(*tables.finals(ours, curves))


def train_ours(name: str, seeds: int, setup: ComparisonSetup) -> RecipeRuns:
    """Train a recipe with each seed; read the test set after the last run."""
    chosen = load_recipe(name)
    if setup.quick:
        chosen = chosen.set(optimization={"epochs": 1})
    seen, *_ = operations(chosen)  # first, because torch initializes at its first step
    runs = [train_once(chosen.set(seed=seed), QUICK_DIGITS if setup.quick else None) for seed in range(seeds)]
    torch.save(runs[0].net, setup.work / f"{name}.net")
    test = datasets.load_dataset("mnist-test")
    test_samples = to_glyph_samples(test.glyphs, test.labels, DIGITS)
    return RecipeRuns(seen, [run.seconds for run in runs], [misses(run.net, test_samples)[0] for run in runs])


def train_baseline(key: str, seeds: int, setup: ComparisonSetup) -> None:
    """Train a baseline; store the weights of the first seed and the checkpoints of all."""
    whole, test = (digits(datasets.load_dataset(f"mnist-{part}")) for part in ("train", "test"))
    few = QUICK_DIGITS if setup.quick else None
    checkpoints = []
    for seed in range(seeds):
        baseline = load_baseline(key)
        some = LabelledGlyphs(whole.glyphs[:few], whole.classes[:few])
        checkpoints.append(
            [
                asdict(checkpoint)
                for checkpoint in baseline.train(some, test, seed=seed, epochs=int(setup.quick))
            ]
        )
        if seed == 0:
            baseline.save(setup.work / f"{key}.weights")
    (setup.work / f"{key}.json").write_text(json.dumps(checkpoints))


def digits(dataset: datasets.Dataset) -> LabelledGlyphs:
    return LabelledGlyphs(dataset.glyphs, dataset.labels.astype(np.int64))


def rates(setup: ComparisonSetup) -> None:
    """Measure throughput of reading and training, and its share of the peak of the machine."""
    weights = setup.weights()
    counts = in_fresh_process(count, weights)
    steps = [key for key in weights if counts[key][1]]
    read, trained = {}, {}
    for number in sorted({1, cpu_count()}):
        name = "one thread" if number == 1 else f"{number} threads"
        read[name] = in_fresh_process(
            throughput.reading, weights, number, 1 if setup.quick else 7, threads=number
        )
        trained[name] = in_fresh_process(
            throughput.training, [*OUR_RECIPES], steps, 1 if setup.quick else 3, threads=number
        )
    print("Reading:\n")
    names = {"inkwise": "Inkwise, `classify`"} | {key: TITLES[key] for key in weights}
    print_table(*tables.rates(read, {key: counts[key][0] for key in names}, names))
    print("\nTraining:\n")
    names = {name: f"Inkwise, `{name}`" for name in OUR_RECIPES} | {key: TITLES[key] for key in steps}
    print_table(*tables.rates(trained, {key: counts[key][1] for key in names}, names))
    print("\n" + tables.peaks(trained))
    nodes, rate = in_fresh_process(throughput.reading_shares, threads=1)
    print(f"\nWhere the time of reading goes, on one thread: {tables.shares(nodes)}.")
    print(f"Convolutions and products alone do {rate / 1e9:,.0f} billion operations a second.")
    operators = in_fresh_process(throughput.training_shares, OUR_RECIPES[0], threads=1)
    print(f"Of torch's operators when `{OUR_RECIPES[0]}` trains: {tables.shares(operators)}.")


def count(
    weights: dict[str, Path],
) -> dict[str, tuple[tables.OperationCount | None, tables.OperationCount | None]]:
    """Count the operations for each glyph in reading and in training."""
    source = model_source("default")
    assert isinstance(source, bytes)
    found: dict[str, tuple[tables.OperationCount | None, tables.OperationCount | None]] = {
        "inkwise": (tables.OperationCount(throughput.operations(source)), None)
    }
    for name in OUR_RECIPES:
        seen, total, kind = operations(load_recipe(name))
        found[name] = None, tables.OperationCount(total / seen, str(kind).removeprefix("torch."))
    for key, path in weights.items():
        read, learnt = load_baseline(key, path).operations()
        found[key] = tables.OperationCount(read), tables.OperationCount(learnt) if learnt else None
    return found


def latency(setup: ComparisonSetup) -> None:
    """Measure the latency of one digit at a time."""
    found = in_fresh_process(throughput.latencies, setup.weights(), 20 if setup.quick else 2000, threads=1)
    rows = []
    for name, taken in found.items():
        quantiles = (f"{value:.2f} ms" for value in np.quantile(taken, [0.5, 0.99]))
        rows.append((name, f"{len(taken):,}", *quantiles))
    print("One thread, one digit after another.\n")
    print_table(("one digit", "n", "p50", "p99"), rows)


def start(setup: ComparisonSetup) -> None:
    """Measure cold start, memory and size of the installation."""
    runs = 2 if setup.quick else 7
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        whole, packages = cold_start.install(Path(folder))
        command = [f"{folder}/bin/inkwise", "read", str(throughput.PICTURE)]
        rows.append(started("Inkwise, `inkwise read one.png`", command, runs, packages))
        glyph = Path(folder) / "glyph.npy"
        np.save(glyph, datasets.load_dataset("mnist-test").glyphs[:1])
        for key, path in setup.weights().items():
            command = [sys.executable, "-m", MODULES[key], key, str(path), str(glyph)]
            size = cold_start.with_dependencies(PACKAGES[key])
            rows.append(started(TITLES[key], command, runs, size))
    head = ("", "cold start, median (smallest to largest)", "most memory", "packages, with dependencies")
    print_table(head, rows)
    print(f"\nThe fresh virtual environment of Inkwise, pip included: {whole / 1e6:.0f} MB.")


def started(name: str, command: list[str], runs: int, packages: int) -> tuple[str, ...]:
    seconds, memory = zip(*(cold_start.start(command) for _ in range(runs)), strict=True)
    cold = f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} s to {max(seconds):.2f} s)"
    return name, cold, f"{max(memory) / 1e6:.0f} MB", f"{packages / 1e6:.0f} MB"


def accuracy(setup: ComparisonSetup) -> None:
    """Count misses on MNIST test and on the digits of UNIPEN's test writers."""
    rows = in_fresh_process(missed, setup, setup.weights())
    sets = ("MNIST test", "UNIPEN, test writers")
    print_table(("", *(cell for name in sets for cell in (f"{name}: misses", "accuracy"))), rows)


def missed(setup: ComparisonSetup, weights: dict[str, Path]) -> list[Sequence[str]]:
    """Return a row for each contestant."""
    path = setup.unipen and setup.unipen / "unipen_digits.npz"
    written = digits(load_unipen(path, "test").to_dataset()) if path else None
    test = digits(datasets.load_dataset("mnist-test"))
    recognizer = Recognizer()
    labels = np.array(recognizer.labels, np.int64)
    ours: dict[str, Predict] = {
        "Inkwise, bundled weights": lambda glyphs: labels[recognizer.classify(glyphs).argmax(1)]
    }
    if (kept := setup.work / f"{LONG}.net").exists():
        net = torch.load(kept, weights_only=False)  # written by this benchmark
        name = f"Inkwise, `{LONG}`, MNIST alone, seed 0"
        ours[name] = lambda glyphs: glyph_logits(net, torch.from_numpy(glyphs)).argmax(1).numpy()
    found = [(name, predict, count_misses(predict, test)) for name, predict in ours.items()]
    for key, weights_of in weights.items():
        seen = (
            setup.checkpoints(key)[0][-1].misses,
            len(test.classes),
        )  # from training, since it takes minutes
        found.append((TITLES[key], load_baseline(key, weights_of).predict, seen))
    return [
        tables.accuracy(name, [on_test, count_misses(predict, written) if written else None])
        for name, predict, on_test in found
    ]


def count_misses(predict: Predict, arguments: LabelledGlyphs) -> tuple[int, int]:
    """Return misses and number of glyphs; a glyph without ink is a miss."""
    misread = predict(arguments.glyphs) != arguments.classes
    return int((misread | ~arguments.glyphs.any(axis=(1, 2))).sum()), len(misread)


PARTS: dict[str, Callable[[ComparisonSetup], None]] = {
    "training": training,
    "rates": rates,
    "latency": latency,
    "start": start,
    "accuracy": accuracy,
}
