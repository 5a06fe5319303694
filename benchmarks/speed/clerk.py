"""A scripted clerk makes tables of filled forms: by three commands, and on the app's page for forms.

    python -m benchmarks clerk [--rounds 3]

Both ways start with a scan of the empty form and a folder of 8 filled pages with 4 fields, and end with an
XLSX file; on another day a second batch of 8 pages follows. The clerk draws the fields with the mouse,
confirms right proposals, and types the others. Seconds of the machine are measured; those of the clerk are of
the keystroke-level model (S. K. Card, T. P. Moran and A. Newell, "The keystroke-level model for user
performance time with interactive systems", Communications of the ACM 23(7), 1980). It needs `chromium`.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import openpyxl
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.common.processes import INKWISE, running_server
from benchmarks.common.reporting import argument_parser, print_table
from benchmarks.speed.clerk_forms import FIELDS, WIDTH, empty_form, filled_form, random_values
from inkwise._util.system import describe_machine

PAGES = 8
BATCHES = ("first batch", "next batch")
TIMEOUT = 120_000  # milliseconds until a page shows what the clerk waits for

SECONDS = {"key": 0.2, "point": 1.1, "press": 0.1, "home": 0.4, "think": 1.35}
"""Seconds of the operators: K of a skilled typist, P, B (button down or up), H, M."""


class Clerk:
    """Uses a page, and counts the operators of the keystroke-level model.

    Attributes:
        page: The page.
        folder: Working folder, which holds the scans.
        operators: Number of each of the operators, and of `clicks`.
    """

    def __init__(self, page: Page, folder: Path) -> None:
        """Begin with the hands on the keyboard."""
        self.page, self.folder = page, folder
        self.operators: Counter[str] = Counter()
        self._on_mouse = False

    def think(self) -> None:
        """Prepare an action mentally."""
        self.operators["think"] += 1

    def count_keys(self, count: int) -> None:
        """Press keys outside the page."""
        self._take(mouse=False)
        self.operators["key"] += count

    def count_click(self) -> None:
        """Point and click outside the page."""
        self._take(mouse=True)
        self.operators.update(point=1, press=2, clicks=1)

    def command(self, *words: str) -> None:
        """Go to the terminal (Alt+Tab), think of a command line, and type it with Enter."""
        self.think()
        self.count_keys(2 + len(" ".join(["inkwise", *words])) + 1)

    def end_command(self) -> None:
        """Go to the terminal, and end a server by Ctrl+C."""
        self.count_keys(4)

    def type(self, text: str) -> None:
        """Type a text into the page."""
        self.count_keys(len(text))
        self.page.keyboard.type(text)

    def press(self, key: str) -> None:
        """Press a key."""
        self.count_keys(1)
        self.page.keyboard.press(key)

    def click(self, selector: str) -> None:
        """Point to an element and click."""
        self.count_click()
        self.page.click(selector, timeout=TIMEOUT)

    def choose(self, selector: str, files: list[Path]) -> None:
        """Click a button, then in its dialog a file; for all files press Ctrl+A; then Enter."""
        self.think()
        self.count_click()
        self.count_click()
        self.count_keys(1 if len(files) == 1 else 3)
        self.page.set_input_files(selector, files)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag the mouse from one point to another."""
        self._take(mouse=True)
        self.operators.update(point=2, press=2, clicks=1)
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=3)
        self.page.mouse.up()

    def _take(self, *, mouse: bool) -> None:
        self.operators["home"] += mouse != self._on_mouse
        self._on_mouse = mouse


class Lap(NamedTuple):
    """One batch: seconds of the machine and of the clerk, keystrokes, clicks, values settled, wrong cells."""

    machine: float
    clerk: float
    keys: int
    clicks: int
    settled: int
    wrong: int


