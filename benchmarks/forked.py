"""Inkwise at work in a process that can be killed.

It is forked off one that has already imported everything: a real process and the real command, without the
seconds that importing takes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

TIMEOUT = 120  # seconds for what should take a few, on a machine that has much else to do

# The threads of a small net wait for one another most of the time, the more so beside other work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["victims", "inkwise.cli", "inkwise.app", "inkwise.corrections", "inkwise.evaluation", "inkwise.batch"]
)


def no_fault() -> None:
    """No handicap."""


class ForkedProcess:
    """A process of its own group, whose words go to a file.

    Attributes:
        handicap: what is done in it before the work.
    """

    fault: Callable[[], None] = staticmethod(no_fault)

    def __init__(self, log: Path, work: Callable[..., object], *arguments: Any) -> None:
        """Start it."""
        self.log = log
        self.killed = False
        self._process = _CONTEXT.Process(target=_work, args=(log, ForkedProcess.fault, work, arguments))
        self._process.start()

    def wait(self, seconds: float = TIMEOUT) -> bool:
        """Whether it has ended by itself within so many seconds."""
        self._process.join(seconds)
        return self._process.exitcode is not None

    def kill(self) -> None:
        """SIGKILL, to it and to whatever it has started."""
        assert self._process.pid is not None
        self.killed = True
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.join()

    def failure_reason(self) -> str:
        """What is wrong with how it ended, or with what it said; empty where nothing is."""
        said = self.log.read_text(errors="replace")
        if self._process.exitcode not in (0, -signal.SIGKILL) or "Traceback" in said:
            return f"exit {self._process.exitcode}: {said[-500:]}"
        return ""

    def failed_cleanly(self) -> bool:
        """Whether it ended with exit 1 and one line that says why."""
        said = self.log.read_text(errors="replace")
        return self._process.exitcode == 1 and said.count("inkwise: ") == 1 and "Traceback" not in said


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
