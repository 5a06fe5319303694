"""The thread behind the desktop window: drawing never waits for the model or the database."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from inkwise._util.errors import InkwiseError

if TYPE_CHECKING:
    import tkinter as tk

_POLL_MILLISECONDS = (
    10  # milliseconds between looks at whether something is done: only the window's thread may touch it
)

_T = TypeVar("_T")


class BackgroundWorker:
    """Does one job after the other, in the order in which they were given."""

    def __init__(self, root: tk.Tk, fail: Callable[[str], None]) -> None:
        """Work for a window; `fail` gets the one line of what a user can mend."""
        self._root, self._fail = root, fail
        self._thread = ThreadPoolExecutor(1)
        self._jobs: deque[tuple[Future[Any], Callable[[], None]]] = deque()
        self._polling: str | None = None

    @property
    def busy(self) -> bool:
        """Whether a job is not done, or its result not taken."""
        return bool(self._jobs)

    def do(self, job: Callable[[], _T], then: Callable[[Future[_T]], None]) -> None:
        """Have a job done; `then` gets what came of it, in the window's thread."""
        future = self._thread.submit(job)
        self._jobs.append((future, partial(then, future)))
        self._polling = self._polling or self._root.after(_POLL_MILLISECONDS, self._poll)

    def close(self) -> None:
        """Wait until all is done, the window being gone.

        Raises:
            InkwiseError: something could not be done.
        """
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
