"""Commands of Inkwise in forked processes that can be killed.

It is forked off one that has already imported everything: a real process and the real command, without the
seconds that importing takes.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

TIMEOUT = 120  # seconds for what should take a few, on a machine that has much else to do

# The threads of a small net wait for one another most of the time, the more so beside other work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_CONTEXT = multiprocessing.get_context("forkserver")
_PRELOAD = ("cli", "app", "corrections", "evaluation", "batch")  # packages that take long to import
_CONTEXT.set_forkserver_preload(
    ["benchmarks.robustness.kill_workloads", *(f"inkwise.{name}" for name in _PRELOAD)]
)
_NUMBERS = itertools.count()

ALONE = 0.2
"""Time that the second of two processes goes on after the first was killed, in seconds."""


@cache
def _logs() -> TemporaryDirectory[str]:
    """A folder for what the processes print, until the end."""
    return TemporaryDirectory(prefix="inkwise-siege-")


def no_fault() -> None:
    """No handicap."""


class Work(Protocol):
    """One process or several at work.

    Attributes:
        killed: whether SIGKILL was sent to any.
    """

    killed: bool

    def wait(self, seconds: float = TIMEOUT) -> bool:
        """Whether all have ended by themselves within so many seconds."""
        ...

    def kill(self) -> None:
        """SIGKILL to what has not ended."""
        ...

    def failure_reason(self) -> str:
        """What is wrong with how it ended, or with what it said; empty where nothing is."""
        ...

    def failed_cleanly(self) -> bool:
        """Whether it ended with exit 1 and one line that says why."""
        ...


class ForkedProcess:
    """A process with a process group of its own, whose output goes to a file.

    Attributes:
        handicap: what is done in it before the work.
    """

    fault: Callable[[], None] = staticmethod(no_fault)

    def __init__(self, work: Callable[..., object], *arguments: Any, refusal: str = "") -> None:
        """Start it; it may also end with exit 1 and a line that contains `refusal`, where one is given."""
        self._log = Path(_logs().name, str(next(_NUMBERS)))
        self._log.touch()
        self.killed = False
        self._refusal = refusal
        self._process = _CONTEXT.Process(target=_work, args=(self._log, ForkedProcess.fault, work, arguments))
        self._process.start()

    def wait(self, seconds: float = TIMEOUT) -> bool:
        """Whether it has ended by itself within so many seconds."""
        self._process.join(seconds)
        return self._process.exitcode is not None

    def kill(self) -> None:
        """SIGKILL, to it and to whatever it has started."""
        pid = self._process.pid
        assert pid is not None
        self.killed = True
        if self._process.exitcode is None:  # else another process may have the number by now
            for kill in (os.killpg, os.kill):  # it may not have made its group yet
                with suppress(ProcessLookupError):
                    kill(pid, signal.SIGKILL)
        self._process.join()

    def failure_reason(self) -> str:
        """What is wrong with how it ended, or with what it said; empty where nothing is."""
        if self._refusal and self.failed_cleanly() and self._refusal in self._said():
            return ""
        if self._process.exitcode not in (0, -signal.SIGKILL) or "Traceback" in self._said():
            return f"exit {self._process.exitcode}: {self._said()[-500:]}"
        return ""

    def failed_cleanly(self) -> bool:
        """Whether it ended with exit 1 and one line that says why."""
        said = self._said()
        return self._process.exitcode == 1 and said.count("inkwise: ") == 1 and "Traceback" not in said

    def done(self) -> bool:
        """Whether it ended with exit 0."""
        return self._process.exitcode == 0

    def _said(self) -> str:
        return self._log.read_text(errors="replace")


class Group:
    """Processes that work at once; the first is killed first, the others a moment later."""

    def __init__(self, runs: list[ForkedProcess], beside: tuple[Work, ...] = ()) -> None:
        """Runs are waited for; what works beside them is only killed with them."""
        self.killed = False
        self._runs, self._beside = runs, beside

    def wait(self, seconds: float = TIMEOUT) -> bool:
        """Whether all runs have ended by themselves within so many seconds."""
        until = time.monotonic() + seconds
        return all(run.wait(max(0.0, until - time.monotonic())) for run in self._runs)

    def kill(self) -> None:
        """SIGKILL to all, one after another."""
        first, *others = self._runs
        first.kill()
        if any(not run.wait(0) for run in others):
            time.sleep(ALONE)
        self.killed = True
        for work in (*others, *self._beside):
            work.kill()

    def failure_reason(self) -> str:
        """What is wrong with any."""
        return "; ".join(filter(None, (work.failure_reason() for work in (*self._runs, *self._beside))))

    def failed_cleanly(self) -> bool:
        """Whether each run ended with exit 1 and one line."""
        return all(run.failed_cleanly() for run in self._runs)


def _work(
    log: Path, handicap: Callable[[], None], work: Callable[..., object], arguments: tuple[Any, ...]
) -> None:
    os.setpgid(0, 0)
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    handicap()
    work(*arguments)


def command(*arguments: object) -> None:
    """The command line, in this process."""
    from inkwise.cli import main

    sys.argv = ["inkwise", *map(str, arguments)]
    main()
