"""The service under load: how soon one digit is read over HTTP, and how much memory that takes.

    python benchmarks/service.py [--rate 200] [--seconds 30] [--workers 1]

Requests begin when they are due, whether those before them are answered or not (an open loop), and their time
counts from then: a service that falls behind cannot hide it. Connections are kept. Client and service share
the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import httptools
import numpy as np
from common import describe_machine, print_table
from numpy.typing import NDArray

from inkwise.recognition.adaptation import reference_strokes

INKWISE = Path(sys.executable).with_name("inkwise")
CONNECTIONS = 64
WARM_UP_REQUESTS = 100  # requests that do not count


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=200, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    with running_service(arguments.workers) as (pid, port):
        taken, failed = asyncio.run(measure_load(port, arguments.rate, arguments.seconds))
        resident = resident_bytes(pid)
    print(f"{describe_machine()}.\n")
    p50, p99 = np.quantile(taken, [0.5, 0.99])
    print_table(
        ("one digit over HTTP", "processes", "n", "failed", "mean", "p50", "p99", "most", "resident"),
        [
            (
                f"{arguments.rate:g} a second for {arguments.seconds:g} s",
                str(arguments.workers),
                f"{len(taken):,}",
                str(failed),
                *(f"{1000 * value:.1f} ms" for value in (statistics.mean(taken), p50, p99, max(taken))),
                f"{resident / 2**20:.0f} MB",
            )
        ],
    )


@contextmanager
def running_service(workers: int = 1) -> Iterator[tuple[int, int]]:
    """A service in processes of its own: the first one's id, and the port."""
    command = [str(INKWISE), "serve", "--port", "0", "--workers", str(workers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as service:
        try:
            assert service.stdout
            yield service.pid, int(service.stdout.readline().split()[3].rpartition(":")[2])
        finally:
            service.terminate()


async def measure_load(port: int, rate: float, seconds: float) -> tuple[list[float], int]:
    """Seconds that each answer took from when its request was due, and how many answers failed."""
    pictures = digit_requests(port)
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await connect(port))
    for number in range(WARM_UP_REQUESTS):
        await send_when_due(free, pictures[number % 10], time.perf_counter())
    begin = time.perf_counter()
    asked = []
    for number in range(round(rate * seconds)):
        due = begin + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        asked.append(asyncio.create_task(send_when_due(free, pictures[number % 10], due)))
    answered = await asyncio.gather(*asked)
    return [taken for taken, _ in answered], sum(status != 200 for _, status in answered)


def digit_requests(port: int) -> list[bytes]:
    """Pictures of the ten digits as requests."""
    pictures = map(png, digit_images())
    return [request(port, "/v1/read?expect=digit", "image/png", picture) for picture in pictures]


def digit_images() -> list[NDArray[np.uint8]]:
    """Each digit once, drawn with a dark pen, (100, 100) uint8."""
    drawn = []
    for strokes in reference_strokes():
        paper = np.full((100, 100), 230, np.uint8)
        for stroke in strokes:
            points = np.rint(np.array(stroke) * 3 + [35, 20]).astype(np.int32)
            cv2.polylines(paper, [points[:, None]], False, 30, 5, cv2.LINE_AA)
        drawn.append(paper)
    return drawn


def png(picture: NDArray[np.uint8]) -> bytes:
    """The file of a picture (H, W) uint8."""
    return cv2.imencode(".png", picture)[1].tobytes()


def request(port: int, path: str, kind: str = "", body: bytes | None = None) -> bytes:
    """A POST of a body of this type, or a GET without one, as it travels."""
    head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    if body is not None:
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode() + (body or b"")


async def connect(port: int) -> Connection:
    """A new connection to the service."""
    loop = asyncio.get_running_loop()
    return (await loop.create_connection(Connection, "127.0.0.1", port))[1]


async def send_when_due(free: asyncio.Queue[Connection], request: bytes, due: float) -> tuple[float, int]:
    """Seconds from when a request was due to its answer, and the status."""
    connection = await free.get()
    status, _ = await connection.ask(request)
    taken = time.perf_counter() - due
    free.put_nowait(connection)
    return taken, status


class Connection(asyncio.Protocol):
    """A client as thin as can be: it is measured along with the service."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to write to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request, and wait for the status and the body of its answer; 0 if the connection breaks."""
        self._answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        if self._transport.is_closing():
            return 0, b""
        self._parser, self._body = httptools.HttpResponseParser(self), b""
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Of an answer."""
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        self._body += data

    def on_message_complete(self) -> None:
        """The answer is there."""
        self._answer.set_result((self._parser.get_status_code(), self._body))

    def connection_lost(self, error: Exception | None) -> None:
        """There will be no answer."""
        if hasattr(self, "_answer") and not self._answer.done():
            self._answer.set_result((0, b""))


def resident_bytes(pid: int) -> int:
    """Bytes resident in a process and those that it started."""
    found = 0
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text()
        found += 1024 * int(status.partition("VmRSS:")[2].split()[0])
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += sum(map(resident_bytes, map(int, children.read_text().split())))
    return found


if __name__ == "__main__":
    main()
