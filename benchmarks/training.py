"""Training time and accuracy on MNIST, beside two nets that beginners start from.

    python benchmarks/training.py [--seeds 3] [--peers]

Each of our runs has its length fixed beforehand and reads the test set once, at its end. The peers are nets
and settings of PyTorch's MNIST example and of Keras' "Simple MNIST convnet", written anew in PyTorch; they
are spared file reading (the set is in memory) and are looked at on the test set four times an epoch, their
clock stopped meanwhile, so that the moment they reach a mark is not missed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from common import machine, print_table
from rich.console import Console
from torch import nn

from inkwise import datasets
from inkwise.evaluation import evaluate_model
from inkwise.intervals import wilson_interval
from inkwise.recognition import Model
from inkwise.training import recipe, train

LENGTHS = {"to 99.0 %": 1, "to 99.5 %": 4, "full": recipe("default").epochs}
"""Epochs of the default recipe that are enough for each mark."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--peers", action="store_true", help="train the two peers as well, one seed each")
    arguments = parser.parse_args()
    print(f"{machine()}, {torch.get_num_threads()} threads.\n")
    ours = {name: [run(epochs, seed) for seed in range(arguments.seeds)] for name, epochs in LENGTHS.items()}
    print_table(
        (
            "default recipe",
            "epochs",
            "misses of 10,000",
            "accuracy, mean ± std",
            "95 % interval, pooled",
            "seconds, mean ± std",
        ),
        (row(name, runs) for name, runs in ours.items()),
    )
    if not arguments.peers:
        return
    quick, full = (
        statistics.mean(s for _, s in ours["to 99.0 %"]),
        statistics.mean(s for _, s in ours["full"]),
    )
    rows = [("Inkwise, default", f"{quick:.0f} s", "1", accuracy(ours["full"]), f"{full:.0f} s", "-", "-")]
    for name, (build, batch, epochs, settings) in PEERS.items():
        curve = train_peer(build, batch, epochs, settings)
        to_mark = next((seconds for seconds, misses in curve if misses <= 100), None)
        final_seconds, final_misses = curve[-1]
        # Which of our lengths is as good as the peer's last state?
        matching = min(
            statistics.mean(s for _, s in runs)
            for runs in ours.values()
            if statistics.mean(m for m, _ in runs) <= final_misses
        )
        rows.append(
            (
                name,
                f"{to_mark:.0f} s" if to_mark else "never",
                f"{to_mark / quick:.1f}" if to_mark else "-",
                f"{1 - final_misses / 10_000:.2%} ({final_misses} misses)",
                f"{final_seconds:.0f} s",
                f"{final_seconds / full:.1f}",
                f"{final_seconds / matching:.1f}",
            )
        )
    print()
    print_table(
        (
            "net",
            "to 99.0 %",
            "ratio",
            "final accuracy",
            "total",
            "ratio of totals",
            "our time to its accuracy, ratio",
        ),
        rows,
    )


def run(epochs: int, seed: int) -> tuple[int, float]:
    """Misses of 10,000 and wall-clock seconds of a whole run, data and export included."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        path = train(
            recipe("default").set(epochs=epochs, seed=seed), Path(folder), console=Console(quiet=True)
        )
        seconds = time.perf_counter() - began
        (result,) = evaluate_model(Model(path), [datasets.load("mnist-test")])
    return result.evaluation.misses, seconds


def row(name: str, runs: list[tuple[int, float]]) -> tuple[str, ...]:
    misses, seconds = zip(*runs, strict=True)
    n = 10_000 * len(runs)
    low, high = wilson_interval(n - sum(misses), n)
    mean, std = statistics.mean(seconds), statistics.stdev(seconds) if len(runs) > 1 else 0.0
    return (
        name,
        str(LENGTHS[name]),
        ", ".join(map(str, misses)),
        accuracy(runs),
        f"{low:.2%} to {high:.2%}",
        f"{mean:.1f} ± {std:.1f}",
    )


def accuracy(runs: list[tuple[int, float]]) -> str:
    shares = [100 - misses / 100 for misses, _ in runs]
    std = statistics.stdev(shares) if len(runs) > 1 else 0.0
    return f"{statistics.mean(shares):.3f} ± {std:.3f} %"


def pytorch_example() -> nn.Module:
    """The net of PyTorch's MNIST example, 1,199,882 parameters."""
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)),
        *(nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)),
    )


def keras_example() -> nn.Module:
    """The net of Keras' simple MNIST convnet, 34,826 parameters."""
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10)),
    )


def adadelta(net: nn.Module) -> tuple[torch.optim.Optimizer, float]:
    """The optimizer of PyTorch's example and what its rate is multiplied by each epoch."""
    return torch.optim.Adadelta(net.parameters(), lr=1.0), 0.7


def adam(net: nn.Module) -> tuple[torch.optim.Optimizer, float]:
    """The optimizer of Keras' example; its rate stays."""
    return torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7), 1.0


Settings = Callable[[nn.Module], tuple[torch.optim.Optimizer, float]]

PEERS: dict[str, tuple[Callable[[], nn.Module], int, int, Settings]] = {
    "PyTorch's MNIST example": (pytorch_example, 64, 14, adadelta),
    "Keras' simple MNIST convnet": (keras_example, 128, 15, adam),
}


def train_peer(
    build: Callable[[], nn.Module], batch: int, epochs: int, settings: Settings
) -> list[tuple[float, int]]:
    """Seconds of training and misses on the test set, four times an epoch."""
    torch.manual_seed(0)
    training, test = (datasets.load(f"mnist-{part}") for part in ("train", "test"))
    inputs, test_inputs = (
        (torch.from_numpy(d.glyphs)[:, None] / 255 - 0.1307) / 0.3081 for d in (training, test)
    )
    classes, test_classes = (torch.from_numpy(d.labels.astype(int)) for d in (training, test))
    net = build()
    optimizer, factor = settings(net)
    curve, seconds = [], 0.0
    for _ in range(epochs):
        for part in torch.randperm(len(inputs)).chunk(4):
            net.train()
            began = time.perf_counter()
            for index in part.split(batch):
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(inputs[index]), classes[index]).backward()
                optimizer.step()
            seconds += time.perf_counter() - began
            net.eval()
            with torch.no_grad():
                answers = torch.cat([net(some).argmax(1) for some in test_inputs.split(1000)])
            curve.append((seconds, int((answers != test_classes).sum())))
        for group in optimizer.param_groups:
            group["lr"] *= factor
    return curve


if __name__ == "__main__":
    main()
