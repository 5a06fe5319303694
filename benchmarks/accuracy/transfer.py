"""Fashion-MNIST from few samples, from scratch and from the weights for digits.

    python -m benchmarks transfer FOLDER [--choose]

FOLDER holds the four files of Fashion-MNIST (Debian's package `dataset-fashion-mnist` puts them into
/usr/share/datasets/fashion-mnist). Prints the table of docs/transfer.md and draws docs/transfer.png.

Every run has about 600 steps of 64 and is evaluated once, at the end, on the 10,000 test images. A fifth of
its samples is held back to choose the epoch. The learning rates were chosen beforehand by --choose, on 5,000
training images that no run uses.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
from matplotlib.ticker import MultipleLocator, NullLocator, PercentFormatter

from benchmarks.common.reporting import ROOT, argument_parser, print_table
from inkwise import datasets
from inkwise._util.system import describe_machine
from inkwise.datasets import Dataset
from inkwise.evaluation.plots import LINE_COLORS, figure_to_png, new_figure
from inkwise.training import Recipe, load_recipe
from inkwise.training.callbacks import build_callbacks
from inkwise.training.glyph_task import GlyphLoop, GlyphSamples, glyph_logits
from inkwise.training.onnx_models import initial_net, resolve_recipe
from inkwise.training.training_data import stratified_mask

PLOT = ROOT / "docs" / "transfer.png"
CLASSES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
SIZES = (10, 30, 100, 300, 1000)
"""Samples per class, including those held back to choose the epoch."""
SEEDS = (0, 1, 2)
STEPS, BATCH, TEST = 600, 64, 10_000
BASE = load_recipe("default").set(
    optimization={"batch": BATCH}, model={"channels": (32, 32, 96)}, data={"validation": 0.2}
)
"""Recipe with the network of the bundled weights, without dropout."""
ARMS = {
    "from scratch": BASE.set(optimization={"lr": 3e-2}),
    "from digits, head alone": BASE.set(
        model={"init": "default"}, optimization={"layer_decay": 0.0, "lr": 3e-2}
    ),
    "from digits, layer decay 0.5": BASE.set(
        model={"init": "default"}, optimization={"layer_decay": 0.5, "lr": 3e-3}
    ),
}
RATES = (1e-3, 3e-3, 1e-2, 3e-2)


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--choose", action="store_true", help="only print the misses for each learning rate")
    arguments = parser.parse_args(argv)
    everything = fashion_mnist(arguments.folder / "train")
    everything = everything.select(np.random.default_rng(0).permutation(len(everything)))
    pool, others = everything.select(slice(5_000, None)), everything.select(slice(5_000))
    print(f"{describe_machine()}, {torch.get_num_threads()} threads.\n")
    if arguments.choose:
        rows = [
            (name, *(str(run(arm.set(optimization={"lr": lr}), pool, others, 100)) for lr in RATES))
            for name, arm in ARMS.items()
        ]
        print_table(("misses of 5,000 at lr", *(f"{lr:g}" for lr in RATES)), rows)
        return
    test = fashion_mnist(arguments.folder / "t10k")
    misses = {
        (name, size): [run(arm.set(seed=seed), pool, test, size) for seed in SEEDS]
        for size in SIZES
        for name, arm in ARMS.items()
    }
    print_table(
        ("samples per class", *ARMS),
        ((f"{size:,}", *(accuracy(misses[name, size]) for name in ARMS)) for size in SIZES),
    )
    PLOT.write_bytes(plot(misses))


def fashion_mnist(part: Path) -> Dataset:
    """Load Fashion-MNIST with class names as labels, which differ from the digits of the weights."""
    numbers = datasets.load_dataset(part)
    return Dataset(numbers.name, numbers.glyphs, np.array(CLASSES)[numbers.labels.astype(int)])


def run(recipe: Recipe, pool: Dataset, test: Dataset, size: int) -> int:
    """Train on `size` samples per class of the pool and return the misses on the test set."""
    start = time.perf_counter()
    rng = np.random.default_rng(recipe.seed)
    chosen = [rng.permutation(np.flatnonzero(pool.labels == label))[:size] for label in CLASSES]
    few = pool.select(np.concatenate(chosen))
    held = stratified_mask(few.labels, recipe.data.validation, rng)
    training, validation = samples(few.select(~held)), samples(few.select(held))
    epochs = round(STEPS / math.ceil(len(training) / BATCH))
    chosen_recipe = resolve_recipe(recipe.set(optimization={"epochs": epochs}))
    torch.manual_seed(recipe.seed)
    net = initial_net(chosen_recipe.model, CLASSES)
    net = GlyphLoop(net, chosen_recipe, training, validation, build_callbacks(chosen_recipe.callbacks)).fit()
    answers = np.array(CLASSES)[glyph_logits(net, torch.from_numpy(test.glyphs)).argmax(1)]
    wrong = int((answers != test.labels).sum())
    seconds = time.perf_counter() - start
    print(
        f"{size} {recipe.model.init or 'scratch'} {recipe.optimization.layer_decay}"
        f" lr {recipe.optimization.lr} seed {recipe.seed}:"
        f" {wrong} misses, {seconds:.0f} s",
        file=sys.stderr,
    )
    return wrong


def samples(dataset: Dataset) -> GlyphSamples:
    numbers = {label: number for number, label in enumerate(CLASSES)}
    classes = torch.tensor([numbers[label] for label in dataset.labels.tolist()])
    return GlyphSamples(torch.from_numpy(dataset.glyphs), classes)


def shares(misses: list[int]) -> list[float]:
    return [1 - count / TEST for count in misses]


def accuracy(misses: list[int]) -> str:
    """Format mean and standard deviation over the seeds, and the misses of each."""
    mean, std = statistics.mean(shares(misses)), statistics.stdev(shares(misses))
    return f"{100 * mean:.1f} ± {100 * std:.1f} % ({', '.join(f'{count:,}' for count in misses)})"


def plot(misses: dict[tuple[str, int], list[int]]) -> bytes:
    """Plot accuracy against samples per class: a dot for each run, a line through the means of each arm."""
    fig, ax = new_figure(6.4, 4.2)
    for name, color in zip(ARMS, LINE_COLORS, strict=False):
        runs = np.array([shares(misses[name, size]) for size in SIZES])
        ax.plot(SIZES, runs.mean(1), linewidth=1.8, color=color, label=name)
        ax.plot(SIZES, runs, "o", markersize=4, color=color, alpha=0.5, markeredgewidth=0)
    ax.set_xscale("log")
    ax.set_xticks(SIZES, [f"{size:,}" for size in SIZES])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_locator(MultipleLocator(0.05))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_xlabel("samples per class")
    ax.set_ylabel("accuracy on Fashion-MNIST test")
    ax.legend(frameon=False, loc="lower right")
    return figure_to_png(fig)
