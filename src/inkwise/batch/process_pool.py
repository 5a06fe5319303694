"""Processes that read pages: each has its own models, and one page at a time."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Protocol

from inkwise._util.errors import InkwiseError
from inkwise._util.system import ignore_pillow_warnings, use_one_thread
from inkwise.batch.page_rows import BatchOptions, PageRow, PageTask, TaskReader, error_row

TaskResult = tuple[PageTask, int | PageRow]
"""A task and one of its two results: the page count of its file (0 if it cannot be opened), then its row."""


class TaskQueue(Protocol):
    """Pages to read; results may add further ones."""

    def take(self) -> PageTask | None:
        """Return the next page, or None if none is left or none is known yet."""


def read_in_processes(
    queue: TaskQueue, options: BatchOptions, jobs: int
) -> Generator[TaskResult, None, None]:
    """Read pages in several processes; yield results in the order of their completion.

    Each process has at most one page. If a process dies, its page gets an error row and another process is
    started.

    Args:
        queue: Pages to read; asked again after each result.
        options: How to read pages.
        jobs: Number of processes.

    Raises:
        InkwiseError: A process ended before it could read.
    """
    pool: list[PoolProcess] = []
    try:
        while True:
            while sum(process.task is not None for process in pool) < jobs and (task := queue.take()):
                idle = next((process for process in pool if process.task is None), None)
                if idle is None:
                    pool.append(idle := PoolProcess(options))
                idle.submit(task)
            busy = {process.connection: process for process in pool if process.task}
            if not busy:
                return
            for connection in wait(list(busy)):
                process = busy[connection]  # type: ignore[index]
                task = process.task
                assert task is not None
                result = process.result()
                if result is not None:
                    yield task, result
                if process.dead:
                    pool.remove(process)
    finally:
        for process in pool:
            process.end()


class PoolProcess:
    """A reading process, seen from its parent.

    Attributes:
        connection: Pipe to the process.
        task: The page that it reads; None while it is idle.
        dead: Whether it has ended by itself.
    """

    def __init__(self, options: BatchOptions) -> None:
        """Start the process."""
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(
            target=_process_main, args=(options, theirs), daemon=True
        )
        with _ignore_interrupts():
            self._process.start()
        theirs.close()
        self._ready = False
        self._open_file = ""
        self._columns = options.columns
        self.task: PageTask | None = None
        self.dead = False

    def submit(self, task: PageTask) -> None:
        """Send a page to the process, which must be idle."""
        self.task = task
        if task.known and task.file == self._open_file:  # standard input may be large: it is sent once
            task = task._replace(content=task.file)
        with suppress(ConnectionError):  # the process has died: `result` reports it
            self.connection.send(task)

    def result(self) -> int | PageRow | None:
        """Wait for a message: None when the process is ready, then the two results of each task.

        Raises:
            InkwiseError: The process ended before it was ready; no page is the cause.
        """
        task = self.task
        assert task is not None
        try:
            result: int | PageRow | None = self.connection.recv()
        except (EOFError, ConnectionError):
            self.dead = True
            self.end()
            code = self._process.exitcode
            if not self._ready:
                raise InkwiseError(f"a process ended before it could read (exit code {code})") from None
            crash = InkwiseError(
                f"{task.file}, page {task.number}: the process that read it was killed or crashed"
                f" (exit code {code}); was there memory enough?"
            )
            return error_row(task.file, task.number, self._columns, crash)
        self._ready = True
        if isinstance(result, PageRow):
            self.task = None
        elif result is not None:
            self._open_file = task.file if result else ""
        return result

    def end(self) -> None:
        """Kill the process; it holds nothing worth keeping."""
        self.connection.close()
        self._process.kill()
        self._process.join()


@contextmanager
def _ignore_interrupts() -> Iterator[None]:
    """Make processes that are started in this context ignore Ctrl-C, which their parent handles."""
    if threading.current_thread() is not threading.main_thread():  # only that one may set signals
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _process_main(options: BatchOptions, connection: Connection) -> None:
    """Read pages until the connection is closed, at the latest when the parent dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and ends this process
    use_one_thread()
    ignore_pillow_warnings()
    reader = TaskReader(options, threads=1)
    with suppress(EOFError, ConnectionError):
        connection.send(None)
        while True:
            for result in reader.read(connection.recv()):
                connection.send(result)