class Work:
    """The scans of both batches and what is written on them, and the laps of one clerk."""

    def __init__(self, folder: Path, seed: int) -> None:
        """Write the scans of the forms into a folder."""
        self.folder = folder
        self.truth: list[dict[str, dict[str, str]]] = []
        self.laps: list[Lap] = []
        rng = np.random.default_rng(seed)
        Image.fromarray(empty_form()).save(folder / "form.png")
        for batch in (1, 2):
            (folder / f"scans{batch}").mkdir()
            values = {f"page{number}.png": random_values(rng) for number in range(1, PAGES + 1)}
            for name, texts in values.items():
                Image.fromarray(filled_form(texts, rng)).save(folder / f"scans{batch}" / name)
            self.truth.append(values)

    def lap(self, clerk: Clerk, began: float, settled: int) -> None:
        """End a batch, and compare its XLSX with what is written."""
        truth = self.truth[len(self.laps)]
        head, *rows = openpyxl.load_workbook(self.folder / "table.xlsx").active.values
        places = {name: head.index(name) for name in FIELDS}
        wrong = sum(
            str(row[place]) != truth[Path(str(row[0])).name][name]
            for row in rows
            for name, place in places.items()
        )
        wrong += (PAGES - len(rows)) * len(FIELDS)
        counts = clerk.operators
        seconds = sum(SECONDS[operator] * counts[operator] for operator in SECONDS)
        machine = time.perf_counter() - began
        self.laps.append(Lap(machine, seconds, counts["key"], counts["clicks"], settled, wrong))
        counts.clear()


def by_commands(clerk: Clerk, work: Work) -> None:
    """Draw the form by `inkwise form new`; for each batch, use `inkwise read` and `inkwise review`."""
    began = time.perf_counter()
    clerk.command("form", "new", "form.png")
    with running_server("form", "new", str(work.folder / "form.png")) as (_, port):
        clerk.page.goto(f"http://127.0.0.1:{port}")
        draw_fields(clerk)
        clerk.click("#save")
        expect(clerk.page.locator("#saved")).to_contain_text("saved as", timeout=TIMEOUT)
        clerk.end_command()
    for batch, truth in enumerate(work.truth, 1):
        words = ["read", "--form", "form.yaml", f"scans{batch}", "--out", f"table{batch}.jsonl"]
        clerk.command(*words)
        subprocess.run([INKWISE, *words], cwd=work.folder, check=True, capture_output=True)
        clerk.command("review", f"table{batch}.jsonl")
        database = f"sqlite:///{work.folder}/taught.db"
        table = str(work.folder / f"table{batch}.jsonl")
        options = "--scans", str(work.folder), "--database", database
        with running_server("review", table, *options) as (_, port):
            clerk.page.goto(f"http://127.0.0.1:{port}")
            settled = settle(clerk, truth)
            clerk.end_command()
        work.lap(clerk, began, settled)
        began = time.perf_counter()


def by_page(clerk: Clerk, work: Work) -> None:
    """Use the app's page for forms; it is started anew for the second batch."""
    for batch, truth in enumerate(work.truth, 1):
        began = time.perf_counter()
        clerk.command("app")
        with running_server("app", "--database", f"sqlite:///{work.folder}/taught.db") as (_, port):
            clerk.page.goto(f"http://127.0.0.1:{port}")
            clerk.click("text=Forms")
            expect(clerk.page.locator("#next")).not_to_be_empty(timeout=TIMEOUT)
            if batch == 1:
                clerk.choose("#file", [work.folder / "form.png"])
                draw_fields(clerk)
                clerk.click("#save")
            else:
                clerk.click("#forms >> text=Open")
                clerk.click("#next-batch")
                clerk.click("dialog .danger")
            expect(clerk.page.locator("#next")).to_contain_text("filled scans", timeout=TIMEOUT)
            clerk.choose("#file", sorted((work.folder / f"scans{batch}").iterdir()))
            settled = settle(clerk, truth)
            clerk.end_command()
        work.lap(clerk, began, settled)


