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

TIMEOUT = 120  # seconds for work that takes a few on an idle machine

# threads of a small network mostly wait for each other, even more on a busy machine
os.environ.setdefault("OMP_NUM_THREADS", "1")

_CONTEXT = multiprocessing.get_context("forkserver")
_PRELOAD = ("cli", "app", "corrections", "evaluation", "batch")  # packages that take long to import
_CONTEXT.set_forkserver_preload(
    ["benchmarks.robustness.kill_workloads", *(f"inkwise.{name}" for name in _PRELOAD)]
)
_NUMBERS = itertools.count()

ALONE = 0.2
"""Time between the kills of the first and the second process, in seconds."""


@cache
def _logs() -> TemporaryDirectory[str]:
    """Return the folder of the processes' output, which is removed at exit."""
    return TemporaryDirectory(prefix="inkwise-processes-")


def no_fault() -> None:
    """Inject no fault."""


class Work(Protocol):
    """One or several processes.

    Attributes:
        killed: whether SIGKILL was sent to any of them.
    """

    killed: bool

    def wait(self, seconds: float = TIMEOUT) -> bool:
        """Return whether all exit by themselves within this time."""
        ...

    def kill(self) -> None:
        """Send SIGKILL to processes that still run."""
        ...

    def failure_reason(self) -> str:
        """Return what is wrong with the exit status or the output; empty if nothing is."""
        ...

    def failed_cleanly(self) -> bool:
        """Return whether it exited with status 1 and one line of error."""
        ...


class ForkedProcess:
    """A process in its own process group, with output to a file.

    Attributes:
        fault: function that is called in the process before the work.
    """

    fault: Callable[[], None] = staticmethod(no_fault)

    def __init__(self, work: Callable[..., object], *arguments: Any, refusal: str = "") -> None:
        """Start the work. Exit status 1 with `refusal`, if given, in the error line is not a failure."""
        self._log = Path(_logs().name, str(next(_NUMBERS)))
        self._log.touch()
        self.killed = False
        self._refusal = refusal
        self._process = _CONTEXT.Process(target=_work, args=(self._log, ForkedProcess.fault, work, arguments))
        self._process.start()

    def wait(self, seconds: float = TIMEOUT) -> bool:
        """See `Work`."""
        self._process.join(seconds)
        return self._process.exitcode is not None

    def kill(self) -> None:
        """Send SIGKILL to the process group."""
        pid = self._process.pid
        assert pid is not None
        self.killed = True
        if self._process.exitcode is None:  # else the process id may be in use again
            for kill in (os.killpg, os.kill):  # the group may not exist yet
                with suppress(ProcessLookupError):
                    kill(pid, signal.SIGKILL)
        self._process.join()

    def failure_reason(self) -> str:
        """Return what is wrong with the exit status or the output; empty if nothing is."""
        if self._refusal and self.failed_cleanly() and self._refusal in self._output():
            return ""
        if self._process.exitcode not in (0, -signal.SIGKILL) or "Traceback" in self._output():
            return f"exit {self._process.exitcode}: {self._output()[-500:]}"
        return ""

    def failed_cleanly(self) -> bool:
        """Return whether it exited with status 1 and one line of error."""
        output = self._output()
        return self._process.exitcode == 1 and output.count("inkwise: ") == 1 and "Traceback" not in output

    def done(self) -> bool:
        """Return whether it exited with status 0."""
        return self._process.exitcode == 0

    def _output(self) -> str:
        return self._log.read_text(errors="replace")


class Group:
    """Concurrent processes; the first is killed first, the others a moment later."""

    def __init__(self, runs: list[ForkedProcess], beside: tuple[Work, ...] = ()) -> None:
        """Wait for `runs` only; `beside` is killed with them."""
        self.killed = False
        self._runs, self._beside = runs, beside

    def wait(self, seconds: float = TIMEOUT) -> bool:
        """See `Work`."""
        deadline = time.monotonic() + seconds
        return all(run.wait(max(0.0, deadline - time.monotonic())) for run in self._runs)

    def kill(self) -> None:
        """Send SIGKILL to all, one after another."""
        first, *others = self._runs
        first.kill()
        if any(not run.wait(0) for run in others):
            time.sleep(ALONE)
        self.killed = True
        for work in (*others, *self._beside):
            work.kill()

    def failure_reason(self) -> str:
        """Return the reasons of all."""
        return "; ".join(filter(None, (work.failure_reason() for work in (*self._runs, *self._beside))))

    def failed_cleanly(self) -> bool:
        """See `Work`."""
        return all(run.failed_cleanly() for run in self._runs)


def _work(
    log: Path, fault: Callable[[], None], work: Callable[..., object], arguments: tuple[Any, ...]
) -> None:
    os.setpgid(0, 0)
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    fault()
    work(*arguments)


def command(*arguments: object) -> None:
    """Run the command line in this process."""
    from inkwise.cli import main

    sys.argv = ["inkwise", *map(str, arguments)]
    main()
