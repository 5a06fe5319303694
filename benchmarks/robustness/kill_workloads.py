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
    """One kind of work.

    Attributes:
        name: of the kind, in the table.
        lasts: time that it takes at most, as far as is known, in seconds.
        ends: whether it comes to an end by itself.
    """

    name: str
    max_seconds: float
    ends: bool

    def start(self) -> Work:
        """Begin, or go on."""
        ...

    def count_missing(self) -> int:
        """How much of what was acknowledged is not there; asked after a kill and after the end."""
        ...

    def reset(self) -> None:
        """Begin anew, after it came to its end."""
        ...


class CommandWorkload(KillWorkload, Protocol):
    """A kind of work that is one command."""

    def start(self) -> ForkedProcess:
        """Begin, or go on."""
        ...


class TwoProcesses:
    """The same command in two processes, on the same files."""

    ends = True

    def __init__(self, command: CommandWorkload) -> None:
        """Start this one twice."""
        self.name, self.max_seconds, self._command = (
            f"{command.name}, 2 processes",
            command.max_seconds,
            command,
        )

    def start(self) -> Group:
        """Begin, or go on."""
        return Group([self._command.start(), self._command.start()])

    def count_missing(self) -> int:
        """As for one."""
        return self._command.count_missing()

    def reset(self) -> None:
        """As for one."""
        self._command.reset()


class CopyWorkload:
    """Two copies to one place beside an app; what is there is whole, and has all that was taught before."""

    ends = True
    word: str
    suffix = ""

    def __init__(self, folder: Path, samples: int = 2000) -> None:
        """Put so many samples without labels into the database first."""
        from inkwise.corrections import Sample, Store

        self.max_seconds = 2.0
        self.name = f"2 {self.word}s of one database in use"
        self._folder, self._app = folder, AppWorkload(folder)
        self._samples = samples
        with Store.open(self._app.database) as store:
            store.merge(Sample.now(glyph, writer="dora", source="import") for glyph in bars(samples).glyphs)
        self._runs: list[ForkedProcess] = []
        self._promised: dict[Hashable, Any] = {}
        self._place = folder

    def start(self) -> Group:
        """Have people teach, then begin to copy."""
        app = self._app.start()
        self._place = self._folder / f"{uuid.uuid4().hex}{self.suffix}"
        self._promised = dict(self._app.promises.kept)
        words = ("corrections", self.word, self._place, "--database", self._app.database)
        self._runs = [ForkedProcess(command, *words, refusal="exists already") for _ in range(2)]
        return Group(self._runs, beside=(app,))

    def count_missing(self) -> int:
        """Samples that are not in the copy, or not in the database any longer."""
        lost = self._app.count_missing()
        if not self._place.exists():
            return lost + any(run.done() for run in self._runs)
        there = self.read(self._place)
        lost += max(0, self._samples - sum(label is None for label in there.values()))
        lost += self._app.promises.count_missing(there, self._promised)
        self.remove(self._place)
        return lost

    def read(self, place: Path) -> dict[uuid.UUID, str | None]:
        """The label of each sample in a copy."""
        raise NotImplementedError

    def remove(self, place: Path) -> None:
        """Remove a copy, and what kills have left."""
        raise NotImplementedError

    def reset(self) -> None:
        """Nothing: each goes to a new place."""


class ExportWorkload(CopyWorkload):
    """`inkwise corrections export`."""

    word = "export"

    def read(self, place: Path) -> dict[uuid.UUID, str | None]:
        """From a database that takes it in."""
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
        """From the copy, opened as a database."""
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
