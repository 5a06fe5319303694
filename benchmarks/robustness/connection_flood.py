"""Servers under clients that send too much, too slowly or nothing: are other requests answered?

    python -m benchmarks connection-flood [--connections 10000] [--seconds 20] [--servers app service]

Each kind of client keeps as many connections open as the server allows and reconnects a few seconds after one
is closed. Meanwhile requests with a token are sent, every other one on a new connection. Clients and server
share the machine. The exit status is 1 if a request with a token gets no answer.
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.common.processes import peak_memory, running_server
from benchmarks.common.reporting import argument_parser, print_table
from inkwise._util.system import describe_machine

TOKEN = "correct-horse"
PROCESSES = 2  # client processes
ADDRESSES = 16  # client addresses in 127.0.0.0/8, each with its own range of ports
RECONNECT_SECONDS = 10.0  # maximum time before a client reconnects
REQUEST_INTERVAL = 0.1  # seconds between two requests with the token
TIMEOUT = 30.0  # seconds for the answer to a request with the token
SEVEN = [[[30, 25], [85, 25], [55, 100]]]
REQUESTS: dict[str, tuple[str, dict[str, object]]] = {
    "app": ("/api/read", {"strokes": SEVEN, "writer": "anna"}),
    "service": ("/v1/strokes", {"strokes": SEVEN}),
}

_LARGE = b"a" * 2**16


@dataclass(frozen=True)
class Kind:
    """A kind of client.

    Attributes:
        begin: what it sends first.
        more: what it sends repeatedly.
        every: seconds between two repetitions; 0 sends continuously.
        reads: whether it reads the responses.
    """

    begin: str = ""
    more: bytes = b""
    every: float = 0.0
    reads: bool = True


_HOST = "HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n"
_POST = f"POST PATH {_HOST}Content-Type: application/json\r\n"
_AUTHORIZATION = f"Authorization: Bearer {TOKEN}\r\n"
KINDS = {
    "nothing is sent": Kind(),
    "idle after a request": Kind(f"GET /healthz {_HOST}\r\n"),
    "a byte of the header a second": Kind(f"GET / {_HOST}A: ", b"a", 1),
    "a byte of the body a second": Kind(f"{_POST}Content-Length: 1000000\r\n\r\n", b" ", 1),
    "the same with a token": Kind(f"{_POST}{_AUTHORIZATION}Content-Length: 1000000\r\n\r\n", b" ", 1),
    "an endless header": Kind(f"GET / {_HOST}A: ", _LARGE),
    "endless headers": Kind(f"GET / {_HOST}", b"A: b\r\n" * 10_000),
    "an endless URL": Kind("GET /", _LARGE),
    "an endless chunk header": Kind(f"{_POST}Transfer-Encoding: chunked\r\n\r\n1;", _LARGE),
    "the same, with a token": Kind(f"{_POST}{_AUTHORIZATION}Transfer-Encoding: chunked\r\n\r\n1;", _LARGE),
    "requests, no answer read": Kind("", f"GET /healthz {_HOST}\r\n".encode() * 100, reads=False),
}


@dataclass
class Load:
    """Connections of a kind of client.

    Attributes:
        opened: total number of connections.
        open: number of open connections.
        most: maximum of `open`.
        sent: bytes passed to the sockets.
    """

    opened: int = 0
    open: int = 0
    most: int = 0
    sent: int = 0


class Client(asyncio.Protocol):
    """A connection of one kind of client."""

    def __init__(self, kind: Kind, begin: bytes, more: bytes, load: Load) -> None:
        """Prepare a connection."""
        self.closed = asyncio.get_running_loop().create_future()
        self._kind, self._begin, self._more, self._load = kind, begin, more, load
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to send."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._load.opened += 1
        self._load.open += 1
        self._load.most = max(self._load.most, self._load.open)
        if not self._kind.reads:
            transport.pause_reading()
        transport.write(self._begin)
        if self._more:
            self._send()

    def _send(self) -> None:
        if self.transport.is_closing() or self._paused:
            return
        self.transport.write(self._more)
        self._load.sent += len(self._more)
        asyncio.get_running_loop().call_later(self._kind.every, self._send)

    def pause_writing(self) -> None:
        """Stop sending until the server has read."""
        self._paused = True

    def resume_writing(self) -> None:
        """Resume sending."""
        self._paused = False
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        """Count the closed connection."""
        self._load.open -= 1
        if not self.closed.done():
            self.closed.set_result(None)


async def clients(kinds: list[Kind], server: str, port: int, count: int, seconds: float) -> Load:
    """Keep up to `count` connections of these kinds open."""
    load, until, loop = Load(), time.monotonic() + seconds, asyncio.get_running_loop()

    def fill_in(text: bytes) -> bytes:
        return text.replace(b"PORT", str(port).encode()).replace(b"PATH", REQUESTS[server][0].encode())

    async def client(number: int) -> None:
        kind = kinds[number % len(kinds)]
        begin, more = fill_in(kind.begin.encode()), fill_in(kind.more)
        address = f"127.0.1.{1 + number % ADDRESSES}"
        await asyncio.sleep(random.uniform(0, min(RECONNECT_SECONDS, seconds) / 4))
        while time.monotonic() < until:
            try:
                async with asyncio.timeout(max(0, until - time.monotonic())):
                    transport, protocol = await loop.create_connection(
                        lambda: Client(kind, begin, more, load), "127.0.0.1", port, local_addr=(address, 0)
                    )
                    try:
                        await protocol.closed
                    finally:
                        if not transport.is_closing():
                            transport.abort()
            except OSError:  # a TimeoutError is one
                pass
            await asyncio.sleep(random.uniform(0, min(RECONNECT_SECONDS, max(0, until - time.monotonic()))))

    await asyncio.gather(*map(client, range(count)))
    return load


def run_clients(kinds: list[Kind], server: str, port: int, count: int, seconds: float) -> Load:
    """Run `clients` in this process with the maximum number of open files."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return asyncio.run(clients(kinds, server, port, count, seconds))


