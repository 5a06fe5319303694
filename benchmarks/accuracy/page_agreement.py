"""Agreement of the exported page with Python, its size and its times in Chromium.

    python -m benchmarks page-agreement FOLDER [--model tiny] [--count 2000]

FOLDER holds UNIPEN's digits, strings and symbols: unipen_digits.npz, unipen_digit_strings.npz and
unipen_nondigits.npz, each with its second part, *_more.npz; drawings of validation writers are read. Digits
and symbols are read as one digit, strings by their groups of strokes. A drawing agrees if text, best guesses
and doubts do. It needs `chromium`. Times are those of the browser: the first reading from the start of the
navigation, the others of one reading each. Processor time is that of the page's main thread, on average; it
does not grow when other programs use the machine.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import CDPSession, Page, sync_playwright

from benchmarks.common.handwriting_sets import load_unipen
from benchmarks.common.reporting import argument_parser, print_table
from inkwise import Reading
from inkwise._util.intervals import wilson_interval
from inkwise._util.system import describe_machine
from inkwise.page_export import export_page
from inkwise.recognition import Model
from inkwise.recognition.digit_reader import DigitReader
from inkwise.recognition.model import model_source

Drawing = list[list[list[float]]]

SETS = {"unipen_digits": "digit", "unipen_nondigits": "digit", "unipen_digit_strings": "number"}
"""Sets, and the hint with which they are read."""

BATCH = 200  # drawings for one call of the browser

READ = """([drawings, expect]) => drawings.map((strokes) => {
  const start = performance.now();
  const { text, digits } = customElements.get("inkwise-pad").readStrokes(strokes, expect);
  const took = performance.now() - start;
  return [text, digits.map(({ label, doubt, glyph }) => [label, doubt, [...glyph]]), took];
})"""

FIRST = """(strokes) => {
  customElements.get("inkwise-pad").readStrokes(strokes, "digit");
  return performance.now(); // since the start of the navigation
}"""


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--count", type=int, default=2000, help="drawings of each set")
    arguments = parser.parse_args(argv)
    sets = {name: load_drawings(arguments.folder, name)[: arguments.count] for name in SETS}
    reader = DigitReader(Model(model_source(arguments.model), threads=1))
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "digits.html"
        file.write_bytes(export_page(arguments.model))
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-background-networking"],
        )
        page, requests = browser.new_page(), []
        clock = page.context.new_cdp_session(page)
        clock.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.on("request", lambda request: requests.append(request.url))
        first = []
        for drawing in sets["unipen_digits"][:20]:
            page.goto(file.as_uri())
            first.append(page.evaluate(FIRST, drawing))
        rows = [row(name, drawings, reader, page, clock) for name, drawings in sets.items()]
        browser.close()
        size, others = file.stat().st_size, {*requests} - {file.as_uri()}
    print(f"{describe_machine()}. Model {arguments.model}, validation writers.\n")
    head = ("drawings", "n", "same answer", "grey levels apart, mean", "largest mean", "processor time")
    print_table((*head, "reading, median", "99 of 100 within"), rows)
    print(f"\nThe file has {size / 1000:.0f} kB. It made {len(others)} requests beside that of itself.")
    print(
        f"First reading after opening, {len(first)} times: median {statistics.median(first):.0f} ms, "
        f"longest {max(first):.0f} ms."
    )


def load_drawings(folder: Path, name: str) -> list[Drawing]:
    """Return the drawings of validation writers in both parts of a set."""
    paths = (folder / f"{name}.npz", folder / f"{name}_more.npz")
    samples = [sample for path in paths for sample in load_unipen(path, "validation").samples]
    return [[stroke.tolist() for stroke in sample] for sample in samples]


def row(
    name: str, drawings: list[Drawing], reader: DigitReader, page: Page, clock: CDPSession
) -> tuple[str, ...]:
    found: list[Any] = []
    before = processor_seconds(clock)
    for start in range(0, len(drawings), BATCH):
        found += page.evaluate(READ, [drawings[start : start + BATCH], SETS[name]])
    taken = (processor_seconds(clock) - before) / len(drawings)
    readings = [reader.read_strokes(drawing, single=SETS[name] == "digit") for drawing in drawings]
    same = sum(agrees(reading, *own[:2]) for reading, own in zip(readings, found, strict=True))
    apart = [glyph_difference(reading, own[1]) for reading, own in zip(readings, found, strict=True)]
    low, high = wilson_interval(same, len(drawings))
    times = [own[2] for own in found]
    return (
        name,
        f"{len(drawings):,}",
        f"{same / len(drawings):.2%} ({low:.2%} to {high:.2%})",
        f"{np.mean(apart):.4f}",
        f"{max(apart):.4f}",
        f"{1000 * taken:.1f} ms",
        f"{statistics.median(times):.1f} ms",
        f"{statistics.quantiles(times, n=100)[-1]:.1f} ms",
    )


def processor_seconds(clock: CDPSession) -> float:
    """Return the processor time of the page's main thread so far."""
    metrics = clock.send("Performance.getMetrics")["metrics"]
    return next(float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration")


def agrees(reading: Reading, text: str, digits: list[Any]) -> bool:
    wanted = [[digit.label, digit.doubt] for digit in reading.digits]
    return reading.text == text and wanted == [digit[:2] for digit in digits]


def glyph_difference(reading: Reading, digits: list[Any]) -> float:
    """Return the mean absolute difference of the glyphs in grey levels; 255 if their number differs."""
    if len(reading.digits) != len(digits):
        return 255.0
    ours = np.array([digit.glyph.ravel() for digit in reading.digits], int)
    return float(np.abs(ours - np.array([digit[2] for digit in digits])).mean())
