"""What is killed: Inkwise at work, a class a kind, each of which knows what was acknowledged to it."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import socket
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from forked import TIMEOUT, ForkedProcess, command

from inkwise.datasets import Dataset
from inkwise.datasets.idx import idx_bytes

SEVEN = [[[30, 25], [85, 25], [55, 100]]]


class KillWorkload(Protocol):
    """One kind of work."""

    name: str
    max_seconds: float  # seconds that it takes at most, as far as is known

    def start(self) -> ForkedProcess:
        """Begin, or go on."""
        ...

    def count_missing(self) -> int:
        """How much of what was acknowledged is not there; asked after a kill and after the end."""
        ...

    def reset(self) -> None:
        """Begin anew, after it came to its end."""
        ...


def bar_dataset(count: int) -> Dataset:
    """Glyphs that a small net learns in a second: a bar at one of three places."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    glyphs = rng.integers(0, 60, (count, 28, 28), np.uint8)
    for glyph, label in zip(glyphs, labels, strict=True):
        glyph[4:24, 6 + 7 * label : 10 + 7 * label] = 200
    return Dataset("bars", glyphs, labels.astype(np.str_))


class AppWorkload:
    """`inkwise app`: answers are kept and put right; what was answered with 201 or 200 is in the store."""

    name = "answering and teaching"

    def __init__(self, folder: Path, database: str | None = None) -> None:
        """Keep in this folder, or in another database."""
        self.max_seconds = 1.0  # from when it answers: it has no end
        self.database = database or f"sqlite:///{folder / 'taught.db'}"
        self._log = folder / "app.log"
        self._labels: dict[uuid.UUID, str] = {}
        self.refused = 0
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]

    def start(self) -> ForkedProcess:
        """Start it, wait until it answers, and have three people teach it."""
        options = ("--no-browser", "--port", self._port, "--database", self.database)
        run = ForkedProcess(self._log, command, "app", *options)
        until = time.monotonic() + TIMEOUT
        while not self._asked("GET", "/"):
            if run.wait(0.05) or time.monotonic() > until:
                raise AssertionError(f"the app does not answer: {run.failure_reason()}")
        for writer in ("anna", "ben", "cy"):
            threading.Thread(target=self._teach, args=(run, writer), daemon=True).start()
        return run

    def _teach(self, run: ForkedProcess, writer: str) -> None:
        while not run.killed:  # only one thread may ask the process itself
            name = uuid.uuid4()
            sample = {"id": str(name), "label": "7", "strokes": SEVEN, "answer": "1", "probability": 0.6}
            body = {"writer": writer, "source": "canvas", "answers": [sample]}
            if self._asked("POST", "/api/samples", body):
                self._labels[name] = "7"
                if self._asked("PATCH", f"/api/samples/{name}", {"label": "8"}):
                    self._labels[name] = "8"

    def _asked(self, method: str, path: str, body: object = None) -> bool:
        """Whether it says that it is done."""
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", content, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                reply.read()
                return True
        except urllib.error.HTTPError as error:
            self.refused += error.code == 503
            return False
        except OSError:
            return False
        except Exception:  # half an answer
            return False

    def count_missing(self) -> int:
        """Samples without what they were last said to be; a later label may have come in unacknowledged."""
        from inkwise.corrections import Store

        promised = dict(self._labels)
        with Store.open(self.database) as store:
            there = {sample.id: sample.label for sample in store.samples()}
        return sum(there.get(name) not in (label, "8") for name, label in promised.items())

    @property
    def acknowledged(self) -> int:
        """How many samples are promised."""
        return len(self._labels)

    def reset(self) -> None:
        """It has no end."""


class BatchReadingWorkload:
    """`inkwise read FOLDER --out`: each page is there once, and what was done is not done again."""

    name = "batch reading"

    def __init__(self, folder: Path, pages: int = 60) -> None:
        """Make so many pictures."""
        self.max_seconds = 5.0
        self._folder, self._log, self._table = folder / "scans", folder / "read.log", folder / "table.csv"
        self._folder.mkdir()
        drawn = np.full((120, 120), 230, np.uint8)
        for stroke in SEVEN:
            cv2.polylines(drawn, [np.array(stroke, np.int32)[:, None]], False, 30, 7)
        for number in range(pages):
            cv2.imwrite(str(self._folder / f"{number:03}.png"), drawn)
        self._pages = pages

    def start(self) -> ForkedProcess:
        """Read on."""
        return ForkedProcess(self._log, command, "read", self._folder, "--out", self._table, "--jobs", 1)

    def count_missing(self) -> int:
        """Pages that are not in the table, or twice; there is no table before it is whole."""
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
    """`inkwise train`: epochs that were done are not done again, and the run comes to its end."""

    name = "training"

    def __init__(self, folder: Path, epochs: int = 12) -> None:
        """Make the data."""
        self.max_seconds = 3.0
        self._data, self._out, self._log = folder / "bars.npz", folder / "run", folder / "train.log"
        made = bar_dataset(60)
        np.savez(self._data, images=made.glyphs, labels=made.labels)
        self._epochs = epochs
        self._done: list[float] = []

    def start(self) -> ForkedProcess:
        """Train on."""
        changes = (f"epochs={self._epochs}", "channels=4,4,8", "batch=16", "validation=0.25", "test=")
        sets = [part for change in changes for part in ("--set", change)]
        return ForkedProcess(self._log, command, "train", "--data", self._data, *sets, "--out", self._out)

    def count_missing(self) -> int:
        """Epochs that were saved before and are not there as they were."""
        history = self._history()
        lost = sum(before != now for before, now in zip(self._done, history, strict=False))
        lost += max(len(self._done) - len(history), 0)
        self._done = history
        return lost + (len(history) != self._epochs if (self._out / "model.onnx").exists() else 0)

    def _history(self) -> list[float]:
        """The seconds of each epoch: no two runs have the same."""
        import torch

        path = self._out / "checkpoint.pt"
        if not path.exists():
            return []
        return [row["seconds"] for row in torch.load(path, weights_only=True)["history"]]

    def reset(self) -> None:
        """Another run folder."""
        self._out, self._done = self._out.with_name(f"run-{uuid.uuid4().hex}"), []


