"""The processes of the service: one, or several that share a socket, until they are told to end."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from types import FrameType

from fastapi import FastAPI

from inkwise._util.system import ignore_pillow_warnings, use_one_thread
from inkwise.http.server import Server
from inkwise.http.sockets import http_address, listen
from inkwise.service.api import Settings, create_app
from inkwise.service.json_log import log_to_stderr
from inkwise.service.middleware import InFlight
from inkwise.service.prometheus import MULTIPROCESS_VARIABLE

_GRACE_SECONDS = 5.0  # seconds that answers on their way have, besides the time a request may take
_RESTART_DELAY = 1.0  # seconds before a process that died is replaced
_POLL_SECONDS = 0.2  # seconds between looks at whether to stop

_logger = logging.getLogger("inkwise.service")


def serve(settings: Settings, *, port: int, workers: int, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; what is under way by then is answered.

    Args:
        settings: of each process; its `host` is bound.
        port: 0 takes one that is free.
        workers: processes.
        say: is given the address.

    Raises:
        InkwiseError: the address cannot be bound, or what `create_app` raises.
    """
    with listen(settings.host, [port]) as bound:
        app = create_app(settings)  # what is wrong is said once, not by each process
        _initialize_process()
        say(http_address(settings.host, bound.getsockname()[1]))
        if workers == 1:
            _run(app, settings, bound)
            return
        with tempfile.TemporaryDirectory(prefix="inkwise-") as folder:
            os.environ[MULTIPROCESS_VARIABLE] = folder
            _supervise(settings, bound, workers)


def _initialize_process() -> None:
    """What each process does first."""
    log_to_stderr()
    # From now on, and when uvicorn at its end raises once more the signal that ended it.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))


def _run(app: FastAPI, settings: Settings, bound: socket.socket) -> None:
    """Answer in this process."""
    use_one_thread()
    try:
        _DrainingServer(app, app.state.in_flight, settings.limits.seconds).run(sockets=[bound])
    except KeyboardInterrupt:
        pass
    finally:
        if app.state.executor.busy:  # with what took too long: Python would wait for it
            os._exit(0)


class _DrainingServer(Server):
    """Answers what is under way before it closes any connection, and meanwhile refuses what is new."""

    def __init__(self, app: FastAPI, in_flight: InFlight, seconds: float) -> None:
        super().__init__(app, round(_GRACE_SECONDS))
        self._in_flight, self._seconds = in_flight, seconds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._in_flight.stop(self._seconds)
        await super().shutdown(sockets)


def _supervise(settings: Settings, bound: socket.socket, count: int) -> None:
    """Have so many processes answer; one that dies is replaced."""
    context = multiprocessing.get_context("spawn")
    workers: list[SpawnProcess] = []
    stopping = False

    def start() -> None:
        worker = context.Process(target=_worker_main, args=(settings, bound))
        # Ctrl-C reaches all processes of a terminal; this one tells the others.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        worker.start()
        workers.append(worker)
        signal.signal(signal.SIGINT, before)

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
    for _ in range(count):
        start()
    while not stopping:
        wait([worker.sentinel for worker in workers], _POLL_SECONDS)
        for worker in [worker for worker in workers if worker.exitcode is not None]:
            _logger.error("process %s ended with %s and is replaced", worker.pid, worker.exitcode)
            workers.remove(worker)
            time.sleep(_RESTART_DELAY)
            start()
    for worker in workers:
        worker.terminate()
    until = time.monotonic() + settings.limits.seconds + 2 * _GRACE_SECONDS
    for worker in workers:
        worker.join(max(0, until - time.monotonic()))
        worker.kill()  # one that has ended is not touched


def _worker_main(settings: Settings, bound: socket.socket) -> None:
    _initialize_process()
    ignore_pillow_warnings()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _run(create_app(settings), settings, bound)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
