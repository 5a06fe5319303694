"""Processes that read pages: each has its own reader, and one page at a time."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import NamedTuple

from inkwise._util.errors import InkwiseError
from inkwise._util.system import ignore_pillow_warnings, use_one_thread
from inkwise.batch.page_rows import BatchOptions, PageRow, error_row, open_document, read_row
from inkwise.image import Document


class PageTask(NamedTuple):
    """A page to be read.

    Attributes:
        file: its path.
        content: what is opened: the path again, or bytes.
        number: of the page, from 1.
        known: whether it is known how many pages the file has.
    """

    file: str
    content: str | bytes
    number: int
    known: bool


def read_in_processes(
    take: Callable[[], PageTask | None], options: BatchOptions, jobs: int
) -> Generator[tuple[PageTask, int | PageRow], None, None]:
    """Read pages in so many processes, as they are taken; what comes of them, in the order it is done.

    Of each page two things come: the number of pages of its file, so that the further ones can be taken, 0
    where it cannot be opened; then its row. Nothing but a page a process is ever under way. A process that
    dies costs the row of its page, and another takes its place.

    Args:
        take: gives the next page, or None where none is left, for now: it is asked again after each result.
        options: how pages are read.
        jobs: how many processes.

    Raises:
        InkwiseError: a process ended before it could read.
    """
    team: list[_PoolProcess] = []
    try:
        while True:
            while sum(worker.task is not None for worker in team) < jobs and (task := take()):
                idle = next((worker for worker in team if worker.task is None), None)
                if idle is None:
                    team.append(idle := _PoolProcess(options))
                idle.submit(task)
            busy = {worker.connection: worker for worker in team if worker.task}
            if not busy:
                return
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                task = worker.task
                assert task is not None
                result = worker.result()
                if result is not None:
                    yield task, result
                if worker.dead:
                    team.remove(worker)
    finally:
        for worker in team:
            worker.end()


class _PoolProcess:
    """A process that reads, seen from outside.

    Attributes:
        connection: to it.
        task: what it is at; None while it is idle.
        dead: whether it has ended by itself.
    """

    def __init__(self, options: BatchOptions) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(
            target=_process_main, args=(options, theirs), daemon=True
        )
        with _ignore_interrupts():
            self._process.start()
        theirs.close()
        self._began = False
        self._open = ""  # the file that it has open
        self._columns = options.columns
        self.task: PageTask | None = None
        self.dead = False

    def submit(self, task: PageTask) -> None:
        self.task = task
        if task.file == self._open:  # and standard input, which may be large, need not be sent again
            task = task._replace(content=task.file)
        with suppress(ConnectionError):  # it has died: `result` will tell
            self.connection.send(task)

    def result(self) -> int | PageRow | None:
        """What it sends: None once it has begun, then the number of pages and the row of each task.

        Raises:
            InkwiseError: it ended before it had begun, which no page is to blame for.
        """
        task = self.task
        assert task is not None
        try:
            result: int | PageRow | None = self.connection.recv()
        except (EOFError, ConnectionError):
            self.dead = True
            self.end()
            code = self._process.exitcode
            if not self._began:
                raise InkwiseError(f"a process ended before it could read (exit code {code})") from None
            crash = InkwiseError(
                f"{task.file}, page {task.number}: the process that read it was killed or crashed"
                f" (exit code {code}); was there memory enough?"
            )
            return error_row(task.file, task.number, self._columns, crash)
        self._began = True
        if isinstance(result, PageRow):
            self.task = None
        elif result is not None:
            self._open = task.file if result else ""
        return result

    def end(self) -> None:
        """Kill it: it holds nothing that is worth keeping."""
        self.connection.close()
        self._process.kill()
        self._process.join()


@contextmanager
def _ignore_interrupts() -> Iterator[None]:
    """Processes started in here do not hear Ctrl-C; who started them does."""
    if threading.current_thread() is not threading.main_thread():  # only that one may set signals
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _process_main(options: BatchOptions, connection: Connection) -> None:
    """Read what comes, until the connection is closed: at the latest when the process at its end has died."""
    use_one_thread()
    ignore_pillow_warnings()
    read = options.open(threads=1)
    document: Document | None = None
    at: str | None = None  # the file of the document
    with suppress(EOFError, ConnectionError):
        connection.send(None)
        while True:
            task: PageTask = connection.recv()
            if document is None or at != task.file:
                if document is not None:
                    document.close()
                try:
                    document, at = open_document(task.content), task.file
                except Exception as error:  # whatever it is, the other files can do nothing for it
                    document = None
                    connection.send(0)
                    connection.send(error_row(task.file, task.number, options.columns, error))
                    continue
            connection.send(len(document))
            connection.send(read_row(task.file, document, task.number, read, options.columns))
