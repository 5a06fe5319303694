"""Make the screenshots of the docs: app-*, exported-page-*, form-editor, review and forms-page.png.

    python docs/screens.py unipen_digits.npz

The hands are those of two UNIPEN writers who were not trained on, all their samples answered in order.
The form is that of the tests.
"""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import yaml
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from inkwise import datasets
from inkwise.app.answers import answer_of
from inkwise.corrections import LabelledAnswer, Learner

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "tests"))

import form_paper  # noqa: E402  (beside the tests)

INKWISE = Path(sys.executable).with_name("inkwise")
WRITERS = {"me": 198, "anna": 366}
NUMBER = "2749"


def main() -> None:
    strokes = datasets.load_strokes_or_dataset(sys.argv[1])
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        flags = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        app(browser, strokes, Path(folder))
        exported_page(browser, strokes, Path(folder))
        forms(browser, Path(folder))
        forms_page(browser, Path(folder))
        browser.close()


def app(browser: Browser, strokes: datasets.StrokeSet, folder: Path) -> None:
    """A number on the Draw tab, in five settings, the panel Why?, and the Progress tab."""
    own = strokes.select(strokes.writers == WRITERS["me"])
    database = f"sqlite:///{folder}/taught.db"
    for name, writer in WRITERS.items():
        answer(database, name, strokes.select(strokes.writers == writer))
    number = [own.samples[np.flatnonzero(own.labels == digit)[-1]] for digit in NUMBER]
    with served("app", "--database", database) as url:
        size = {"width": 1000, "height": 800}
        shoot(browser, url, number, "app-light", viewport=size)
        shoot(browser, url, number, "app-dark", viewport=size, color_scheme="dark")
        touch = {"has_touch": True, "is_mobile": True, "device_scale_factor": 2}
        shoot(browser, url, number[:1], "app-phone", viewport={"width": 390, "height": 800}, **touch)
        shoot(browser, url, number[:2], "app-landscape", viewport={"width": 800, "height": 390}, **touch)
        half = {"width": 640, "height": 400}  # a window of 1280x800 at a zoom of 200 %
        shoot(browser, url, number[:1], "app-zoom", viewport=half, device_scale_factor=2)
        page = browser.new_page(viewport={"width": 1000, "height": 1900})
        page.goto(url)
        page.click("#why summary")
        draw(page, number[:1])
        page.wait_for_timeout(700)
        page.locator("#why").screenshot(path=HERE / "app-why.png")
        page.set_viewport_size({"width": 1000, "height": 1100})
        page.keyboard.press("Escape")
        page.select_option("#writer", "anna")
        page.click("#tab-progress")
        page.wait_for_timeout(500)
        page.screenshot(path=HERE / "app-progress.png")
        page.close()


def exported_page(browser: Browser, strokes: datasets.StrokeSet, folder: Path) -> None:
    """The page of `inkwise export page`, in three settings."""
    subprocess.run([INKWISE, "export", "page", folder / "digits.html"], check=True, stdout=subprocess.DEVNULL)
    url = (folder / "digits.html").as_uri()
    own = strokes.select(strokes.writers == WRITERS["me"])
    number = [own.samples[np.flatnonzero(own.labels == digit)[-1]] for digit in NUMBER]
    size = {"width": 1000, "height": 900}
    shoot(browser, url, number, "exported-page-light", viewport=size)
    shoot(browser, url, number[:1], "exported-page-dark", viewport=size, color_scheme="dark")
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    shoot(browser, url, number[:1], "exported-page-phone", device_scale_factor=2, **phone)


def forms(browser: Browser, folder: Path) -> None:
    """The form editor with a form, and the review of a digit that its field does not allow."""
    Image.fromarray(form_paper.empty()).save(folder / "empty.png")
    (folder / "empty.yaml").write_text(form_paper.YAML)
    with served("form", "new", folder / "empty.png") as url:
        page = browser.new_page(viewport={"width": 1000, "height": 800})
        page.goto(url)
        page.click("[aria-label='field amount, number']")
        page.click("#known summary")
        page.wait_for_timeout(500)
        page.screenshot(path=HERE / "form-editor.png")
        page.close()
    form = form_paper.YAML[: form_paper.YAML.index("  - {name: amount")]
    (folder / "card.yaml").write_text(form.replace("kind: digit", "kind: digit, range: [1, 5]"))
    Image.fromarray(form_paper.turned(form_paper.filled(code="9"), 3)).save(folder / "scan-0417.png")
    read = [INKWISE, "read", "--form", "card.yaml", "scan-0417.png", "--out", "meters.jsonl"]
    subprocess.run(read, cwd=folder, check=True, stderr=subprocess.DEVNULL)
    with served("review", folder / "meters.jsonl", "--database", f"sqlite:///{folder}/reviewed.db") as url:
        page = browser.new_page(viewport={"width": 1000, "height": 740})
        page.goto(url)
        page.wait_for_timeout(500)
        page.screenshot(path=HERE / "review.png")
        page.close()


def forms_page(browser: Browser, folder: Path) -> None:
    """The page for forms with the table of six scans, one of which is no form, and a doubtful digit."""
    fields = yaml.safe_load(form_paper.YAML)["fields"][:2]
    fields[1]["range"] = [1, 5]
    command = "app", "--database", f"sqlite:///{folder}/clerk.db"
    with served(*command) as url, httpx.Client(base_url=url) as app:
        empty = png(form_paper.empty())
        form = app.post("/api/forms", params={"name": "meter card.png"}, content=empty).json()
        path = f"/api/forms/{form['id']}"
        app.put(f"{path}/form", json={"name": "meter card", "fields": fields}).raise_for_status()
        values = [("014752", "3"), ("314159", "9"), ("271828", "2"), ("602214", "5"), ("662607", "4")]
        scans = [form_paper.turned(form_paper.filled(*each), 2) for each in values]
        for number, scan in enumerate([*scans, np.full_like(scans[0], 245)], 417):
            app.post(f"{path}/scans", params={"name": f"scan-0{number}.png"}, content=png(scan))
        app.post(f"{path}/reading").raise_for_status()
        while app.get(path).json()["reading"]:
            time.sleep(0.2)
        page = browser.new_page(viewport={"width": 1200, "height": 760})
        page.goto(f"{url}/forms/{form['id']}")
        page.wait_for_timeout(1500)
        page.screenshot(path=HERE / "forms-page.png")
        page.close()


def png(pixels: np.ndarray) -> bytes:
    content = BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


@contextmanager
def served(*command: str | Path) -> Iterator[str]:
    """The address of a command's page, as long as it is served."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words = [INKWISE, *command, "--no-browser", "--port", port]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    wait(url)
    yield url
    server.terminate()
    server.wait()


def answer(database: str, writer: str, own: datasets.StrokeSet) -> None:
    """Have each sample read, and say what it is."""
    learner = Learner(database)
    for sample, label in zip(own.samples, own.labels.tolist(), strict=True):
        digit = learner.read_strokes(writer, sample, "digit").digits[0]
        read, probability = answer_of(digit)
        answered = LabelledAnswer(label, sample, answer=read, probability=probability)
        learner.keep(writer, "canvas", [answered])
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
    box = page.locator("#ink, inkwise-pad canvas").bounding_box()
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