class FineTuningWorkload:
    """`inkwise learn`: samples stay, and a version is there whole or not at all."""

    name = "learning"

    def __init__(self, folder: Path) -> None:
        """Teach twelve samples."""
        from inkwise.corrections import Store

        self.max_seconds = 10.0
        self._url, self._log, self._versions = f"sqlite:///{folder / 'learnt.db'}", folder / "learn.log", 0
        with Store.open(self._url) as store:
            for glyph in bar_dataset(12).glyphs:
                store.add(glyph, writer="anna", source="canvas", label="7")

    def start(self) -> ForkedProcess:
        """Learn a version more."""
        return ForkedProcess(self._log, fine_tune_small, self._url)

    def count_missing(self) -> int:
        """Samples and versions that are not there, or cannot be used."""
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
        """Nothing: each run learns one more."""


def fine_tune_small(url: str) -> None:
    """`inkwise learn`, with a few hundred made glyphs for MNIST, so that it takes seconds."""
    from inkwise.corrections import learning_jobs as learning

    learning.load_dataset = lambda name: bar_dataset(600)
    command("learn", "--writer", "anna", "--model", "tiny", "--database", url)


class DownloadWorkload:
    """`inkwise data get` from a slow server: a file is there whole or not at all, and stays."""

    name = "downloading"

    def __init__(self, folder: Path) -> None:
        """Make four files."""
        self.max_seconds = 2.0
        self._cache, self._log = folder / "cache", folder / "get.log"
        rng = np.random.default_rng(0)
        names = (
            f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
        )
        self._files = {name: idx_bytes(rng.integers(0, 256, 50_000, np.uint8)) for name in names}
        self._digests = {name: hashlib.sha256(data).hexdigest() for name, data in self._files.items()}
        self._whole: set[str] = set()

    def start(self) -> ForkedProcess:
        """Fetch on."""
        return ForkedProcess(self._log, _fetch, self._cache, self._digests, self._files)

    def count_missing(self) -> int:
        """Files that are not what they should be, or were there and are not any longer."""
        folder = self._cache / "mnist"
        there = {path.name: path.read_bytes() for path in folder.glob("[!.]*")} if folder.exists() else {}
        lost = len(self._whole - there.keys()) + sum(
            self._files[name] != data for name, data in there.items()
        )
        self._whole = set(there)
        return lost

    def reset(self) -> None:
        """Remove what was fetched."""
        for path in (self._cache / "mnist").iterdir():
            path.unlink()
        self._whole = set()


class Exporting:
    """`inkwise corrections export`: a folder holds all samples, or is not there; earlier exports stay."""

    name = "exporting"

    def __init__(self, folder: Path, samples: int = 2000) -> None:
        """Teach so many samples."""
        from inkwise.corrections import Sample, Store

        self.max_seconds = 2.0
        self._folder, self._log, self._samples = folder, folder / "log", samples
        self._whole: set[Path] = set()
        self._url = f"sqlite:///{folder / 'taught.db'}"
        with Store.open(self._url) as store:
            glyphs = bar_dataset(samples).glyphs
            store.merge(Sample.now(glyph, writer="anna", source="canvas", label="7") for glyph in glyphs)

    def start(self) -> ForkedProcess:
        """Export to a folder that is not there yet."""
        out = self._folder / f"export-{uuid.uuid4().hex}"
        return ForkedProcess(self._log, command, "corrections", "export", out, "--database", self._url)

    def count_missing(self) -> int:
        """Samples that a new export lacks, and those of exports that are not there any longer."""
        from inkwise.corrections import Store, import_samples

        exports = set(self._folder.glob("export-*"))
        lost = self._samples * len(self._whole - exports)
        for export in exports - self._whole:
            with Store.open(f"sqlite:///{self._folder / f'{uuid.uuid4().hex}.db'}") as store:
                lost += self._samples - import_samples(store, export)
        self._whole = exports
        return lost

    def reset(self) -> None:
        """Nothing: each run takes a folder that is not there yet."""


def _fetch(cache: Path, digests: dict[str, str], files: dict[str, bytes]) -> None:
    """`inkwise data get mnist`, of other files from another place."""
    from inkwise import datasets
    from inkwise.datasets import mnist
    from inkwise.datasets.mnist_sources import MirrorSource

    os.environ["INKWISE_DATA"] = str(cache)
    mnist.FILES.update(digests)
    with slow_server(files) as url:
        datasets.fetch_mnist = partial(mnist.fetch_mnist, sources=[MirrorSource(url)])
        command("data", "get", "mnist")


@contextmanager
def slow_server(files: dict[str, bytes]) -> Iterator[str]:
    """A web address under which files lie, and come in pieces."""

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


KINDS: dict[str, Callable[[Path], KillWorkload]] = {
    "answering": AppWorkload,
    "learning": FineTuningWorkload,
    "training": TrainingWorkload,
    "downloading": DownloadWorkload,
    "reading": BatchReadingWorkload,
    "exporting": Exporting,
}
