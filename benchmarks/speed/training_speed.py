"""Time, accuracy and operations of the recipes that train to 99, 99.35 and 99.5 % on MNIST.

    python -m benchmarks training-speed [sprint-99 sprint-993 sprint-995] [--seeds 10] [--validation]

Time is measured from the digits in memory, uint8, to the trained weights, including network construction,
scaling, augmentation and every step, but without validation. The test set is read once, after the last run.
With --validation it is not read, and the figures are those of each seed's own validation set.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.common.reporting import argument_parser, print_table
from inkwise import datasets
from inkwise._util.intervals import wilson_interval
from inkwise._util.system import describe_machine
from inkwise._util.text import DIGITS
from inkwise.training import Recipe, load_recipe
from inkwise.training.callbacks import Callback, build_callbacks
from inkwise.training.glyph_task import GlyphLoop, GlyphSamples, glyph_logits, to_glyph_samples
from inkwise.training.loop import AnyTrainingLoop
from inkwise.training.models import Net
from inkwise.training.onnx_models import initial_net
from inkwise.training.training_data import load_split


@dataclass(frozen=True)
class TrainedRun:
    """A trained network, its training time in seconds, and the validation glyphs of its seed."""

    net: Net
    seconds: float
    validation: GlyphSamples


class Stopwatch(Callback):
    """Measure training time without the validation after an epoch's last step."""

    def __init__(self) -> None:
        """Start the clock."""
        self.seconds, self.start = 0.0, time.perf_counter()
        self.last = self.start

    def on_step_end(self, loop: AnyTrainingLoop) -> None:
        """Store the time, since this step may be the epoch's last."""
        self.last = time.perf_counter()

    def on_epoch_end(self, loop: AnyTrainingLoop) -> None:
        """Add the time up to the epoch's last step and restart the clock."""
        self.seconds += self.last - self.start
        self.start = time.perf_counter()


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("recipes", nargs="*", default=["sprint-99", "sprint-993", "sprint-995"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument(
        "--validation", action="store_true", help="evaluate on the validation sets instead of the test set"
    )
    arguments = parser.parse_args(argv)
    chosen = [load_recipe(name) for name in arguments.recipes]
    print(f"{describe_machine()}, {torch.get_num_threads()} threads.\n")
    # first, because torch initializes at its first step
    counted = {one.name: operations(one) for one in chosen}
    runs = {one.name: [train_once(one.set(seed=seed)) for seed in range(arguments.seeds)] for one in chosen}
    test = None if arguments.validation else datasets.load_dataset("mnist-test")
    test_samples = to_glyph_samples(test.glyphs, test.labels, DIGITS) if test else None
    print_table(
        ("recipe", "misses", "accuracy, mean ± std", "95 % interval, pooled", "seconds, mean ± std"),
        (row(one.name, runs[one.name], test_samples) for one in chosen),
    )
    print()
    print_table(
        ("recipe", "glyphs seen", "operations", "a second", "peak, same precision", "share of it"),
        ((one.name, *speed(*counted[one.name], runs[one.name])) for one in chosen),
    )


def train_once(chosen: Recipe, most: int | None = None) -> TrainedRun:
    """Train a recipe; with `most`, on that many digits, to measure speed only."""
    split, few = load_split(chosen), most and 64
    training = to_glyph_samples(split.training[:most], split.training_labels[:most], split.classes)
    validation = to_glyph_samples(split.validation[:few], split.validation_labels[:few], split.classes)
    torch.manual_seed(chosen.seed)
    watch = Stopwatch()
    net = initial_net(chosen.model, split.classes)
    loop = GlyphLoop(net, chosen, training, validation, [*build_callbacks(chosen.callbacks), watch])
    return TrainedRun(loop.fit(), watch.seconds, validation)


def misses(net: Net, samples: GlyphSamples) -> tuple[int, int]:
    """Return the misses of a network and the number of samples."""
    return int((glyph_logits(net, samples.glyphs).argmax(1) != samples.classes).sum()), len(samples)


def row(name: str, runs: list[TrainedRun], test_samples: GlyphSamples | None) -> tuple[str, ...]:
    counts = [misses(run.net, test_samples or run.validation) for run in runs]
    missed, of = map(sum, zip(*counts, strict=True))
    low, high = wilson_interval(of - missed, of)
    return (
        name,
        f"{', '.join(str(wrong) for wrong, _ in counts)} of {counts[0][1]:,}",
        spread([100 - 100 * wrong / n for wrong, n in counts], "{:.3f}") + " %",
        f"{low:.2%} to {high:.2%}",
        spread([run.seconds for run in runs], "{:.2f}"),
    )


def spread(values: list[float], form: str) -> str:
    std = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{form} ± {form}".format(statistics.mean(values), std)


def operations(chosen: Recipe) -> tuple[int, float, torch.dtype]:
    """Return glyphs seen in training, operations in convolutions and matrix products, and their type."""
    split = load_split(chosen)
    training = to_glyph_samples(split.training, split.training_labels, split.classes)
    batch = training.select(slice(chosen.optimization.batch))
    once = chosen.set(optimization={"epochs": 1})
    net = initial_net(chosen.model, split.classes)
    loop = GlyphLoop(net, once, batch, training.select(slice(1)), [])
    with FlopCounterMode(display=False) as counter:
        loop.fit()  # one step
    seen = len(training) * chosen.optimization.epochs
    kind = torch.bfloat16 if loop.uses_bfloat16 else torch.float32
    return seen, counter.get_total_flops() / len(batch) * seen, kind


def speed(seen: int, count: float, kind: torch.dtype, runs: list[TrainedRun]) -> tuple[str, ...]:
    rate, top = count / statistics.mean(run.seconds for run in runs), peak(kind)
    billions = (f"{number / 1e9:,.0f} billion" for number in (count, rate, top))
    return (f"{seen:,}", *billions, f"{rate / top:.0%}")


def peak(kind: torch.dtype, side: int = 2048, runs: int = 7) -> float:
    """Return the operations a second of a square matrix product, the fastest of the runs."""
    matrix = torch.randn(side, side).to(kind)
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / min(seconds)