def draw_fields(clerk: Clerk) -> None:
    """Draw the boxes of all fields, name them, and choose their kinds."""
    expect(clerk.page.locator("#page image")).to_be_visible(timeout=TIMEOUT)
    for name, (kind, (x, y, w, h), cells) in FIELDS.items():
        sheet = clerk.page.locator("#page").bounding_box()
        assert sheet
        left, top, scale = sheet["x"], sheet["y"], sheet["width"] / WIDTH
        clerk.think()
        clerk.drag((left + x * scale, top + y * scale), (left + (x + w) * scale, top + (y + h) * scale))
        clerk.type(name)
        if kind != "number":
            clerk.count_click()
            clerk.count_click()
            clerk.page.select_option("#kind", kind)
        if kind == "comb":
            clerk.click("#cells")
            clerk.press("Control+a")
            clerk.type(str(cells))


def settle(clerk: Clerk, truth: dict[str, dict[str, str]]) -> int:
    """Confirm or type all doubtful values, download the table, and return the number of values."""
    page, settled = clerk.page, 0
    while True:
        page.wait_for_selector("#review-item:visible, #done-table:visible", timeout=TIMEOUT)
        if page.locator("#done-table").is_visible():
            break
        place, file, *_ = page.inner_text("#where").split(" · ")
        text = truth[Path(file).name][place]
        single = page.locator("#guess").is_visible()
        proposal = page.inner_text("#guess") if single else page.input_value("#text")
        clerk.think()
        with page.expect_response(lambda response: response.request.method == "PUT"):
            if proposal == text:
                clerk.press("Enter")
            elif single:
                clerk.type(text)
            else:
                missing = proposal.find("?")  # it is selected
                if missing >= 0 and proposal.replace("?", text[missing], 1) == text:
                    clerk.type(text[missing])
                else:
                    clerk.count_keys(1)
                    clerk.press("Control+a")
                    clerk.type(text)
                clerk.press("Enter")
        settled += 1
    clerk.think()
    with page.expect_download() as download:
        clerk.press("Enter")
    download.value.save_as(clerk.folder / "table.xlsx")
    return settled


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args(argv)
    ways: dict[str, Callable[[Clerk, Work], None]] = {"three commands": by_commands, "page": by_page}
    laps: dict[tuple[str, str], list[Lap]] = {(batch, way): [] for batch in BATCHES for way in ways}
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        for number in range(arguments.rounds):
            for way, run in ways.items():
                with tempfile.TemporaryDirectory() as folder:
                    work = Work(Path(folder), number)
                    clerk = Clerk(browser.new_page(viewport={"width": 1200, "height": 850}), work.folder)
                    run(clerk, work)
                    clerk.page.close()
                for batch, lap in zip(BATCHES, work.laps, strict=True):
                    laps[batch, way].append(lap)
        browser.close()
    what = f"{PAGES} pages of {len(FIELDS)} fields, {arguments.rounds} rounds in turns"
    print(f"{describe_machine()}. {what}.\n")
    print_table(
        (
            "batch",
            "way",
            "keys",
            "clicks",
            "values settled",
            "clerk",
            "machine",
            "seconds a form",
            "wrong cells",
        ),
        [(batch, way, *summary(found)) for (batch, way), found in laps.items()],
    )


def summary(laps: list[Lap]) -> list[str]:
    """Return medians of the laps, and the sum of their wrong cells."""

    def median(name: str) -> float:
        return statistics.median(getattr(lap, name) for lap in laps)

    counts = [f"{median(name):.0f}" for name in ("keys", "clicks", "settled")]
    clerk, machine = median("clerk"), median("machine")
    each = statistics.median((lap.clerk + lap.machine) / PAGES for lap in laps)
    wrong = sum(lap.wrong for lap in laps)
    return [*counts, f"{clerk:.1f} s", f"{machine:.1f} s", f"{each:.1f} s", str(wrong)]
