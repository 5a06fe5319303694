"""Thorough learning: a model is fine-tuned on what a writer taught, measured, and kept as a version."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import InkwiseError, ModelError, StoreError, requires_extra
from inkwise._util.text import NOT_A_DIGIT
from inkwise.corrections.accuracy import Accuracy
from inkwise.corrections.models import open_version, version_or_base
from inkwise.corrections.sample import Sample
from inkwise.corrections.store import Store
from inkwise.corrections.versions import ModelVersion, VersionScores
from inkwise.datasets import Dataset, StrokeSet, load_dataset
from inkwise.preprocessing import GLYPH_SIDE
from inkwise.recognition import Model
from inkwise.recognition.model import model_source

MIN_SAMPLES = 10
"""Labelled samples that a writer must have: with fewer there is nothing to learn, nor to measure by."""

ProgressFunction = Callable[[str, float], None]
"""Takes what is being done, and the share of all that is done, 0 to 1."""

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
    """Learn a writer's hand from two thirds of their labelled samples, and keep the model as a version.

    It is measured on MNIST test and on the third that was held back, and so is the model that the writer has
    until now, or the base model where that one is damaged. It is promoted if it is worse on neither: see
    `VersionScores.worse_than`.

    Args:
        store: where the samples are, and where the version goes.
        writer: whose.
        base: what to start from: a model file, a run folder or the name of a bundled model; None takes
            "default".
        progress: is told how it goes.
        promote: promote it even if it is worse.

    Raises:
        StoreError: too few samples, or the database cannot be used.
        DataError: MNIST cannot be had.
        ModelError: the base cannot be used.
        InkwiseError: PyTorch is not installed; the message says what to install.
    """
    with requires_extra("train", "learning"):
        from inkwise.training.fine_tuning import fine_tune
    samples = [sample for sample in store.samples(writer=writer) if sample.label is not None]
    if len(samples) < MIN_SAMPLES:
        missing = MIN_SAMPLES - len(samples)
        raise StoreError(
            f"{writer} has {len(samples)} labelled samples; "
            f"learning needs {missing} more, {MIN_SAMPLES} in all"
        )
    samples.reverse()
    learnt = [sample for sample in samples if not is_held_out(sample.id)]
    held = _glyphs([sample for sample in samples if is_held_out(sample.id)])
    progress("loading MNIST", 0.02)
    replay, mnist = load_dataset("mnist-train"), load_dataset("mnist-test")
    start = model_source("default" if base is None else base)
    present = store.versions.promoted(writer)
    with tempfile.TemporaryDirectory() as folder:
        progress("measuring what is known", 0.1)
        known, _ = version_or_base(store.versions, present, Model(start), threads=0)
        before = _scores(known, mnist, held)
        path = Path(folder) / "learnt.onnx"
        fine_tune(
            start,
            path,
            writer,
            _strokes([sample for sample in learnt if sample.strokes]),
            _glyphs([sample for sample in learnt if not sample.strokes]),
            replay,
            progress=lambda share: progress(f"learning {len(learnt)} samples", 0.15 + 0.7 * share),
        )
        progress("measuring what was learnt", 0.92)
        after = _scores(Model(path), mnist, held)
        promote = promote or not after.worse_than(before)
        return store.versions.add(writer, path.read_bytes(), len(learnt), before, after, promote=promote)


@dataclass(frozen=True)
class Comparison:
    """How a writer's versions read every writer's labelled samples.

    Attributes:
        versions: their numbers, 0 for the base model first.
        writers: the names of the writers.
        accuracy: a row for each version, with a column for each writer.
        damaged: a line for each version that is left out because it is damaged.
    """

    versions: list[int]
    writers: list[str]
    accuracy: list[list[Accuracy]]
    damaged: list[str]


def compare_versions(store: Store, writer: str, base: Model) -> Comparison:
    """Compare a writer's versions, each model alone, without a memory.

    Of the writer's own samples those count that no version learnt from.
    """
    models, damaged = {0: base}, []
    for number in sorted(version.number for version in store.versions.list(writer)):
        try:
            models[number] = open_version(store.versions, number, threads=1)
        except ModelError as error:
            damaged.append(str(error))
    writers, columns = store.writers(), []
    for name in writers:
        samples = [sample for sample in store.samples(writer=name) if sample.label is not None]
        fair = _glyphs([sample for sample in samples if name != writer or is_held_out(sample.id)])
        columns.append([_accuracy(model, fair) for model in models.values()])
    rows = [list(row) for row in zip(*columns, strict=True)] or [[] for _ in models]
    return Comparison([*models], writers, rows, damaged)


def is_held_out(sample_id: uuid.UUID) -> bool:
    """Whether a sample is one of the third that is measured by and never learnt from, always the same."""
    return hashlib.sha256(sample_id.bytes).digest()[0] % 3 == 0


def missing_dependencies() -> str | None:
    """What to install before anything can be learnt, None where all is there."""
    for name in _REQUIRED_MODULES:
        if find_spec(name) is None:
            return f'learning needs {name}: pip install "inkwise[train]"'
    return None


@dataclass(frozen=True)
class FineTuningState:
    """How a job stands.

    Attributes:
        status: idle until one is started; cancelled and failed ones have kept nothing.
        writer: whose hand is learnt.
        step: what is being done.
        share: of all that is to be done, 0 to 1.
        error: one line, where it failed.
        version: the number of the version, where it is done.
    """

    status: Literal["idle", "running", "done", "cancelled", "failed"] = "idle"
    writer: str = ""
    step: str = ""
    share: float = 0.0
    error: str | None = None
    version: int | None = None


class FineTuningJob:
    """`learn` in a process of its own, one at a time; any thread may ask, start and cancel."""

    def __init__(self, store: Store, base: str | Path | None = None) -> None:
        """Learn from this store, starting from this model, as for `learn`."""
        self._orders = {"url": store.url, "base": None if base is None else str(base)}
        self._lock = threading.Lock()
        self._state = FineTuningState()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def state(self) -> FineTuningState:
        """How it stands, or how the last one ended."""
        with self._lock:
            return self._state

    def start(self, writer: str, *, promote: bool = False) -> FineTuningState:
        """Start to learn a writer's hand.

        Raises:
            StoreError: one is running.
            InkwiseError: PyTorch is not installed; the message says what to install.
        """
        if missing := missing_dependencies():
            raise InkwiseError(missing)
        with self._lock:
            if self._state.status == "running":
                raise StoreError(f"{self._state.writer}'s hand is being learnt: wait, or cancel it")
            self._process = process = subprocess.Popen(
                _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
            self._state = FineTuningState("running", writer, "starting")
            orders = {**self._orders, "writer": writer, "promote": promote}
            self._reader = threading.Thread(target=self._follow, args=(process, orders), daemon=True)
            self._reader.start()
            return self._state

    def cancel(self) -> FineTuningState:
        """End what is running, if anything is, and wait until it has ended."""
        with self._lock:
            running = self._state.status == "running"
            if running and self._process:
                self._state = replace(self._state, status="cancelled")
                self._process.terminate()
        if running:
            self.wait()
        return self.state()

    def wait(self) -> FineTuningState:
        """Wait for the end of what is running, if anything is."""
        if self._reader:
            self._reader.join()
        return self.state()

    def _follow(self, process: subprocess.Popen[str], orders: dict[str, Any]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        # A process that ends too early can be written nothing, or leaves half a line: that is said below.
        with suppress(OSError, ValueError), process:
            # Not as arguments, which others could read: the URL may hold a password.
            print(json.dumps(orders), file=process.stdin, flush=True)
            for line in process.stdout:
                self._hear(json.loads(line))
        with self._lock:
            if self._state.status == "running":
                reason = f"the process that learns has ended by itself ({process.returncode})"
                self._state = replace(self._state, status="failed", error=reason)

    def _hear(self, news: dict[str, Any]) -> None:
        with self._lock:
            # What was kept just before it was cancelled is kept.
            if self._state.status == "running" or "version" in news:
                self._state = replace(self._state, **news)


def run_job_process() -> None:
    """Be the process of a job: take the orders from stdin, tell on stdout how it goes."""
    # Whatever a library prints must not come between the lines of JSON.
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def tell(**news: Any) -> None:
        # Where nobody listens any longer this raises, and ends the process.
        print(json.dumps(news), file=told, flush=True)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this one
    orders = json.loads(sys.stdin.readline())
    if hasattr(os, "nice"):
        os.nice(10)  # reading goes first
    try:
        with Store.open(orders["url"]) as store:
            version = learn(
                store,
                orders["writer"],
                orders["base"],
                progress=lambda step, share: tell(step=step, share=share),
                promote=orders["promote"],
            )
        tell(status="done", share=1.0, version=version.number)
    except InkwiseError as error:
        tell(status="failed", error=str(error))


def _scores(model: Model, mnist: Dataset, held: Dataset) -> VersionScores:
    return VersionScores(_accuracy(model, mnist), _accuracy(model, held))


def _accuracy(model: Model, dataset: Dataset) -> Accuracy:
    probabilities, _ = model.run(dataset.glyphs)
    right = np.array(model.labels)[probabilities.argmax(1)] == dataset.labels
    right |= (dataset.labels == NOT_A_DIGIT) & (probabilities.max(1) < model.threshold)
    return Accuracy(int(right.sum()), len(dataset))


def _glyphs(samples: list[Sample]) -> Dataset:
    glyphs = np.array([sample.glyph for sample in samples], np.uint8).reshape(-1, GLYPH_SIDE, GLYPH_SIDE)
    return Dataset("found", glyphs, _labels(samples))


def _strokes(samples: list[Sample]) -> StrokeSet:
    strokes = [[np.array(stroke, np.float32) for stroke in sample.strokes or []] for sample in samples]
    return StrokeSet("drawn", strokes, _labels(samples))


def _labels(samples: list[Sample]) -> NDArray[np.str_]:
    return np.array([sample.label for sample in samples], np.str_)
