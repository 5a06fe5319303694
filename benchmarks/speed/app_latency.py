"""Latency of the app in a browser and with many clients, and duration of fine-tuning.

    python -m benchmarks app-latency [--clients 50] [--seconds 60]

The first part draws in a headless Chromium with pointer events, over loopback; it needs `chromium`. The last
part runs `inkwise learn` as a command, from the import of PyTorch to the final evaluation.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import httpx
import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.common.processes import INKWISE, running_server
from benchmarks.common.reporting import argument_parser, print_table
from inkwise._util.system import describe_machine
from inkwise.corrections import Store
from inkwise.preprocessing import strokes_to_glyph
from inkwise.recognition.adaptation import reference_strokes

SEVEN = [(30, 30), (90, 30), (60, 130)]
STROKES = 100


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args(argv)
    print(f"{describe_machine()}.\n")
    with running_app() as url:
        closed, opened = measure_in_browser(url)
        reads, errors = asyncio.run(measure_many_clients(url, arguments.clients, arguments.seconds))
    for error in errors:
        print(error, file=sys.stderr)
    print_table(
        ("what", "n", "errors", "median", "99 of 100 within"),
        [
            ("from the end of a stroke to its reading, in Chromium", str(len(closed)), "-", *spread(closed)),
            ("the same with the panel Why? open", str(len(opened)), "-", *spread(opened)),
            (
                f"a request to read while {arguments.clients} clients draw for {arguments.seconds:.0f} s",
                f"{len(reads):,}",
                str(len(errors)),
                *spread(reads),
            ),
        ],
    )
    seconds, learnt = measure_fine_tuning()
    print(f"\n`inkwise learn` from {learnt} corrections: {seconds:.1f} s, 1 run.")


def measure_fine_tuning() -> tuple[float, int]:
    """Return the seconds of `inkwise learn` on 150 digits with jitter, and the number of training samples."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/taught.db"
        with Store.open(url) as store:
            for number in range(150):
                strokes = [
                    np.array(stroke) + rng.normal(0, 0.5, (len(stroke), 2))
                    for stroke in reference_strokes()[number % 10]
                ]
                glyph = strokes_to_glyph(strokes)
                assert glyph is not None
                label = str(number % 10)
                store.add(glyph, writer="me", source="canvas", strokes=strokes, label=label, answer=label)
        start = time.perf_counter()
        subprocess.run(
            [INKWISE, "learn", "--writer", "me", "--database", url], check=True, capture_output=True
        )
        seconds = time.perf_counter() - start
        with Store.open(url) as store:
            return seconds, store.versions.list("me")[0].samples


def spread(milliseconds: list[float]) -> tuple[str, str]:
    return (
        f"{statistics.median(milliseconds):.1f} ms",
        f"{statistics.quantiles(milliseconds, n=100)[-1]:.1f} ms",
    )


@contextmanager
def running_app() -> Iterator[str]:
    """Run `inkwise app` on an empty database and yield its URL."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server("app", "--no-browser", "--database", f"sqlite:///{folder}/taught.db") as (_, port),
    ):
        yield f"http://127.0.0.1:{port}"


def measure_in_browser(url: str) -> tuple[list[float], list[float]]:
    """Draw sevens and return the latencies that the page measured, in milliseconds.

    Strokes with the panel Why? closed and open alternate, so that both meet the same load of the machine.
    """
    closed: list[float] = []
    opened: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-background-networking"],
        )
        page = browser.new_page()
        page.goto(url)
        for _ in range(STROKES):
            for taken in (closed, opened):
                taken.append(draw_seven(page))
                page.keyboard.press("Escape")
                page.locator("#why").evaluate("panel => (panel.open = !panel.open)")
        browser.close()
    return closed, opened


def draw_seven(page: Page) -> float:
    box = page.locator("#ink").bounding_box()
    assert box
    reading = page.locator("#reading")
    reading.evaluate("node => delete node.dataset.latencyMs")
    points = [(box["x"] + x, box["y"] + y) for x, y in SEVEN]
    page.mouse.move(*points[0])
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(x, y, steps=12)
    page.mouse.up()
    page.wait_for_selector("#reading[data-latency-ms]")
    return float(reading.get_attribute("data-latency-ms") or "nan")


async def measure_many_clients(url: str, clients: int, seconds: float) -> tuple[list[float], list[str]]:
    """Return the latencies of all readings in milliseconds, and the errors."""
    reads: list[float] = []
    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30) as client:
        until = time.perf_counter() + seconds
        failed = await asyncio.gather(
            *(simulate_client(client, f"writer {n}", until, reads) for n in range(clients))
        )
    return reads, list(chain.from_iterable(failed))


async def simulate_client(
    client: httpx.AsyncClient, writer: str, until: float, reads: list[float]
) -> list[str]:
    """Draw sevens, each read ten times within about a second and then confirmed; return the errors."""
    errors = []
    rng = random.Random(writer)
    while time.perf_counter() < until:
        stroke: list[tuple[float, float]] = []
        try:
            for part in range(10):
                (x, y), (to_x, to_y) = SEVEN[part // 5 : part // 5 + 2]
                share = part % 5 / 4
                stroke.append(
                    (x + share * (to_x - x) + rng.gauss(0, 2), y + share * (to_y - y) + rng.gauss(0, 2))
                )
                start = time.perf_counter()
                read = await client.post("/api/read", json={"writer": writer, "strokes": [stroke]})
                reads.append(1000 * (time.perf_counter() - start))
                reading = read.raise_for_status().json()
                await asyncio.sleep(rng.uniform(0.05, 0.15))
            digit = reading["digits"][0]
            answer = {"label": "7", "strokes": [stroke], "answer": digit["label"]}
            answer |= {"probability": digit["probability"], "model": reading["model"]}
            body = {"writer": writer, "source": "canvas", "answers": [answer]}
            (await client.post("/api/samples", json=body)).raise_for_status()
            (await client.get("/api/state", params={"writer": writer})).raise_for_status()
        except httpx.HTTPError as error:
            errors.append(f"{type(error).__name__}: {error}")
        await asyncio.sleep(rng.uniform(0.3, 0.7))
    return errors
