"""Latency of one digit over HTTP at a fixed request rate, and memory of the service.

    python -m benchmarks service-latency [--rate 200] [--seconds 30] [--workers 1]

Requests are sent when they are due, whether earlier ones are answered or not (an open loop), and latency
counts from then, so a service that falls behind cannot hide it. Connections are persistent. Client and
service share the machine.
"""

from __future__ import annotations

import asyncio
import statistics
import time

import numpy as np

from benchmarks.common.processes import resident_memory, running_server
from benchmarks.common.reporting import argument_parser, print_table
from benchmarks.common.service_client import ServiceConnection, digit_requests
from inkwise._util.system import describe_machine

CONNECTIONS = 64
WARM_UP_REQUESTS = 100  # not measured


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--rate", type=float, default=200, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args(argv)
    with running_server("serve", "--workers", str(arguments.workers)) as (pid, port):
        taken, failed = asyncio.run(measure_load(port, arguments.rate, arguments.seconds))
        resident = resident_memory(pid)
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


async def measure_load(port: int, rate: float, seconds: float) -> tuple[list[float], int]:
    """Return the latency of each request in seconds and the number of failed requests."""
    pictures = digit_requests(port)
    free: asyncio.Queue[ServiceConnection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await ServiceConnection.open(port))
    for number in range(WARM_UP_REQUESTS):
        await send_when_due(free, pictures[number % 10], time.perf_counter())
    begin = time.perf_counter()
    tasks = []
    for number in range(round(rate * seconds)):
        due = begin + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(send_when_due(free, pictures[number % 10], due)))
    answered = await asyncio.gather(*tasks)
    return [taken for taken, _ in answered], sum(status != 200 for _, status in answered)


async def send_when_due(
    free: asyncio.Queue[ServiceConnection], request: bytes, due: float
) -> tuple[float, int]:
    """Send a request; return the seconds since it was due and the status."""
    connection = await free.get()
    status, _ = await connection.ask(request)
    taken = time.perf_counter() - due
    free.put_nowait(connection)
    return taken, status
