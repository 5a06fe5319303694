"""One training run: from a recipe to a run folder."""

from __future__ import annotations

import csv
import json
import platform
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.text import Text
from safetensors.torch import save

from inkwise._util.errors import DataError, InkwiseError
from inkwise._util.files import atomic_file, locked, make_directory, write_bytes, write_text
from inkwise.datasets import Dataset
from inkwise.training.callbacks import Callback, Checkpoint, ProgressBar, build_callbacks
from inkwise.training.config import Recipe
from inkwise.training.glyph_task import GlyphTask
from inkwise.training.loop import AnyTrainingLoop, resolve_device, seeded
from inkwise.training.onnx_models import get_metadata, set_metadata
from inkwise.training.recipes import load_recipe
from inkwise.training.training_data import Split

Evaluate = Callable[[bytes, Dataset], dict[str, Any]]
"""From the model file and the training samples to the metrics that are added to the file's metadata."""

_PLAIN_TEXT: dict[str, Any] = {"markup": False, "highlight": False, "soft_wrap": True}


def train(
    recipe: Recipe,
    folder: Path,
    *,
    device: str = "auto",
    deterministic: bool = False,
    console: Console | None = None,
    callbacks: Sequence[Callback] = (),
    evaluate: Evaluate | None = None,
    split: Split | None = None,
) -> Path:
    """Train by a recipe, or resume a killed run in this folder.

    The folder then holds recipe.json, history.csv, weights.safetensors, model.onnx and checkpoint.pt. It is
    locked until the end, and torch's random state and deterministic mode are restored.

    Args:
        recipe: what to train.
        folder: the run folder.
        device: "auto", "cpu", "cuda" or "mps".
        deterministic: use deterministic algorithms only.
        console: shows progress; by default stderr.
        callbacks: called after the recipe's own, before the checkpoint is saved.
        evaluate: measures a classifier before its file is written. If it fails, the file lacks its metrics.
        split: the glyphs, in place of those of the recipe's data sets.

    Returns:
        The path of model.onnx.

    Raises:
        InkwiseError: a data set, the architecture, the first weights or the device cannot be used, the folder
            is of another recipe, another training writes there, or the disk is full.
    """
    chosen, console = resolve_device(device), console or Console(stderr=True)
    recipe = GlyphTask.resolve(recipe)
    make_directory(folder)
    with (
        locked(folder, "another training writes here", wait=0),
        seeded(recipe.seed, chosen, deterministic=deterministic),
    ):
        facts = _open_folder(folder, recipe, chosen)
        sources = ", ".join([*recipe.data.train, *recipe.data.negatives])
        with console.status(Text(f"synthesizing from {sources}")):
            task = GlyphTask(recipe, chosen, split)
        keys = "  ".join(f"{key}={value}" for key, value in recipe.values().items())
        threads = torch.get_num_threads()
        console.print(
            f"recipe={recipe.name}  {keys}\n{task.describe()}; {chosen}, {threads} threads", **_PLAIN_TEXT
        )
        ends = (Checkpoint(folder / "checkpoint.pt"), ProgressBar(console))
        loop: AnyTrainingLoop = task.loop([*build_callbacks(recipe.callbacks), *callbacks, *ends])
        net = loop.fit()
        if loop.stopped:
            console.print(f"stopped after epoch {loop.epoch}: {loop.stopped}")
        with atomic_file(folder / "history.csv") as part, part.open("w", newline="") as file:
            writer = csv.DictWriter(file, loop.history[0])
            writer.writeheader()
            writer.writerows(loop.history)
        model = task.to_onnx(net, _metadata(recipe, facts, loop))
        write_bytes(folder / "weights.safetensors", save(net.state_dict()))
        try:
            if evaluate:
                split = task.split
                originals = Dataset(
                    "training", split.training[split.originals], split.training_labels[split.originals]
                )
                metadata = get_metadata(model)
                metadata["metrics"] |= evaluate(model.SerializeToString(), originals)
                set_metadata(model, metadata)
        finally:
            write_bytes(folder / "model.onnx", model.SerializeToString())
    return folder / "model.onnx"


def resumed_recipe(folder: Path) -> Recipe:
    """The recipe of a run folder, to resume it.

    Raises:
        DataError: the folder holds no run.
    """
    try:
        return load_recipe(str(folder / "recipe.json"))
    except InkwiseError:
        raise DataError(f"{folder}: no run to resume (recipe.json is missing or damaged)") from None


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
    begun = any((folder / name).exists() for name in ("checkpoint.pt", "model.onnx"))
    if begun and resumed_recipe(folder) != recipe:
        raise DataError(f"{folder}: holds a run of another recipe; choose another folder")
    write_text(folder / "recipe.json", json.dumps(facts, indent=2, allow_nan=False) + "\n")
    return facts


def _commit() -> str | None:
    """The git commit of the code, "-dirty" if files were changed since; None outside a repository."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _metadata(recipe: Recipe, facts: dict[str, Any], loop: AnyTrainingLoop) -> dict[str, Any]:
    return {
        "format": 1,
        "name": recipe.name,
        "recipe": facts["recipe"],
        "data": list(recipe.data.train),
        "versions": facts["versions"],
        "commit": facts["commit"],
        "trained": facts["started"],
        "seconds": round(sum(row["seconds"] for row in loop.history), 1),
    }
