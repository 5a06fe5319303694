"""The background thread of the desktop window, so that drawing never waits for the model or the database."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from inkwise._util.errors import InkwiseError

if TYPE_CHECKING:
    import tkinter as tk

_POLL_MILLISECONDS = 10  # time between checks for results; only the window's thread may use tkinter

_T = TypeVar("_T")


class BackgroundWorker:
    """Runs jobs one by one in a thread; their results are handled in the window's thread."""

    def __init__(self, root: tk.Tk, fail: Callable[[str], None]) -> None:
        """Work for a window; `fail` is called with the message of an InkwiseError."""
        self._root, self._fail = root, fail
        self._thread = ThreadPoolExecutor(1)
        self._jobs: deque[tuple[Future[Any], Callable[[], None]]] = deque()
        self._polling: str | None = None

    @property
    def busy(self) -> bool:
        """Whether a job has not finished, or its result has not been handled."""
        return bool(self._jobs)

    def do(self, job: Callable[[], _T], then: Callable[[Future[_T]], None]) -> None:
        """Run a job, then call `then` with its result."""
        future = self._thread.submit(job)
        self._jobs.append((future, partial(then, future)))
        self._polling = self._polling or self._root.after(_POLL_MILLISECONDS, self._poll)

    def close(self) -> None:
        """Wait for all jobs after the window was closed; raises the InkwiseError of a failed one."""
        self._thread.shutdown()
        for future, _ in self._jobs:
            future.result()

    def _poll(self) -> None:
        try:
            while self._jobs and self._jobs[0][0].done():
                _, then = self._jobs.popleft()
                try:
                    then()
                except InkwiseError as error:
                    self._fail(str(error))
        finally:
            self._polling = self._root.after(_POLL_MILLISECONDS, self._poll) if self._jobs else None
