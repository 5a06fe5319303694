"""Commands under kill tests: batch reading, training, fine-tuning, downloads."""

from __future__ import annotations

import csv
import hashlib
import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np

from benchmarks.robustness.forked_process import ForkedProcess, command
from benchmarks.robustness.server_workloads import seven_image
from inkwise.datasets import Dataset
from inkwise.datasets.idx import idx_bytes

_POLL_SECONDS = 0.05  # between two reads of a checkpoint


def bars(count: int) -> Dataset:
    """Make glyphs of bars at one of three positions, which a small network learns within a second."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    glyphs = rng.integers(0, 60, (count, 28, 28), np.uint8)
    for glyph, label in zip(glyphs, labels, strict=True):
        glyph[4:24, 6 + 7 * label : 10 + 7 * label] = 200
    return Dataset("bars", glyphs, labels.astype(np.str_))


class BatchReadingWorkload:
    """`inkwise read FOLDER --out`: each page must be in the table once."""

    name = "batch reading"
    ends = True

    def __init__(self, folder: Path, pages: int = 60) -> None:
        """Make the images."""
        self.max_seconds = 5.0
        self._folder, self._table = folder / "scans", folder / "table.csv"
        self._folder.mkdir()
        for number in range(pages):
            cv2.imwrite(str(self._folder / f"{number:03}.png"), seven_image())
        self._pages = pages

    def start(self) -> ForkedProcess:
        """Start or resume."""
        words = ("read", self._folder, "--out", self._table, "--jobs", 1)
        return ForkedProcess(command, *words, refusal="another run is writing")

    def count_missing(self) -> int:
        """Count missing and duplicate pages; the table exists only when it is complete."""
        if not self._table.exists():
            return 0
        with self._table.open(newline="") as file:
            rows = [(row["file"], row["text"]) for row in csv.DictReader(file)]
        wanted = [(str(path), "7") for path in sorted(self._folder.iterdir())]
        return len(set(wanted) ^ set(rows)) + len(rows) - len(set(rows))

    def reset(self) -> None:
        """Remove the table."""
        self._table.unlink()


class TrainingWorkload:
    """`inkwise train`: saved epochs must not be trained again, and the run must finish."""

    name = "training"
    ends = True

    def __init__(self, folder: Path, epochs: int = 12) -> None:
        """Make the data."""
        self.max_seconds = 3.0
        self._data, self._out = folder / "bars.npz", folder / "run"
        made = bars(60)
        np.savez(self._data, images=made.glyphs, labels=made.labels)
        self._epochs = epochs
        self._done: list[float] = []
        self._lost = 0
        self._stop, self._watcher = threading.Event(), threading.Thread()

    def start(self) -> ForkedProcess:
        """Start or resume."""
        changes = {
            "optimization.epochs": self._epochs,
            "optimization.batch": 16,
            "model.channels": "4,4,8",
            "data.validation": 0.25,
            "data.test": "",
        }
        sets = [part for key, value in changes.items() for part in ("--set", f"{key}={value}")]
        words = ("train", "--data", self._data, *sets, "--out", self._out)
        if not self._watcher.is_alive():
            self._stop.clear()
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()
        return ForkedProcess(command, *words, refusal="another training writes")

    def _watch(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            self._compare_history()

    def _compare_history(self) -> None:
        """Count the epochs of the last checkpoint read that are missing or changed."""
        history = self._history()
        self._lost += sum(before != now for before, now in zip(self._done, history, strict=False))
        self._lost += max(len(self._done) - len(history), 0)
        self._done = history

    def count_missing(self) -> int:
        """Count saved epochs that are missing or changed."""
        self._stop.set()
        self._watcher.join()
        self._compare_history()
        lost, self._lost = self._lost, 0
        return lost + (len(self._done) != self._epochs if (self._out / "model.onnx").exists() else 0)

    def _history(self) -> list[float]:
        """Return the seconds of each epoch, which identify it."""
        import torch

        path = self._out / "checkpoint.pt"
        if not path.exists():
            return []
        return [row["seconds"] for row in torch.load(path, weights_only=True)["history"]]

    def reset(self) -> None:
        """Use another run folder."""
        self._out, self._done = self._out.with_name(f"run-{uuid.uuid4().hex}"), []


class LearningWorkload:
    """`inkwise learn`: samples and versions must be kept, and every version must be complete."""

    name = "learning"
    ends = True

    def __init__(self, folder: Path) -> None:
        """Store twelve samples."""
        from inkwise.corrections import Store

        self.max_seconds = 10.0
        self._url, self._versions = f"sqlite:///{folder / 'learnt.db'}", 0
        with Store.open(self._url) as store:
            for glyph in bars(12).glyphs:
                store.add(glyph, writer="anna", source="canvas", label="7")

    def start(self) -> ForkedProcess:
        """Train another version."""
        return ForkedProcess(fine_tune_on_bars, self._url)

    def count_missing(self) -> int:
        """Count missing samples and versions; open every version."""
        from inkwise.corrections import Store
        from inkwise.recognition import Model

        with Store.open(self._url) as store:
            versions = store.versions.list("anna")
            for version in versions:
                Model(store.versions.weights(version.number), threads=1)
            lost = abs(12 - store.count(writer="anna")) + max(self._versions - len(versions), 0)
            self._versions = len(versions)
        return lost

    def reset(self) -> None:
        """Do nothing: each run trains another version."""


def fine_tune_on_bars(url: str) -> None:
    """Run `inkwise learn` with a few hundred glyphs in place of MNIST, so that it takes seconds."""
    with patch("inkwise.corrections.learning_jobs.load_dataset", lambda source: bars(600)):
        command("learn", "--writer", "anna", "--model", "tiny", "--database", url)


class DownloadWorkload:
    """`inkwise data get` from a slow server: files must be complete and must be kept."""

    name = "downloading"
    ends = True

    def __init__(self, folder: Path) -> None:
        """Make four files."""
        self.max_seconds = 2.0
        self._cache = folder / "cache"
        rng = np.random.default_rng(0)
        names = (
            f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
        )
        self._files = {name: idx_bytes(rng.integers(0, 256, 50_000, np.uint8)) for name in names}
        self._digests = {name: hashlib.sha256(data).hexdigest() for name, data in self._files.items()}
        self._complete: set[str] = set()

    def start(self) -> ForkedProcess:
        """Start or resume."""
        return ForkedProcess(_fetch, self._cache, self._digests, self._files)

    def count_missing(self) -> int:
        """Count files that are damaged or have disappeared."""
        folder = self._cache / "mnist"
        found = {path.name: path.read_bytes() for path in folder.glob("[!.]*")} if folder.exists() else {}
        lost = len(self._complete - found.keys()) + sum(
            self._files[name] != data for name, data in found.items()
        )
        self._complete = set(found)
        return lost

    def reset(self) -> None:
        """Remove the files."""
        for path in (self._cache / "mnist").iterdir():
            path.unlink()
        self._complete = set()


def _fetch(cache: Path, digests: dict[str, str], files: dict[str, bytes]) -> None:
    """Run `inkwise data get mnist` with other files from another server."""
    from inkwise import datasets
    from inkwise.datasets import mnist
    from inkwise.datasets.mnist_sources import mirror_files

    os.environ["INKWISE_DATA"] = str(cache)
    mnist.FILES.update(digests)
    with slow_server(files) as url:
        datasets.fetch_mnist = partial(mnist.fetch_mnist, sources={url: partial(mirror_files, url)})
        command("data", "get", "mnist")


@contextmanager
def slow_server(files: dict[str, bytes]) -> Iterator[str]:
    """Serve files in small pieces; yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = files[self.path.strip("/").removesuffix(".gz")]
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            for start in range(0, len(data), 5000):
                self.wfile.write(data[start : start + 5000])
                time.sleep(0.01)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
