"""What is killed: Inkwise at work, a class a kind, each of which knows what was acknowledged to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from commands import BatchReadingWorkload, DownloadWorkload, LearningWorkload, TrainingWorkload
from copies import BackupWorkload, ExportWorkload
from forked import ForkedProcess, Group, Work
from servers import AppWorkload, FormEditorWorkload, ReviewWorkload


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
