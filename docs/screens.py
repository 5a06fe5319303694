"""Make the screenshots of the app that the docs show: app-light, app-dark, app-phone and app-progress.png.

    python docs/screens.py unipen_digits.npz

The hands are those of two UNIPEN writers who were not trained on, all their samples answered in order.
"""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from inkwise import datasets
from inkwise.corrections import Answer, Learner

HERE = Path(__file__).parent
WRITERS = {"me": 198, "anna": 366}
NUMBER = "2749"


def main() -> None:
    strokes = datasets.load_raw(sys.argv[1])
    own = strokes.select(strokes.writers == WRITERS["me"])
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{folder}/taught.db"
        for name, writer in WRITERS.items():
            answer(database, name, strokes.select(strokes.writers == writer))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        inkwise = Path(sys.executable).with_name("inkwise")
        app = [inkwise, "app", "--no-browser", "--port", port, "--database", database]
        server = subprocess.Popen(app, stdout=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{port}"
        wait(url)
        number = [own.samples[np.flatnonzero(own.labels == digit)[-1]] for digit in NUMBER]
        with sync_playwright() as playwright:
            path, flags = shutil.which("chromium"), ["--no-sandbox", "--disable-background-networking"]
            browser = playwright.chromium.launch(executable_path=path, args=flags)
            shoot(browser, url, number, "app-light", viewport={"width": 1000, "height": 800})
            shoot(
                browser, url, number, "app-dark", viewport={"width": 1000, "height": 800}, color_scheme="dark"
            )
            phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
            shoot(browser, url, number[:1], "app-phone", device_scale_factor=2, **phone)
            page = browser.new_page(viewport={"width": 1000, "height": 1100})
            page.goto(url)
            page.select_option("#writer", "anna")
            page.click("#tab-progress")
            page.wait_for_timeout(500)
            page.screenshot(path=HERE / "app-progress.png")
            browser.close()
        server.terminate()
        server.wait()


def answer(database: str, writer: str, own: datasets.StrokeSet) -> None:
    """Have each sample read, and say what it is."""
    learner = Learner(database)
    for sample, label in zip(own.samples, own.labels.tolist(), strict=True):
        digit = learner.read_strokes(writer, sample, single=True).digits[0]
        learner.keep(writer, "canvas", [Answer(label, sample, None, digit.label, digit.probability)])
    learner.close()


def wait(url: str) -> None:
    while True:
        try:
            httpx.get(url).raise_for_status()
            return
        except httpx.ConnectError:
            time.sleep(0.1)


def shoot(browser: Browser, url: str, number: list[list[np.ndarray]], name: str, **options: object) -> None:
    context = browser.new_context(**options)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(url)
    draw(page, number)
    page.wait_for_timeout(700)
    page.screenshot(path=HERE / f"{name}.png")
    context.close()


def draw(page: Page, number: list[list[np.ndarray]]) -> None:
    """Side by side, as high as the paper nearly is."""
    box = page.locator("#ink").bounding_box()
    assert box
    left = box["x"] + 40
    for sample in number:
        points = np.concatenate(sample)
        size = np.ptp(points, axis=0)
        scale = (box["height"] - 90) / size[1]
        for stroke in sample:
            way = (stroke - points.min(0)) * scale + (left, box["y"] + 45)
            page.mouse.move(*way[0].tolist())
            page.mouse.down()
            for x, y in way[1:].tolist():
                page.mouse.move(x, y)
            page.mouse.up()
        left += size[0] * scale + 45


if __name__ == "__main__":
    main()
