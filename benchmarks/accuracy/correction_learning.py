"""Error reduction from a writer's corrections, by few-shot adaptation and by fine-tuning.

    inkwise train default --out runs/default
    python -m benchmarks correction-learning unipen_digits.npz --mnist-only runs/default/model.onnx \
        --more pendigits.npz

Prints Markdown, and draws docs/learning.png and docs/learning-errors.png of the first set. Each pair of a
writer and a number of answers is a row of learning.csv; rerun the same command to resume an interrupted run.
"""

from __future__ import annotations

import csv
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib import resources
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.common.handwriting_sets import load_strokes
from benchmarks.common.reporting import ROOT, argument_parser, print_table
from inkwise import Recognizer, datasets
from inkwise._util.system import describe_machine
from inkwise.preprocessing import Strokes, strokes_to_glyph
from inkwise.training.fine_tuning import fine_tune

ANSWER_COUNTS = (0, 10, 20, 40, 80)
MIN_SAMPLES = 60  # of a writer
MIN_TEST_SAMPLES = 10  # remaining after the answers
BASE_MODELS = ("MNIST alone", "bundled")
READERS = ("none", "adapted", "learnt")
HEAD = (
    *("answered", "writers", "no learning", "adaptation", "errors removed", "and `learn`", "errors removed"),
    "MNIST test misses: none, adaptation, and `learn`",
)
FIELDS = (
    *("set", "start", "writer", "third", "answered", "n", "none", "adapted", "learnt", "sound", "sound_none"),
    *("sound_adapted", "sound_learnt", "mnist_none", "mnist_adapted", "mnist_learnt", "seconds"),
)


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("strokes", type=Path)
    parser.add_argument("--mnist-only", type=Path, required=True, metavar="MODEL")
    parser.add_argument(
        "--more", type=Path, nargs="*", default=[], help="strokes of writers on whom no setting was chosen"
    )
    parser.add_argument("--rows", type=Path, default=Path("learning.csv"))
    arguments = parser.parse_args(argv)
    done = {key(row) for row in read(arguments.rows)}
    plans = [plan(arguments.strokes, BASE_MODELS), *(plan(path, BASE_MODELS[:1]) for path in arguments.more)]
    tasks = [task for task in chain(*plans) if (task[0].stem, *task[1:]) not in done]
    os.environ["OMP_NUM_THREADS"] = "1"  # one thread for each worker; set before it imports torch
    models = {"MNIST alone": arguments.mnist_only, "bundled": None}
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        jobs = [pool.submit(measure, models[task[1]], *task) for task in tasks]
        for number, job in enumerate(jobs, 1):
            append(arguments.rows, job.result())
            print(f"{number} of {len(jobs)}", flush=True)
    rows = read(arguments.rows)
    report(rows, [path.stem for path in (arguments.strokes, *arguments.more)])
    rows = [row for row in rows if row["set"] == arguments.strokes.stem]
    draw_curve(rows, ROOT / "docs" / "learning.png")
    draw_errors(arguments.strokes, arguments.mnist_only, ROOT / "docs" / "learning-errors.png")


def plan(path: Path, starts: tuple[str, ...]) -> Iterator[tuple[Path, str, int, int]]:
    """Yield (path, start, writer, answered) for writers without training data and with samples left."""
    _, writers = load_strokes(path)
    thirds = datasets.split_by_writer(writers)
    for writer in np.unique(writers).tolist():
        own = writers == writer
        if own.sum() < MIN_SAMPLES:
            continue
        for start in starts:
            if start == "bundled" and (thirds[own] == "train").all():
                continue
            for answered in ANSWER_COUNTS:
                if own.sum() - answered >= MIN_TEST_SAMPLES:
                    yield path, start, writer, answered


