"""One training run: a recipe in, a run folder out."""

from __future__ import annotations

import csv
import json
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.console import Console
from rich.text import Text
from safetensors.torch import save

from inkwise._util.errors import DataError, InkwiseError
from inkwise._util.files import atomic_file, locked, make_directory, write_bytes, write_text
from inkwise.training.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    OneCycle,
    ProgressBar,
    ReduceOnPlateau,
    StepDecay,
    WeightAveraging,
)
from inkwise.training.config import Recipe
from inkwise.training.glyph_task import GlyphTask
from inkwise.training.line_task import LineTask
from inkwise.training.loop import AnyTrainingLoop
from inkwise.training.recipes import load_recipe as recipe_of
from inkwise.training.seeding import seeded

BUSY = "another training writes here"
"""What the error says when another process has the lock of a run folder."""

_PLAIN_TEXT: dict[str, Any] = {"markup": False, "highlight": False, "soft_wrap": True}


class TrainingTask(Protocol):
    """What is trained: a net, the samples that it learns from, and how it is written down."""

    def describe(self) -> str:
        """What is trained on what, for the console."""
        ...

    def loop(self, callbacks: list[Callback]) -> AnyTrainingLoop:
        """What trains the net."""
        ...

    def export(self, net: Any, path: Path, facts: dict[str, Any]) -> None:
        """Calibrate a trained net, and write it as an ONNX file with these facts among its metadata."""


def train(
    recipe: Recipe,
    folder: Path,
    *,
    device: str = "auto",
    deterministic: bool = False,
    console: Console | None = None,
    callbacks: Sequence[Callback] = (),
) -> Path:
    """Train by a recipe, or go on where a killed run in this folder stopped.

    The folder then holds recipe.json, history.csv, weights.safetensors, model.onnx and checkpoint.pt. No test
    set is read. `callbacks` are called after the recipe's own, before the checkpoint is saved. The folder is
    locked until the end, and torch's random state and deterministic mode are restored.

    Returns:
        The path of model.onnx.

    Raises:
        InkwiseError: data, net, first weights or device cannot be had, the folder is of another recipe or
            another training writes there, the disk is full.
    """
    chosen = resolve_device(device)
    recipe = _kind(recipe).resolve(recipe)
    make_directory(folder)
    with locked(folder, BUSY, wait=0), seeded(recipe.seed, chosen, deterministic=deterministic):
        return _train(recipe, folder, chosen, console or Console(stderr=True), callbacks)


def _kind(recipe: Recipe) -> type[GlyphTask | LineTask]:
    return LineTask if recipe.strips else GlyphTask


def _train(
    recipe: Recipe, folder: Path, device: torch.device, console: Console, callbacks: Sequence[Callback]
) -> Path:
    facts = _open_folder(folder, recipe, device)
    sources = ", ".join([*recipe.data, *recipe.others])
    with console.status(Text(f"drawing from {sources}")):
        task: TrainingTask = _kind(recipe)(recipe, device)
    keys = "  ".join(f"{key}={value}" for key, value in recipe.to_dict().items())
    threads = torch.get_num_threads()
    console.print(f"{keys}\n{task.describe()}; {device}, {threads} threads", **_PLAIN_TEXT)
    ends = (Checkpoint(folder / "checkpoint.pt"), ProgressBar(console))
    loop = task.loop([*build_callbacks(recipe), *callbacks, *ends])
    net = loop.fit()
    if loop.stopped:
        console.print(f"stopped after epoch {loop.epoch}: {loop.stopped}")
    _write_history(folder / "history.csv", loop.history)
    path = folder / "model.onnx"
    task.export(net, path, _metadata(recipe, facts, loop))
    write_bytes(folder / "weights.safetensors", save(net.state_dict()))
    return path


def resumed_recipe(folder: Path) -> Recipe:
    """The recipe of a run folder, to go on with.

    Raises:
        DataError: the folder holds no run.
    """
    try:
        return recipe_of(str(folder / "recipe.json"))
    except InkwiseError:
        raise DataError(f"{folder}: no run to resume (recipe.json is missing or damaged)") from None


def build_callbacks(recipe: Recipe) -> list[Callback]:
    """Averaging, early stopping and schedule, as far as the recipe asks for them."""
    callbacks: list[Callback] = []
    if recipe.averaging:
        callbacks.append(WeightAveraging(recipe.averaging))
    if recipe.early_stopping:
        callbacks.append(EarlyStopping(recipe.early_stopping))
    if recipe.schedule == "one-cycle":
        callbacks.append(OneCycle(recipe.warmup))
    elif recipe.schedule == "step":
        callbacks.append(StepDecay(recipe.step_epochs, recipe.factor))
    elif recipe.schedule == "plateau":
        callbacks.append(ReduceOnPlateau(recipe.patience, recipe.factor))
    return callbacks


def resolve_device(name: str) -> torch.device:
    """The device of a name; auto takes CUDA, then MPS, then the CPU.

    Raises:
        InkwiseError: there is none, or not on this machine.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, there in available.items() if there))
    if name not in available:
        raise InkwiseError(f"no device {name!r}; there are: auto, {', '.join(available)}")
    if not available[name]:
        raise InkwiseError(f"device {name} is not available on this machine; 'auto' takes what there is")
    return torch.device(name)


def _open_folder(folder: Path, recipe: Recipe, device: torch.device) -> dict[str, Any]:
    """Write recipe.json, if the folder is empty or of this recipe."""
    facts = {
        "recipe": recipe.to_dict(),
        "commit": _commit(),
        "device": torch.cuda.get_device_name()
        if device.type == "cuda"
        else f"{device} ({platform.processor()})",
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in ("inkwise", "torch", "numpy", "opencv-python-headless")}
        | {"python": platform.python_version()},
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path = folder / "recipe.json"
    begun = any((folder / name).exists() for name in ("checkpoint.pt", "model.onnx"))
    if begun and resumed_recipe(folder) != recipe:
        raise DataError(f"{folder}: holds a run of another recipe; choose another folder")
    write_text(path, json.dumps(facts, indent=2, allow_nan=False) + "\n")
    return facts


def _commit() -> str | None:
    """The git commit of the code, "-dirty" where files were changed since; None outside a repository."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _metadata(recipe: Recipe, facts: dict[str, Any], loop: AnyTrainingLoop) -> dict[str, Any]:
    """Where a model comes from."""
    return {
        "format": 1,
        "name": recipe.name,
        "recipe": facts["recipe"],
        "data": list(recipe.data),
        "versions": facts["versions"],
        "commit": facts["commit"],
        "trained": facts["started"],
        "seconds": round(sum(row["seconds"] for row in loop.history), 1),
    }


def _write_history(path: Path, history: list[dict[str, float]]) -> None:
    with atomic_file(path) as part, part.open("w", newline="") as file:
        writer = csv.DictWriter(file, history[0])
        writer.writeheader()
        writer.writerows(history)