@dataclass
class Answers:
    """Answers to requests with a token.

    Attributes:
        seconds: duration of each request.
        failed: error of each request without the right answer.
        reopened: how often the persistent connection had been closed.
    """

    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    reopened: int = 0


def ask(server: str, port: int, seconds: float) -> Answers:
    """Send requests with the token, every other one on a new connection."""
    answers, until = Answers(), time.monotonic() + seconds
    persistent = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    for number in itertools.count():
        begin = time.monotonic()
        if begin > until:
            persistent.close()
            return answers
        connection = (
            persistent if number % 2 else http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        )
        try:
            try:
                status, text = _answer(connection, server)
            except (http.client.RemoteDisconnected, ConnectionError):
                if connection is not persistent:
                    raise
                answers.reopened += 1
                persistent.close()
                status, text = _answer(persistent, server)
            if (status, text) != (200, "7"):
                answers.failed.append(f"{status} {text}")
        except (OSError, http.client.HTTPException) as error:
            answers.failed.append(repr(error))
            connection.close()
        answers.seconds.append(time.monotonic() - begin)
        if connection is not persistent:
            connection.close()
        time.sleep(max(0, begin + REQUEST_INTERVAL - time.monotonic()))
    raise AssertionError


def _answer(connection: http.client.HTTPConnection, server: str) -> tuple[int, str]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    path, body = REQUESTS[server]
    connection.request("POST", path, json.dumps(body), headers)
    response = connection.getresponse()
    plain = json.load(response)
    return response.status, str(plain.get("text", plain))


@contextmanager
def running(server: str, files: int | None = None) -> Iterator[tuple[int, int, Path]]:
    """Run a server with a token; yield its process id, its port and its log file."""
    with tempfile.TemporaryDirectory() as folder:
        tokens, log = Path(folder) / "tokens", Path(folder) / "log"
        tokens.write_text(TOKEN)
        words = {
            "app": ["app", "--no-browser", "--token", TOKEN, "--database", f"sqlite:///{folder}/taught.db"],
            "service": ["serve", "--tokens", str(tokens)],
        }
        with running_server(*words[server], log=log, max_files=files) as (pid, port):
            yield pid, port, log


def flood(server: str, kinds: list[Kind], count: int, seconds: float) -> tuple[Load, Answers, int, int]:
    """Return load, answers to requests with a token, peak memory and log size in bytes."""
    with running(server) as (pid, port, log):
        ask(server, port, 1)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(PROCESSES, context) as pool:
            share = (kinds, server, port, count // PROCESSES, seconds)
            loads = [pool.submit(run_clients, *share) for _ in range(PROCESSES)]
            answers = ask(server, port, seconds)
            done = [load.result() for load in loads]
        load = Load(*(sum(values) for values in zip(*(vars(one).values() for one in done), strict=True)))
        return load, answers, peak_memory(pid), log.stat().st_size


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--servers", nargs="+", choices=REQUESTS, default=[*REQUESTS])
    given = parser.parse_args(argv)
    trials = {name: [kind] for name, kind in KINDS.items()} | {"all of these": [*KINDS.values()]}
    rows, failed = [], 0
    for server, (name, kinds) in itertools.product(given.servers, trials.items()):
        load, answers, memory, log = flood(server, kinds, given.connections, given.seconds)
        failed += len(answers.failed)
        for error in answers.failed[:3]:
            print(f"{server}, {name}: {error}", file=sys.stderr)
        rows.append(
            (
                server,
                name,
                f"{load.opened:,}",
                f"{load.most:,}",
                f"{load.sent / 1e6:,.0f} MB",
                f"{len(answers.seconds) - len(answers.failed)} of {len(answers.seconds)}",
                str(answers.reopened),
                f"{1000 * np.median(answers.seconds):.0f} ms",
                f"{1000 * max(answers.seconds):.0f} ms",
                f"{memory / 2**20:.0f} MB",
                f"{log / 1e3:,.0f} kB",
            )
        )
    print(f"{describe_machine()}; {given.connections:,} clients for {given.seconds:g} s.\n")
    head = ("server", "clients", "opened", "open at once", "sent", "answered", "reopened", "p50", "most")
    print_table((*head, "resident", "log"), rows)
    sys.exit(bool(failed))