def measure(
    model: Path | None, path: Path, start: str, writer: int, answered: int
) -> dict[str, str | int | float]:
    """Count wrong answers on the writer's remaining samples and on MNIST test."""
    begin = time.perf_counter()
    strokes, writers, mnist = load_sets(path)
    third = str(datasets.split_by_writer(writers)[writers == writer][0])
    own = strokes.select(writers == writer)
    corrected, rest = (own.select(part) for part in np.split(np.arange(len(own)), [answered]))
    readers = {"none": Recognizer(model, threads=1)}
    readers["adapted"] = readers["learnt"] = readers["none"]
    if answered:
        glyphs = corrected.to_dataset().glyphs
        readers["adapted"] = readers["none"].adapt(glyphs, corrected.labels)
        readers["learnt"] = fine_tuned(model, corrected).adapt(glyphs, corrected.labels)
    sound = ~np.array(
        [is_broken_sample(s, label) for s, label in zip(rest.samples, rest.labels, strict=True)]
    )
    row: dict[str, str | int | float] = {"set": path.stem, "start": start, "writer": writer, "third": third}
    row |= {"answered": answered, "n": len(rest), "sound": int(sound.sum())}
    for name, reader in readers.items():
        wrong = answers(reader, rest.to_dataset().glyphs) != rest.labels
        row[name], row[f"sound_{name}"] = int(wrong.sum()), int(wrong[sound].sum())
        row[f"mnist_{name}"] = int((answers(reader, mnist.glyphs) != mnist.labels).sum())
    return row | {"seconds": round(time.perf_counter() - begin, 1)}


def answers(reader: Recognizer, glyphs: NDArray[np.uint8]) -> NDArray[np.str_]:
    return np.asarray(np.array(reader.labels)[reader.classify(glyphs).argmax(1)])


def fine_tuned(model: Path | None, corrected: datasets.StrokeSet) -> Recognizer:
    """Return the recognizer that `inkwise learn` trains from these answers."""
    weights = resources.files("inkwise.recognition") / "weights" / "default.onnx"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "learnt.onnx"
        nothing = datasets.Dataset("", np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.str_), None)
        fine_tune((model or weights).read_bytes(), path, "writer", corrected, nothing, replay())
        return Recognizer(path, threads=1)


@cache
def replay() -> datasets.Dataset:
    return datasets.load_dataset("mnist-train")


@cache
def load_sets(path: Path) -> tuple[datasets.StrokeSet, NDArray[np.int64], datasets.Dataset]:
    """Load the strokes, their writers and MNIST's test digits once in each process."""
    return *load_strokes(path), datasets.load_dataset("mnist-test")


def is_broken_sample(sample: Strokes, label: str) -> bool:
    """Return whether a sample is a dot, or a straight bar that is horizontal or not labelled 1.

    Some writers' last samples in UNIPEN are such fragments of digits, cut at the wrong places.
    """
    points = np.concatenate(sample).astype(float)
    points -= points.mean(0)
    extents = np.linalg.svd(points, full_matrices=False, compute_uv=True)
    across = points @ extents[2].T
    long, short = np.ptp(across, axis=0) if len(points) > 1 else (0.0, 0.0)
    if long < 100:  # 1 mm
        return True
    direction = extents[2][0]
    horizontal = abs(direction[1]) < abs(direction[0])
    return bool(short < 0.12 * long and (label != "1" or horizontal))


def key(row: dict[str, str]) -> tuple[str, str, int, int]:
    return row["set"], row["start"], int(row["writer"]), int(row["answered"])


