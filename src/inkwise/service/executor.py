"""Reading in a bounded number of threads, behind a bounded queue, with a time limit per request."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request

from inkwise.http.bodies import MAX_IMAGE_PIXELS, RequestError

READER_THREADS = 2
"""Threads that read at once in one process; more would only take turns."""

_MAX_HELD_BYTES = 256 * 2**20  # bytes of all bodies that wait or are read; one body alone may have more
_POLL_SECONDS = 0.1  # time between checks whether a client still waits
_RETRY_AFTER = {"Retry-After": "1"}

Result = TypeVar("Result")


@dataclass(frozen=True)
class RequestLimits:
    """Limits of one process.

    Attributes:
        queue: Maximum number of requests that wait, besides those being read.
        seconds: Maximum time of a request, including the upload of its body.
        body_bytes: Maximum size of a body.
        pixels: Maximum number of pixels of an image.
    """

    queue: int = 256
    seconds: float = 10.0
    body_bytes: int = 16 * 2**20
    pixels: int = MAX_IMAGE_PIXELS


class RequestAbandonedError(Exception):
    """The request timed out or its client left; raised in the thread that reads it."""


class BoundedExecutor:
    """Reads request bodies in threads, and rejects requests above its limits.

    A thread cannot be stopped from outside: one whose request timed out occupies its place until it calls
    `check` or finishes.
    """

    def __init__(self, limits: RequestLimits) -> None:
        """Start without threads; they are started when needed."""
        self._limits = limits
        self._pool = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="inkwise-read")
        self._lock, self._exclusive_lock = threading.Lock(), threading.Lock()
        self._requests = self._bytes = 0
        self._local = threading.local()
        self._reading: set[threading.Thread] = set()

    @property
    def busy(self) -> bool:
        """Whether a thread is reading."""
        return bool(self._reading)

    async def run(self, request: Request, task: Callable[[bytes], Result]) -> Result:
        """Receive the body of a request, and return the result of `task(body)` in a thread.

        Raises:
            RequestError: 429 if too many requests wait, 503 if it takes too long.
        """
        # Places are taken later: a client that sends slowly must not occupy them.
        self._require_room(1, int(request.headers.get("content-length", 0)))
        parts: list[bytes] = []
        places = size = 0
        reading: Future[Result] | None = None
        abandoned = threading.Event()
        try:
            async with asyncio.timeout(self._limits.seconds):
                async for part in request.stream():
                    self._acquire(0, len(part))
                    size += len(part)
                    parts.append(part)
                self._acquire(1, 0)
                places = 1
                reading = self._pool.submit(self._run, task, b"".join(parts), abandoned)
                return await asyncio.wrap_future(reading)
        except TimeoutError:
            line = f"the request took longer than {self._limits.seconds:g} seconds"
            raise RequestError(503, line, _RETRY_AFTER) from None
        finally:
            abandoned.set()
            if reading is None:
                self._release(places, size)
            else:
                reading.add_done_callback(lambda _: self._release(places, size))

    def check(self) -> None:
        """Raise RequestAbandonedError in a thread whose request nobody waits for."""
        abandoned = getattr(self._local, "abandoned", None)
        if abandoned is not None and abandoned.is_set():
            raise RequestAbandonedError

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Run one thread at a time, for tasks that need much memory; raises RequestAbandonedError."""
        while not self._exclusive_lock.acquire(timeout=_POLL_SECONDS):
            self.check()
        try:
            self.check()
            yield
        finally:
            self._exclusive_lock.release()

    def end(self) -> None:
        """Start no more tasks; does not wait for running ones."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _acquire(self, requests: int, size: int) -> None:
        """Occupy places in the queue and `size` bytes for bodies; raises RequestError if there is no room."""
        with self._lock:
            self._require_room(requests, size)
            self._requests += requests
            self._bytes += size

    def _require_room(self, requests: int, size: int) -> None:
        room = self._requests + requests <= READER_THREADS + self._limits.queue
        if not room or self._bytes + size > max(_MAX_HELD_BYTES, self._limits.body_bytes):
            raise RequestError(429, "too many requests are waiting; retry later", _RETRY_AFTER)

    def _release(self, requests: int, size: int) -> None:
        with self._lock:
            self._requests -= requests
            self._bytes -= size

    def _run(self, task: Callable[[bytes], Result], body: bytes, abandoned: threading.Event) -> Result:
        self._local.abandoned = abandoned
        self._reading.add(threading.current_thread())
        try:
            self.check()
            return task(body)
        finally:
            self._reading.discard(threading.current_thread())
