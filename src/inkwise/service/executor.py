"""Where reading happens: a bounded number of threads, a bounded queue before them, a bounded time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request

from inkwise.http.bodies import PIXELS, PayloadTooLargeError, RequestError

READER_THREADS = 2
"""That read at once in one process: more would only take turns."""

_MAX_HELD_BYTES = 256 * 2**20  # bytes of all bodies that wait or are read, unless one alone may have more
_POLL_SECONDS = 0.1  # seconds from one look to the next whether anybody waits still
_RETRY_AFTER = {"Retry-After": "1"}

Result = TypeVar("Result")


@dataclass(frozen=True)
class RequestLimits:
    """What one process takes in.

    Attributes:
        queue: requests that wait, at most, besides those that are being read.
        seconds: that a request may take, with the sending of its body.
        body_bytes: of one request.
        pixels: of one picture.
    """

    queue: int = 256
    seconds: float = 10.0
    body_bytes: int = 16 * 2**20
    pixels: int = PIXELS


class RequestAbandonedError(Exception):
    """Nobody waits any more for what is being read."""


class BoundedExecutor:
    """Reads the bodies of requests, and refuses what would be too much.

    A thread cannot be ended from outside. One whose request ran out of time keeps its place until it calls
    `check`, or is done.
    """

    def __init__(self, limits: RequestLimits) -> None:
        """Start with no threads; they begin as they are needed."""
        self._limits = limits
        self._pool = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="inkwise-read")
        self._lock, self._exclusive_lock = threading.Lock(), threading.Lock()
        self._requests = self._bytes = 0
        self._here = threading.local()
        self._reading: set[threading.Thread] = set()

    @property
    def busy(self) -> bool:
        """Whether a thread reads."""
        return bool(self._reading)

    async def run(
        self, request: Request, task: Callable[[bytes], Result], largest: int | None = None
    ) -> Result:
        """What `task` makes of the body of a request, in a thread.

        Args:
            request: its body is received here, and not at all if there is too much to do already.
            task: is called with the body.
            largest: bytes of the body, where fewer are taken here than the limit for all.

        Raises:
            RefusedError: 413, 429 or 503, by what there is too much of.
        """
        largest = min(largest or self._limits.body_bytes, self._limits.body_bytes)
        declared = int(request.headers.get("content-length", 0))
        if declared > largest:
            raise _too_large_error(largest)
        self._check(1, declared)  # places are taken later: a client that sends slowly must not keep them
        parts: list[bytes] = []
        places = size = 0
        reading: Future[Result] | None = None
        abandoned = threading.Event()
        try:
            async with asyncio.timeout(self._limits.seconds):
                async for part in request.stream():
                    if size + len(part) > largest:
                        raise _too_large_error(largest)
                    self._take(0, len(part))
                    size += len(part)
                    parts.append(part)
                request.state.entry.bytes = size
                self._take(1, 0)
                places = 1
                reading = self._pool.submit(self._run, task, b"".join(parts), abandoned)
                return await asyncio.wrap_future(reading)
        except TimeoutError:
            raise RequestError(
                503, f"it took longer than {self._limits.seconds:g} seconds", _RETRY_AFTER
            ) from None
        finally:
            abandoned.set()
            if reading is None:
                self._release(places, size)
            else:
                reading.add_done_callback(lambda _: self._release(places, size))

    def check(self) -> None:
        """Called in a thread that reads.

        Raises:
            AbandonedError: nobody waits for it any more.
        """
        abandoned = getattr(self._here, "abandoned", None)
        if abandoned is not None and abandoned.is_set():
            raise RequestAbandonedError

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """In a thread that reads: around what takes so much memory that one at a time is enough.

        Raises:
            AbandonedError: while it waited for the one before, its request ran out of time.
        """
        while not self._exclusive_lock.acquire(timeout=_POLL_SECONDS):
            self.check()
        try:
            self.check()
            yield
        finally:
            self._exclusive_lock.release()

    def end(self) -> None:
        """Begin nothing more; waits for nobody."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _take(self, requests: int, size: int) -> None:
        """Take places in the queue, and memory for bodies in bytes.

        Raises:
            RefusedError: there is not enough.
        """
        with self._lock:
            self._check(requests, size)
            self._requests += requests
            self._bytes += size

    def _check(self, requests: int, size: int) -> None:
        room = self._requests + requests <= READER_THREADS + self._limits.queue
        if not room or self._bytes + size > max(_MAX_HELD_BYTES, self._limits.body_bytes):
            raise RequestError(429, "too many requests wait already; ask again", _RETRY_AFTER)

    def _release(self, requests: int, size: int) -> None:
        with self._lock:
            self._requests -= requests
            self._bytes -= size

    def _run(self, task: Callable[[bytes], Result], body: bytes, abandoned: threading.Event) -> Result:
        self._here.abandoned = abandoned
        self._reading.add(threading.current_thread())
        try:
            self.check()
            return task(body)
        finally:
            self._reading.discard(threading.current_thread())


def _too_large_error(largest: int) -> PayloadTooLargeError:
    return PayloadTooLargeError(f"too large: at most {largest:,} bytes can be sent here")
