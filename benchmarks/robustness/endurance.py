"""The service under sustained load: are all responses correct, and does memory grow?

    python -m benchmarks endurance --clients 200 --minutes 5
    python -m benchmarks endurance --clients 8 --reads 100000

The service has one process. Each client keeps a connection and sends the next request as soon as it has the
response: images, strokes and glyphs; with --minutes also health checks, metrics and invalid requests. A
response must equal that of the idle service to the same request, which is checked first. The exit status is 1
if one differs.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.common.processes import resident_memory, running_server
from benchmarks.common.reporting import argument_parser, print_table
from benchmarks.common.service_client import ServiceConnection, digit_images, encode_png, http_request
from inkwise._util.system import describe_machine
from inkwise.recognition.adaptation import reference_glyphs, reference_strokes

INTERVALS = 10
SAMPLING_INTERVAL = 0.5  # seconds between two measurements of the memory
PROBABILITY_TOLERANCE = 0.001  # rounding differs between batches

_TIME = re.compile(rb',"elapsed_ms":[0-9.]+')


@dataclass(frozen=True)
class ExpectedRequest:
    """A request and its expected response.

    Attributes:
        kind: row heading.
        sent: bytes of the request.
        status: expected status.
        text: expected digits, or labels of glyphs; None if nothing is read.
        fixed: whether the same request always has the same response.
    """

    kind: str
    sent: bytes
    status: int = 200
    text: str | None = None
    fixed: bool = True


@dataclass
class LoadResults:
    """Responses and memory during the load.

    Attributes:
        seconds: response times by kind and status.
        wrong: kind, status and start of each wrong response.
        tenths: number of responses and resident bytes after each tenth of the load.
        most: maximum of the resident bytes.
    """

    seconds: dict[tuple[str, int], list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)
    tenths: list[tuple[int, int]] = field(default_factory=list)
    most: int = 0

    @property
    def answers(self) -> int:
        """Number of responses so far."""
        return sum(map(len, self.seconds.values()))


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--clients", type=int, default=200)
    until = parser.add_mutually_exclusive_group()
    until.add_argument("--minutes", type=float, default=5)
    until.add_argument("--reads", type=int, help="number of requests that read, instead of --minutes")
    given = parser.parse_args(argv)
    with running_server("serve") as (pid, port):
        tally = asyncio.run(run_load(pid, port, given.clients, given.minutes, given.reads))
    print_results(tally, given.clients)
    for answer in tally.wrong[:5]:
        print(answer, file=sys.stderr)
    sys.exit(bool(tally.wrong))


async def run_load(pid: int, port: int, clients: int, minutes: float, reads: int | None) -> LoadResults:
    """Send requests until the time is over or `reads` requests are answered."""
    requests = [request for request in expected_requests(port) if reads is None or request.text is not None]
    idle = await ServiceConnection.open(port)
    expected = [check(request, *await idle.ask(request.sent)) for request in requests]
    idle.close()
    tally, start, left = LoadResults(), time.monotonic(), reads

    def share() -> float:
        """Return the completed share of the load."""
        return (time.monotonic() - start) / (60 * minutes) if reads is None else tally.answers / reads

    async def client(number: int) -> None:
        nonlocal left
        chance, connection = random.Random(number), await ServiceConnection.open(port)
        while share() < 1 if left is None else left > 0:
            left = None if left is None else left - 1
            which = chance.randrange(len(requests))
            begin = time.perf_counter()
            status, body = await connection.ask(requests[which].sent)
            tally.seconds[requests[which].kind, status].append(time.perf_counter() - begin)
            if not same(requests[which], status, body, expected[which]):
                tally.wrong.append(f"{requests[which].kind}: {status} {body[:300]!r}")
            if not status:
                connection = await ServiceConnection.open(port)
        connection.close()

    async def watch() -> None:
        while len(tally.tenths) < INTERVALS:
            resident = resident_memory(pid)
            tally.most = max(tally.most, resident)
            if share() >= (len(tally.tenths) + 1) / INTERVALS:
                tally.tenths.append((tally.answers, resident))
            else:
                await asyncio.sleep(SAMPLING_INTERVAL)

    await asyncio.gather(watch(), *map(client, range(clients)))
    return tally


def expected_requests(port: int) -> Iterator[ExpectedRequest]:
    """Yield all requests of the clients."""
    pictures, digits = digit_images(), "0123456789"
    for digit, (picture, strokes) in enumerate(zip(pictures, reference_strokes(), strict=True)):
        sent = http_request(port, "/v1/read?expect=digit", "image/png", encode_png(picture))
        yield ExpectedRequest("a picture of a digit", sent, text=digits[digit])
        drawing = json.dumps({"strokes": strokes}).encode()
        sent = http_request(port, "/v1/strokes?expect=digit", "application/json", drawing)
        yield ExpectedRequest("strokes of a digit", sent, text=digits[digit])
        sent = http_request(
            port, "/v1/classify", "application/octet-stream", reference_glyphs()[digit].tobytes()
        )
        yield ExpectedRequest("a glyph", sent, text=digits[digit])
    glyphs = np.concatenate([reference_glyphs()] * 10).tobytes()
    yield ExpectedRequest(
        "100 glyphs", http_request(port, "/v1/classify", "application/octet-stream", glyphs), text=digits * 10
    )
    line = encode_png(np.hstack([pictures[digit] for digit in (7, 4, 2)]))
    yield ExpectedRequest(
        "a picture of digits", http_request(port, "/v1/read", "image/png", line), text="742"
    )
    sent = http_request(port, "/v1/read?expect=number&range=700-799", "image/png", line)
    yield ExpectedRequest("a picture of a number", sent, text="742")
    yield ExpectedRequest("/healthz", http_request(port, "/healthz"))
    yield ExpectedRequest("/metrics", http_request(port, "/metrics"), fixed=False)
    broken = http_request(port, "/v1/strokes", "application/json", b'{"strokes": [[[NaN, 1]]]}')
    yield ExpectedRequest("strokes that are none", broken, 422)
    yield ExpectedRequest("a picture that is none", http_request(port, "/v1/read", "image/png", b"text"), 422)
    many = json.dumps({"strokes": [[[1, 1]]] * 501}).encode()
    yield ExpectedRequest(
        "too many strokes", http_request(port, "/v1/strokes", "application/json", many), 413
    )


def check(request: ExpectedRequest, status: int, body: bytes) -> bytes:
    """Return the response of the idle service without its time.

    Raises:
        SystemExit: the response is wrong.
    """
    read = None
    if status == 200 and request.text is not None:
        found = json.loads(body)
        read = "".join(found["labels"]) if "labels" in found else found["text"].replace(" ", "")
    if (status, read) != (request.status, request.text):
        raise SystemExit(f"{request.kind}: {status} {read}, expected {request.status} {request.text}")
    return _TIME.sub(b"", body)


def same(request: ExpectedRequest, status: int, body: bytes, expected: bytes) -> bool:
    """Return whether a response equals that of the idle service."""
    if status != request.status or not request.fixed:
        return status == request.status
    body = _TIME.sub(b"", body)
    return body == expected or close(json.loads(body), json.loads(expected))


def close(one: Any, other: Any) -> bool:
    """Return whether JSON values are equal up to rounding."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= PROBABILITY_TOLERANCE
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(close, one, other))
    return bool(one == other)


def print_results(tally: LoadResults, clients: int) -> None:
    """Print the tables of responses and memory."""
    print(f"{describe_machine()}; {clients} clients.\n")
    rows = []
    for (kind, status), seconds in sorted(tally.seconds.items()):
        times = (*np.quantile(seconds, [0.5, 0.99]), max(seconds))
        rows.append((kind, str(status), f"{len(seconds):,}", *(f"{1000 * value:.0f} ms" for value in times)))
    print_table(("asked", "status", "answers", "p50", "p99", "most"), rows)
    print(f"\n{tally.answers:,} answers, {len(tally.wrong):,} of them wrong.\n")
    memories = [(f"{count:,}", f"{resident / 2**20:.1f} MB") for count, resident in tally.tenths]
    print_table(("answers", "resident"), memories)
    growth = (tally.tenths[-1][1] - tally.tenths[0][1]) / 2**20
    print(f"\nFrom the first tenth to the last: {growth:+.1f} MB; at the most: {tally.most / 2**20:.1f} MB.")
