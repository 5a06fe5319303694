"""Server processes: bind an address, create the app, and serve it until SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from types import FrameType

from fastapi import FastAPI

from inkwise._util.errors import InkwiseError
from inkwise.http.server import BACKLOG, Server

_GRACE_SECONDS = 5.0  # time for responses under way before a shutdown closes their connections
_RESTART_DELAY = 1.0  # seconds before a worker process that died is replaced
_POLL_SECONDS = 0.2  # time between checks whether to stop
_RECEIVE_BUFFER = 2**18  # bytes that the kernel holds of a connection that is not read

_logger = logging.getLogger("inkwise.http")


def launch(
    create: Callable[[], FastAPI],
    host: str,
    ports: Sequence[int],
    announce: Callable[[int], None],
    *,
    workers: int = 1,
) -> None:
    """Serve an app at the first free port until SIGTERM or SIGINT.

    Args:
        create: Creates the app, once in each process; picklable if there are several. `app.state.in_flight`
            is the app's InFlight; `app.state.busy`, if it exists, says whether a thread still runs that must
            not delay the end of the process.
        host: Name or address to bind.
        ports: Ports to try in this order; 0 is any free port.
        announce: Called with the port before the first request is served.
        workers: Number of processes; a worker that dies is replaced.

    Raises:
        InkwiseError: No port can be bound, or an exception of `create`.
    """
    with listen(host, ports) as bound:
        app = create()  # also with several workers: its errors are then raised here, and once
        with _until_signal():
            announce(bound.getsockname()[1])
            if workers == 1:
                _serve(app, bound)
            else:
                _supervise(create, bound, workers, app.state.in_flight.drain_seconds)


def listen(host: str, ports: Sequence[int]) -> socket.socket:
    """Return a socket that listens on the first free port; raises InkwiseError if there is none."""
    for port in ports:
        bound = None
        try:
            # asyncio disables Nagle's algorithm only on sockets of the protocol TCP.
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
            *kind, _, address = found[0]
            bound = socket.socket(*kind)
            # Elsewhere this shares the port with another program; so may a port that the kernel chooses.
            if os.name == "posix" and port:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)  # accepted ones inherit it
            bound.bind(address)
            bound.listen(BACKLOG)
            return bound
        except (OSError, UnicodeError) as error:
            if bound is not None:
                bound.close()
            reason = getattr(error, "strerror", None) or "it is no host name"
    asked = f"{ports[0]} to {ports[-1]}" if len(ports) > 1 else ports[0]
    raise InkwiseError(f"{host}:{asked}: cannot be used ({reason})")


def http_url(host: str, port: int) -> str:
    """Return the URL of a server, with an IPv6 address in brackets."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


@contextmanager
def _until_signal() -> Iterator[None]:
    """Leave the block normally on SIGINT and SIGTERM, so that the caller can clean up.

    uvicorn raises a signal again after its shutdown; the default action of SIGTERM would end the process.
    """
    main = threading.current_thread() is threading.main_thread()  # the only one that can set handlers
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if main else None
    try:
        yield
    except KeyboardInterrupt:
        if not main:
            raise
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)


def _serve(app: FastAPI, bound: socket.socket) -> None:
    try:
        Server(app, app.state.in_flight, round(_GRACE_SECONDS)).run(sockets=[bound])
    finally:
        if getattr(app.state, "busy", bool)():
            os._exit(0)  # Python would wait for the thread


def _supervise(create: Callable[[], FastAPI], bound: socket.socket, count: int, drain_seconds: float) -> None:
    """Run worker processes on one socket, and replace those that die."""
    context = multiprocessing.get_context("spawn")
    workers: list[SpawnProcess] = []
    stopping = False

    def start() -> None:
        worker = context.Process(target=_worker_main, args=(create, bound))
        # Ctrl-C reaches all processes of a terminal; only this one acts on it, and ends the others.
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
    until = time.monotonic() + drain_seconds + 2 * _GRACE_SECONDS
    for worker in workers:
        worker.join(max(0, until - time.monotonic()))
        worker.kill()  # does nothing to a process that has ended


def _worker_main(create: Callable[[], FastAPI], bound: socket.socket) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with _until_signal():
        _serve(create(), bound)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
