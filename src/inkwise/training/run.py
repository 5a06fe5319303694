"""One training run: a recipe in, a run folder out."""

from __future__ import annotations

import csv
import json
import math
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text
from safetensors.torch import save

from inkwise.errors import DataError, InkwiseError
from inkwise.files import make_folder, write_whole
from inkwise.texts import NOT_A_DIGIT
from inkwise.training.calibration import expect_digits, fit_temperature
from inkwise.training.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    OneCycle,
    Progress,
    ReduceOnPlateau,
    Step,
    WeightAveraging,
)
from inkwise.training.export import export
from inkwise.training.loop import Loop, Samples, logits_of
from inkwise.training.net import Net
from inkwise.training.recipe import Recipe
from inkwise.training.recipes import recipe as recipe_of
from inkwise.training.samples import Split, gather
from inkwise.training.summary import layers
from inkwise.training.weights import resolve, start, teachers_of

_ACCEPTED = 0.99  # share of validation digits that the threshold lets pass


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
    set is read. `callbacks` are called after the recipe's own, before the checkpoint is saved.

    Returns:
        The path of model.onnx.

    Raises:
        InkwiseError: data, net, first weights or device cannot be had, the folder is of another recipe, the
            disk is full.
    """
    console = console or Console(stderr=True)
    chosen = device_of(device)
    recipe = resolve(recipe)
    torch.manual_seed(recipe.seed)
    torch.use_deterministic_algorithms(deterministic)
    facts = _open_folder(folder, recipe, chosen)
    sources = ", ".join([*recipe.data, *recipe.others])
    with console.status(Text(f"drawing the glyphs of {sources}")):
        split = gather(recipe)
    net = start(recipe, split.classes)
    console.print(_describe(recipe, split, net, chosen), markup=False, highlight=False, soft_wrap=True)
    training = samples_of(split.training, split.training_labels, split.classes, chosen)
    validation = samples_of(split.validation, split.validation_labels, split.classes, chosen)
    ends = (Checkpoint(folder / "checkpoint.pt"), Progress(console))
    teachers = teachers_of(recipe, split.classes)
    loop = Loop(net, recipe, training, validation, [*callbacks_of(recipe), *callbacks, *ends], teachers)
    net = loop.fit()
    if loop.stopped:
        console.print(f"stopped after epoch {loop.epoch}: {loop.stopped}")
    if NOT_A_DIGIT in split.classes:
        expect_digits(net, float((split.training_labels == NOT_A_DIGIT).mean()))
    _write_history(folder / "history.csv", loop.history)
    write_whole(folder / "weights.safetensors", lambda part: part.write_bytes(save(net.state_dict())))
    path = folder / "model.onnx"
    export(net, path, *_metadata(net, recipe, facts, split, loop))
    return path


def resume(folder: Path) -> Recipe:
    """The recipe of a run folder, to go on with.

    Raises:
        DataError: the folder holds no run.
    """
    try:
        return recipe_of(str(folder / "recipe.json"))
    except InkwiseError:
        raise DataError(f"{folder}: no run to resume (recipe.json is missing or damaged)") from None


def callbacks_of(recipe: Recipe) -> list[Callback]:
    """Averaging, early stopping and schedule, as far as the recipe asks for them."""
    callbacks: list[Callback] = []
    if recipe.averaging:
        callbacks.append(WeightAveraging(recipe.averaging))
    if recipe.early_stopping:
        callbacks.append(EarlyStopping(recipe.early_stopping))
    if recipe.schedule == "one-cycle":
        callbacks.append(OneCycle(recipe.warmup))
    elif recipe.schedule == "step":
        callbacks.append(Step(recipe.step_epochs, recipe.factor))
    elif recipe.schedule == "plateau":
        callbacks.append(ReduceOnPlateau(recipe.patience, recipe.factor))
    return callbacks


def device_of(name: str) -> torch.device:
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


def samples_of(
    glyphs: NDArray[np.uint8],
    labels: NDArray[np.str_],
    classes: Sequence[str],
    device: torch.device | str = "cpu",
) -> Samples:
    """Glyphs (n, 28, 28) and the places of their labels (n,) among the classes."""
    places = {name: place for place, name in enumerate(classes)}
    numbers = torch.tensor([places[label] for label in labels.tolist()], dtype=torch.int64)
    return Samples(torch.from_numpy(glyphs).to(device), numbers.to(device))


def _open_folder(folder: Path, recipe: Recipe, device: torch.device) -> dict[str, Any]:
    """Make the run folder with its recipe.json, or check that it is of this recipe."""
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
    make_folder(folder)
    path = folder / "recipe.json"
    begun = any((folder / name).exists() for name in ("checkpoint.pt", "model.onnx"))
    if begun and resume(folder) != recipe:
        raise DataError(f"{folder}: holds a run of another recipe; choose another folder")
    write_whole(path, lambda part: part.write_text(json.dumps(facts, indent=2) + "\n"))
    return facts


def _commit() -> str | None:
    """The git commit of the code, "-dirty" where files were changed since; None outside a repository."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _describe(recipe: Recipe, split: Split, net: Net, device: torch.device) -> str:
    parameters = sum(p.numel() for p in net.parameters())
    table = "".join(
        f"  {kind:<14}{'×'.join(map(str, shape)):<10}{count:>9,}\n" for kind, shape, count in layers(net)
    )
    keys = "  ".join(f"{key}={value}" for key, value in recipe.to_dict().items())
    return (
        f"{keys}\n{table}{recipe.net}: {parameters:,} parameters; {len(split.training):,} glyphs to train on,"
        f" {len(split.validation):,} to choose by; {device}, {torch.get_num_threads()} threads"
    )


def _metadata(
    net: Net, recipe: Recipe, facts: dict[str, Any], split: Split, loop: Loop
) -> tuple[float, dict[str, Any]]:
    """The temperature and the metadata, both from the validation set."""
    labels = [name for name in split.classes if name != NOT_A_DIGIT]
    validation = loop.validation
    logits = logits_of(net, validation.glyphs.cpu()).numpy()
    numbers = validation.classes.cpu().numpy()
    digits = numbers < len(labels)
    temperature = fit_temperature(logits[digits], numbers[digits])
    top = torch.from_numpy(logits / temperature).softmax(1)[:, : len(labels)].amax(1).numpy()
    # Down to four digits: up, none might reach it.
    threshold = math.floor(1e4 * float(np.quantile(top[digits], 1 - _ACCEPTED))) / 1e4
    misses = logits[digits, : len(labels)].argmax(1) != numbers[digits]
    counts = {"n": int(digits.sum()), "misses": int(misses.sum())}
    if not digits.all():
        counts |= {"others": int((~digits).sum()), "others_rejected": int((top[~digits] < threshold).sum())}
    return temperature, {
        "format": 1,
        "name": recipe.name,
        "labels": labels,
        "rejects": NOT_A_DIGIT in split.classes,
        "temperature": round(temperature, 4),
        "threshold": threshold,
        "recipe": facts["recipe"],
        "net": layers(net),
        "data": list(recipe.data),
        "metrics": {"validation": counts},
        "versions": facts["versions"],
        "commit": facts["commit"],
        "trained": facts["started"],
        "seconds": round(sum(row["seconds"] for row in loop.history), 1),
    }


def _write_history(path: Path, history: list[dict[str, float]]) -> None:
    def write(part: Path) -> None:
        with part.open("w", newline="") as file:
            writer = csv.DictWriter(file, history[0])
            writer.writeheader()
            writer.writerows(history)

    write_whole(path, write)
