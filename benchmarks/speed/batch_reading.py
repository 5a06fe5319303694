"""Memory of batch reading as the number of pages grows, and speed-up by a second process.

    python -m benchmarks batch-reading [--pages 1000] [--runs 3]

Each file is a synthetic PDF: A4 at 100 dpi, twelve lines of MNIST test digits a page. Peak memory is read
from /proc (Linux).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.common.processes import child_processes, peak_memory
from benchmarks.common.reporting import argument_parser, print_table
from inkwise._util.system import describe_machine
from inkwise.datasets import load_dataset

WIDTH, HEIGHT = 827, 1169  # A4 at 100 dpi
LINES, DIGITS, PITCH = 12, 8, 36
PAGES_IN_MEMORY = 100  # while a PDF is written


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument(
        "--pages", type=int, default=1000, help="of the large file; the small one has a tenth"
    )
    parser.add_argument(
        "--runs", type=int, default=3, help="with one process and with two, on the small file"
    )
    arguments = parser.parse_args(argv)
    large, small = arguments.pages, max(arguments.pages // 10, 1)
    print(f"{describe_machine()}; median of the runs, smallest and largest in brackets.\n")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        glyphs = load_dataset("mnist-test").glyphs
        stacks = {pages: make_pdf(Path(folder) / f"{pages}.pdf", glyphs, pages) for pages in (small, large)}
        for pages, path in stacks.items():
            _, parent, child = measure_reading(path, jobs=2)
            rows.append((f"peak memory, {pages:,} pages, the command", f"{parent / 1e6:.0f} MB"))
            rows.append((f"peak memory, {pages:,} pages, the larger of two readers", f"{child / 1e6:.0f} MB"))
        times = [[measure_reading(stacks[small], jobs)[0] for jobs in (1, 2)] for _ in range(arguments.runs)]
    each = [1000 * one / small for one, _ in times]
    rows.append((f"a page of {small}, one process", spread(each, "{:.0f} ms")))
    ratios = [one / two for one, two in times]
    rows.append((f"{small} pages, two processes against one, times as fast", spread(ratios, "{:.2f}")))
    print_table(("what", "measured"), rows)


def make_pdf(path: Path, glyphs: NDArray[np.uint8], pages: int) -> Path:
    """Write a PDF of pages with dark digits on a light background."""
    rng = np.random.default_rng(pages)
    for first_page in range(0, pages, PAGES_IN_MEMORY):
        first, *others = (make_page(glyphs, rng) for _ in range(min(PAGES_IN_MEMORY, pages - first_page)))
        first.save(path, save_all=True, append_images=others, append=first_page > 0, resolution=100)
    return path


def make_page(glyphs: NDArray[np.uint8], rng: np.random.Generator) -> Image.Image:
    paper = np.full((HEIGHT, WIDTH), 235, np.uint8)
    for line in range(LINES):
        top, left = 60 + 90 * line + int(rng.integers(20)), 60 + int(rng.integers(300))
        for place, glyph in enumerate(rng.choice(glyphs, DIGITS)):
            paper[top : top + 28, left + PITCH * place :][:, :28] -= glyph // 255 * 5 + glyph // 5 * 4
    return Image.fromarray(paper)


def measure_reading(path: Path, jobs: int) -> tuple[float, int, int]:
    """Return the seconds, and the peak memory of the command and of its largest worker in bytes."""
    command = [sys.executable, "-c", "from inkwise.cli import main; main()"]
    table = path.with_suffix(".csv")
    start = time.perf_counter()
    run = subprocess.Popen([*command, "read", path, "--out", table, "--jobs", str(jobs)])
    peaks: dict[int, int] = {}
    while run.poll() is None:
        for process in (run.pid, *child_processes(run.pid)):
            peaks[process] = max(peaks.get(process, 0), peak_memory(process))
        time.sleep(0.05)
    seconds = time.perf_counter() - start
    if run.returncode:
        sys.exit(f"{path}: was not read (exit status {run.returncode})")
    return seconds, peaks.pop(run.pid), max(peaks.values())


def spread(values: list[float], form: str) -> str:
    low, middle, high = (form.format(v) for v in (min(values), statistics.median(values), max(values)))
    return f"{middle} ({low} to {high})"