def read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def append(path: Path, row: dict[str, str | int | float]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def chosen(rows: list[dict[str, str]], start: str, answered: int, thirds: str) -> list[dict[str, str]]:
    return [
        row
        for row in rows
        if (row["start"], int(row["answered"])) == (start, answered) and row["third"] in thirds.split()
    ]


def errors(rows: list[dict[str, str]], what: str, sound: str = "") -> NDArray[np.float64]:
    """Return each writer's error rate in per cent."""
    n = np.array([int(row[sound or "n"]) for row in rows])
    return np.asarray(100 * np.array([int(row[f"{sound}_{what}" if sound else what]) for row in rows]) / n)


def report(rows: list[dict[str, str]], sets: list[str]) -> None:
    """Print the tables: of the first set from both models, of the others from MNIST alone, all writers."""
    seconds = [float(row["seconds"]) for row in rows if row["answered"] != "0"]
    print(f"{describe_machine()}. One row took {np.median(seconds):.0f} s (median) on one core.\n")
    everybody, unchosen = "train validation test", "validation test"
    tables = [(sets[0], BASE_MODELS[0], everybody), *((sets[0], start, unchosen) for start in BASE_MODELS)]
    for name, start, thirds in tables + [(other, BASE_MODELS[0], everybody) for other in sets[1:]]:
        own = [row for row in rows if row["set"] == name]
        for sound in ("", "sound") if any(row["sound"] != row["n"] for row in own) else ("",):
            without = ", broken samples left out" if sound else ""
            print(f"\n{name} from {start}, writers of {thirds}{without}:\n")
            print_table(HEAD, [table_row(chosen(own, start, k, thirds), k, sound) for k in ANSWER_COUNTS])


def table_row(rows: list[dict[str, str]], answered: int, sound: str) -> list[str]:
    none, adapted, learnt = (errors(rows, what, sound) for what in READERS)
    mnist = [np.mean([int(row[f"mnist_{what}"]) for row in rows]) for what in READERS]
    return [
        str(answered),
        str(len(rows)),
        mean_and_interval(100 - none),
        mean_and_interval(100 - adapted),
        removed(none, adapted),
        mean_and_interval(100 - learnt),
        removed(none, learnt),
        ", ".join(f"{misses:.1f}" for misses in mnist),
    ]


def mean_and_interval(values: np.ndarray) -> str:
    """Mean over writers and its 95 % interval by Student's t."""
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return f"{values.mean():.2f} % ± {half:.2f}"


def removed(before: np.ndarray, after: np.ndarray) -> str:
    return f"{100 * (1 - after.mean() / before.mean()):.0f} %" if before.any() else "-"


def draw_curve(rows: list[dict[str, str]], path: Path) -> None:
    """Mean share of misses over writers by answers given, broken samples left out, a panel for each start."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
    for axes, start in zip(panels, BASE_MODELS, strict=True):
        thirds = "train validation test" if start == BASE_MODELS[0] else "validation test"
        groups = [chosen(rows, start, answered, thirds) for answered in ANSWER_COUNTS]
        ticks = [f"{answered}\n({len(group)})" for answered, group in zip(ANSWER_COUNTS, groups, strict=True)]
        styles = ("k:", "C0--", "C1-")
        for what, style, name in zip(READERS, styles, (HEAD[2], HEAD[3], HEAD[5]), strict=True):
            misses = [errors(group, what, "sound").mean() for group in groups]
            axes.plot(range(len(ANSWER_COUNTS)), misses, style, marker="o", markersize=4, label=name)
        axes.set(title=f"from {start}", xlabel="answers given (writers)", xticks=range(len(ANSWER_COUNTS)))
        axes.set_xticklabels(ticks)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("misses among the remaining samples, %")
    panels[0].legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_errors(path: Path, model: Path, to: Path) -> None:
    """Draw the errors of few-shot adaptation after 40 answers, from MNIST alone; broken samples in red."""
    strokes, writers = load_strokes(path)
    tiles = []
    for _, _, writer, answered in plan(path, BASE_MODELS[:1]):
        if answered != 40:
            continue
        own = strokes.select(writers == writer)
        corrected, rest = (own.select(part) for part in np.split(np.arange(len(own)), [answered]))
        reader = Recognizer(model).adapt(corrected.to_dataset().glyphs, corrected.labels)
        for sample, label, answer in zip(
            rest.samples, rest.labels, answers(reader, rest.to_dataset().glyphs), strict=True
        ):
            if label != answer:
                tiles.append(
                    (strokes_to_glyph(sample), f"{label} read {answer}", is_broken_sample(sample, label))
                )
    columns = 16
    figure, axes = plt.subplots(
        -(-len(tiles) // columns), columns, figsize=(12, 0.9 * (len(tiles) // columns + 1))
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (glyph, title, is_broken) in zip(axes.flat, tiles, strict=False):
        ax.imshow(glyph, cmap="gray_r")
        ax.set_title(title, fontsize=6, color="tab:red" if is_broken else "black", pad=2)
    figure.savefig(to, dpi=100, bbox_inches="tight")
