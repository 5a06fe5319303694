"""Fine-tuning of a writer's model: train, evaluate and store a version, here or in a background process."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

from inkwise._util.errors import (
    TORCH_INDEX,
    InkwiseError,
    ModelError,
    StoreError,
    missing_module_message,
    requires_extra,
)
from inkwise._util.text import NOT_A_DIGIT
from inkwise.corrections.accuracy import Accuracy
from inkwise.corrections.number_learning import learn_numbers
from inkwise.corrections.sample import to_dataset, to_strokes
from inkwise.corrections.store import Store
from inkwise.corrections.versions import ModelVersion, VersionScores
from inkwise.datasets import Dataset, load_dataset
from inkwise.recognition import Model
from inkwise.recognition.model import model_source

MIN_SAMPLES = 10
"""Labelled samples that a writer needs; fewer can neither train nor evaluate a model."""

ProgressFunction = Callable[[str, float], None]
"""Receives the current step and the share of the whole job that is done, 0 to 1."""

_MEASURED_SHARE = 0.2  # share of a job from which its speed is known well enough to tell the time left

_REQUIRED_MODULES = ("torch", "onnx", "onnxscript", "scipy", "safetensors")
_COMMAND = [
    sys.executable,
    "-c",
    "from inkwise.corrections import learning_jobs; learning_jobs.run_job_process()",
]


def learn(
    store: Store,
    writer: str,
    base: str | Path | None = None,
    *,
    progress: ProgressFunction = lambda step, share: None,
    promote: bool = False,
) -> ModelVersion:
    """Fine-tune a model on two thirds of a writer's labelled digits, and store it as a version.

    The new model and the writer's present model (the base model if that is damaged) are evaluated on MNIST
    test and on the held-out third. The version is promoted if it is worse on neither: see
    `VersionScores.worse_than`. Numbers that are composed of the same digits fine-tune the line reader.

    Args:
        store: Holds the samples, and receives the version.
        writer: Name of the writer.
        base: Base model: a model file, a run folder or the name of a bundled model; None is "default".
        progress: Receives the progress.
        promote: Promote the version even if it is worse.

    Raises:
        StoreError: Too few samples, all were deleted meanwhile, or the database cannot be used.
        DataError: MNIST is not available.
        ModelError: The base model cannot be used, or reads letters.
        InkwiseError: PyTorch is not installed; the message says what to install.
    """
    with requires_extra("train", "learning"):
        from inkwise.training.fine_tuning import fine_tune
    start = model_source("default" if base is None else base)
    if Model(start).reads_letters:
        raise ModelError("a model that reads letters cannot learn: its replay would need letters")
    samples = store.samples(writer=writer, labelled=True, of_digits=True)[::-1]
    if (missing := MIN_SAMPLES - len(samples)) > 0:
        raise StoreError(
            f"{writer} has {len(samples)} labelled samples; "
            f"learning needs {missing} more, {MIN_SAMPLES} in all"
        )
    held = [sample for sample in samples if is_held_out(sample.id)]
    learnt = [sample for sample in samples if not is_held_out(sample.id)]
    progress("loading MNIST", 0.0)  # the shares are about those of the time, on one core
    replay, mnist = load_dataset("mnist-train"), load_dataset("mnist-test")
    present = store.versions.promoted(writer)
    with tempfile.TemporaryDirectory() as folder:
        progress("measuring the present model", 0.01)
        known, _, damage = store.versions.open_or_base(present, Model(start), threads=0)
        lines = None if damage else store.versions.line_weights(present)
        before = _scores(known, mnist, to_dataset(held, "held out"))
        path = Path(folder) / "learnt.onnx"
        fine_tune(
            start,
            path,
            writer,
            to_strokes(learnt, "drawn"),
            to_dataset([sample for sample in learnt if not sample.strokes], "found"),
            replay,
            progress=lambda share: progress(f"learning {len(learnt)} samples", 0.05 + 0.4 * share),
        )
        progress("measuring the new model", 0.45)
        after = _scores(Model(path), mnist, to_dataset(held, "held out"))
        lines, *numbers = learn_numbers(
            lines, learnt, held, replay, lambda share: progress("learning numbers", 0.48 + 0.37 * share)
        )
        before, after = (
            replace(scores, numbers=own) for scores, own in zip((before, after), numbers, strict=True)
        )
        kept = {sample.id for sample in store.samples(writer=writer)}
        if kept.isdisjoint(sample.id for sample in samples):
            raise StoreError(f"the samples of {writer} were deleted meanwhile")
        promote = promote or not after.worse_than(before)
        return store.versions.add(
            writer, path.read_bytes(), len(learnt), before, after, lines=lines, promote=promote
        )


@dataclass(frozen=True)
class Comparison:
    """Accuracy of a writer's versions on every writer's labelled samples.

    Attributes:
        versions: Numbers of the versions, first 0 for the base model.
        writers: Names of the writers.
        accuracy: A row for each version, a column for each writer.
        damaged: A line for each damaged version, which is left out.
    """

    versions: list[int]
    writers: list[str]
    accuracy: list[list[Accuracy]]
    damaged: list[str]


def compare_versions(store: Store, writer: str, base: Model) -> Comparison:
    """Compare a writer's versions without adaptation; of the writer's own samples, held-out ones count."""
    models, damaged = {0: base}, []
    for version in reversed(store.versions.list(writer)):
        try:
            models[version.number], _ = store.versions.open_models(version.number, threads=1)
        except ModelError as error:
            damaged.append(str(error))
    writers = store.writers()
    rows: list[list[Accuracy]] = [[] for _ in models]
    for name in writers:
        samples = store.samples(writer=name, labelled=True, of_digits=True)
        unseen = [sample for sample in samples if name != writer or is_held_out(sample.id)]
        dataset = to_dataset(unseen, name)
        for row, model in zip(rows, models.values(), strict=True):
            row.append(_accuracy(model, dataset))
    return Comparison([*models], writers, rows, damaged)


def is_held_out(sample_id: uuid.UUID) -> bool:
    """Return whether a sample is in the third that evaluates models, never trains one: a hash of the id."""
    return hashlib.sha256(sample_id.bytes).digest()[0] % 3 == 0


def missing_dependencies() -> str | None:
    """Return what to install before a model can be fine-tuned, or None."""
    for name in _REQUIRED_MODULES:
        if find_spec(name) is None:
            return missing_module_message("learning", name, "train")
    return None


def install_commands() -> list[str]:
    """Return the commands that add what fine-tuning needs to this installation; none if nothing is missing.

    An environment without pip is one of uv's.
    """
    missing = [name for name in _REQUIRED_MODULES if find_spec(name) is None]
    if not missing:
        return []
    pip = [sys.executable, "-m", "pip", "install"]
    if find_spec("pip") is None:
        pip = ["uv", "pip", "install", "--python", sys.executable]
    commands = [[*pip, "torch", "--index-url", TORCH_INDEX]] if "torch" in missing else []
    join = subprocess.list2cmdline if os.name == "nt" else shlex.join
    return [join(command) for command in [*commands, [*pip, "inkwise[train]"]]]


@dataclass(frozen=True)
class FineTuningState:
    """State of a job.

    Attributes:
        status: Idle until the first start; a cancelled or failed job has stored nothing.
        writer: Name of the writer.
        step: Current step.
        share: Share of the job that is done, 0 to 1.
        error: One line, if the job failed.
        version: Number of the new version, if the job is done.
        seconds: Seconds that the job has run.
        seconds_left: Seconds that it will still run at the speed measured so far; None before there is such a
            measure, and if it takes longer than that.
    """

    status: Literal["idle", "running", "done", "cancelled", "failed"] = "idle"
    writer: str = ""
    step: str = ""
    share: float = 0.0
    error: str | None = None
    version: int | None = None
    seconds: int = 0
    seconds_left: int | None = None


class FineTuningJob:
    """Runs `learn` in a background process, one at a time; thread-safe."""

    def __init__(self, store: Store, base: str | Path | None = None) -> None:
        """Use this store and this base model, as for `learn`."""
        self._orders = {"url": store.url, "base": None if base is None else str(base)}
        self._lock = threading.Lock()
        self._state = FineTuningState()
        self._began = self._reported = 0.0  # times of the start and of the newest share
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def state(self) -> FineTuningState:
        """Return the state of the running job, or of the last one."""
        with self._lock:
            state = self._state
            if state.status != "running":
                return state
            elapsed, silent = time.monotonic() - self._began, time.monotonic() - self._reported
            left = None
            if state.share >= _MEASURED_SHARE:
                left = round((elapsed - silent) * (1 - state.share) / state.share - silent)
            return replace(state, seconds=round(elapsed), seconds_left=left if left and left > 0 else None)

    def start(self, writer: str, *, promote: bool = False) -> FineTuningState:
        """Start a job for a writer.

        Raises:
            StoreError: A job is running.
            InkwiseError: PyTorch is not installed; the message says what to install.
        """
        if missing := missing_dependencies():
            raise InkwiseError(missing)
        with self._lock:
            if self._state.status == "running":
                raise StoreError(f"{self._state.writer}'s model is being fine-tuned: wait, or cancel it")
            self._process = process = subprocess.Popen(
                _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
            self._state = FineTuningState("running", writer, "starting")
            self._began = self._reported = time.monotonic()
            orders = {**self._orders, "writer": writer, "promote": promote}
            self._reader = threading.Thread(target=self._follow, args=(process, orders), daemon=True)
            self._reader.start()
            return self._state

    def cancel(self) -> FineTuningState:
        """Terminate a running job, and wait for its end."""
        with self._lock:
            running = self._state.status == "running"
            if running and self._process:
                self._state = replace(self._state, status="cancelled")
                self._process.terminate()
        return self.wait() if running else self.state()

    def wait(self) -> FineTuningState:
        """Wait for the end of a running job."""
        if self._reader:
            self._reader.join()
        return self.state()

    def _follow(self, process: subprocess.Popen[str], orders: dict[str, Any]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        # A process that ends early closes its pipe or leaves half a line, which is reported below.
        with suppress(OSError, ValueError), process:
            # Not as arguments, which other users can read: the URL may hold a password.
            print(json.dumps(orders), file=process.stdin, flush=True)
            for line in process.stdout:
                self._update(json.loads(line))
        with self._lock:
            if self._state.status == "running":
                reason = f"the process that learns has ended by itself ({process.returncode})"
                self._state = replace(self._state, status="failed", error=reason)

    def _update(self, news: dict[str, Any]) -> None:
        with self._lock:
            # A version that was stored just before the cancellation stays.
            if self._state.status == "running" or "version" in news:
                self._state = replace(self._state, **news)
                self._reported = time.monotonic()


def run_job_process() -> None:
    """Run a job in this process: read the orders from stdin, write progress to stdout, as JSON lines."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library's output must not mix with the JSON lines

    def report(**news: Any) -> None:
        print(
            json.dumps(news), file=output, flush=True
        )  # raises, and ends the process, if the parent has died

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which terminates this process
    orders = json.loads(sys.stdin.readline())
    if hasattr(os, "nice"):
        os.nice(10)  # reading has priority
    try:
        with Store.open(orders["url"]) as store:
            version = learn(
                store,
                orders["writer"],
                orders["base"],
                progress=lambda step, share: report(step=step, share=share),
                promote=orders["promote"],
            )
        report(status="done", share=1.0, version=version.number)
    except InkwiseError as error:
        report(status="failed", error=str(error))


def _scores(model: Model, mnist: Dataset, held: Dataset) -> VersionScores:
    return VersionScores(_accuracy(model, mnist), _accuracy(model, held))


def _accuracy(model: Model, dataset: Dataset) -> Accuracy:
    """Evaluate a model; a non-digit is right if the model rejects it."""
    probabilities, _ = model.run(dataset.glyphs)
    right = np.array(model.labels)[probabilities.argmax(1)] == dataset.labels
    right |= (dataset.labels == NOT_A_DIGIT) & (probabilities.max(1) < model.threshold)
    return Accuracy(int(right.sum()), len(dataset))
