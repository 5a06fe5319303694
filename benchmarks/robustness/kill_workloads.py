"""Workloads for kill tests. Each knows what was acknowledged and must not be lost."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, Protocol

from benchmarks.robustness.command_workloads import (
    BatchReadingWorkload,
    DownloadWorkload,
    LearningWorkload,
    TrainingWorkload,
    bars,
)
from benchmarks.robustness.forked_process import ForkedProcess, Group, Work, command
from benchmarks.robustness.server_workloads import AppWorkload, FormEditorWorkload, ReviewWorkload, labels


class KillWorkload(Protocol):
    """Work that is killed and started again.

    Attributes:
        name: row heading of the results table.
        max_seconds: upper end of the random time before a kill, in seconds.
        ends: whether the work finishes by itself.
    """

    name: str
    max_seconds: float
    ends: bool

    def start(self) -> Work:
        """Start or resume."""
        ...

    def count_missing(self) -> int:
        """Count acknowledged items that are missing, after a kill or after the end."""
        ...

    def reset(self) -> None:
        """Prepare a new run after the work has finished."""
        ...


class CommandWorkload(KillWorkload, Protocol):
    """A workload of one process."""

    def start(self) -> ForkedProcess:
        """Start or resume."""
        ...


class TwoProcesses:
    """The same command in two processes on the same files."""

    ends = True

    def __init__(self, command: CommandWorkload) -> None:
        """Start a workload twice."""
        self.name, self.max_seconds, self._command = (
            f"{command.name}, 2 processes",
            command.max_seconds,
            command,
        )

    def start(self) -> Group:
        """Start or resume."""
        return Group([self._command.start(), self._command.start()])

    def count_missing(self) -> int:
        """See `KillWorkload`."""
        return self._command.count_missing()

    def reset(self) -> None:
        """See `KillWorkload`."""
        self._command.reset()


class CopyWorkload:
    """Two processes that copy to one place while the app is in use.

    A copy must be complete and hold all samples that were acknowledged before it began.
    """

    ends = True
    word: str
    suffix = ""

    def __init__(self, folder: Path, samples: int = 2000) -> None:
        """Fill the database with unlabelled samples."""
        from inkwise.corrections import Sample, Store

        self.max_seconds = 2.0
        self.name = f"2 {self.word}s of one database in use"
        self._folder, self._app = folder, AppWorkload(folder)
        self._samples = samples
        with Store.open(self._app.database) as store:
            store.merge(Sample.now(glyph, writer="dora", source="import") for glyph in bars(samples).glyphs)
        self._runs: list[ForkedProcess] = []
        self._acknowledged_before: dict[Hashable, Any] = {}
        self._place = folder

    def start(self) -> Group:
        """Start the app with its clients, then the copies."""
        app = self._app.start()
        self._place = self._folder / f"{uuid.uuid4().hex}{self.suffix}"
        self._acknowledged_before = dict(self._app.acks.values)
        words = ("corrections", self.word, self._place, "--database", self._app.database)
        self._runs = [ForkedProcess(command, *words, refusal="exists already") for _ in range(2)]
        return Group(self._runs, beside=(app,))

    def count_missing(self) -> int:
        """Count samples that are missing in the copy or in the database."""
        lost = self._app.count_missing()
        if not self._place.exists():
            return lost + any(run.done() for run in self._runs)
        copied = self.read(self._place)
        lost += max(0, self._samples - sum(label is None for label in copied.values()))
        lost += self._app.acks.count_missing(copied, self._acknowledged_before)
        self.remove(self._place)
        return lost

    def read(self, place: Path) -> dict[uuid.UUID, str | None]:
        """Return the label of each sample in a copy."""
        raise NotImplementedError

    def remove(self, place: Path) -> None:
        """Remove a copy and temporary files that kills have left."""
        raise NotImplementedError

    def reset(self) -> None:
        """Do nothing: each run copies to a new place."""


class ExportWorkload(CopyWorkload):
    """`inkwise corrections export`."""

    word = "export"

    def read(self, place: Path) -> dict[uuid.UUID, str | None]:
        """Import the copy into a new database and return its labels."""
        from inkwise.corrections import Store, import_samples

        url = f"sqlite:///{place / 'imported.db'}"
        with Store.open(url) as store:
            import_samples(store, place)
        return labels(url)

    def remove(self, place: Path) -> None:
        """Remove the folders."""
        for each in (place, *place.parent.glob(".*.part")):
            shutil.rmtree(each)


class BackupWorkload(CopyWorkload):
    """`inkwise corrections backup`."""

    word, suffix = "backup", ".db"

    def read(self, place: Path) -> dict[uuid.UUID, str | None]:
        """Open the copy as a database and return its labels."""
        return labels(f"sqlite:///{place}")

    def remove(self, place: Path) -> None:
        """Remove the files."""
        for each in (*place.parent.glob(f"{place.name}*"), *place.parent.glob(".*.part")):
            each.unlink()


KINDS: dict[str, Callable[[Path], KillWorkload]] = {
    "answering": AppWorkload,
    "apps": lambda folder: AppWorkload(folder, servers=2),
    "reviews": ReviewWorkload,
    "editors": FormEditorWorkload,
    "exports": ExportWorkload,
    "backups": BackupWorkload,
    "learning": LearningWorkload,
    "learning-twice": lambda folder: TwoProcesses(LearningWorkload(folder)),
    "training": TrainingWorkload,
    "training-twice": lambda folder: TwoProcesses(TrainingWorkload(folder)),
    "downloading": DownloadWorkload,
    "downloading-twice": lambda folder: TwoProcesses(DownloadWorkload(folder)),
    "reading": BatchReadingWorkload,
    "reading-twice": lambda folder: TwoProcesses(BatchReadingWorkload(folder)),
}
