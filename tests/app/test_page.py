"""The page in a real browser: Chromium, headless, on a server of its own."""

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from playwright.sync_api import expect, sync_playwright

from inkwise.corrections import Store

THREE = [[(60, 50), (110, 40), (130, 75), (90, 105), (135, 140), (110, 185), (55, 175)]]
SEVEN = [[(50, 50), (140, 50), (90, 200)]]
ONE = [[(240, 50), (240, 200)]]
FOUR = [[(350, 50), (320, 140), (420, 140)], [(390, 100), (390, 220)]]
A = [[(50, 200), (100, 40), (150, 200)], [(70, 140), (130, 140)]]


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests, or a clear line where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        message = "no Chromium on this machine: the page is tested in it (Debian: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


class Server:
    """`inkwise app` on a database of its own, that can be killed and started again."""

    def __init__(self, folder):
        self.database = f"sqlite:///{folder / 'taught.db'}"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        inkwise = Path(sys.executable).with_name("inkwise")
        command = [inkwise, "app", "--no-browser", "--port", str(self.port), "--database", self.database]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        for _ in range(300):
            try:
                httpx.get(self.url).raise_for_status()
                return
            except httpx.ConnectError:
                assert self.process.poll() is None, "the app ended"
                time.sleep(0.1)
        raise AssertionError("the app does not answer")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def labels(self, writer="me"):
        """(label, answer) of all samples that are on disk, the oldest first."""
        with Store.open(self.database) as store:
            return [(sample.label, sample.answer) for sample in store.samples(writer=writer)[::-1]]


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    yield server
    server.process.terminate()
    assert server.process.wait(10) in (0, -signal.SIGTERM)


@pytest.fixture
def open_page(chromium, server):
    """Open the page in a browser window of its own; an error in a script fails the test."""
    contexts, errors = [], []

    def open_page(**options):
        contexts.append(chromium.new_context(**{"viewport": {"width": 1100, "height": 900}, **options}))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(server.url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture
def page(open_page):
    return open_page()


def draw(page, *digits, shake=0.0):
    """Draw strokes with the mouse; `shake` sets how much one drawing differs from another, pixels."""
    box = page.locator("#ink").bounding_box()
    rng = np.random.default_rng(int(1000 * shake))
    for stroke in (stroke for digit in digits for stroke in digit):
        points = np.array(stroke, float) + rng.normal(0, min(shake, 3), (len(stroke), 2))
        (x, y), *rest = (points + np.array([box["x"], box["y"]])).tolist()
        page.mouse.move(x, y)
        page.mouse.down()
        for to_x, to_y in rest:
            page.mouse.move(to_x, to_y, steps=8)
        page.mouse.up()


def reads(page, text):
    expect(page.locator("#reading")).to_have_text(text)


def answered(page, text):
    expect(page.locator("#accuracy")).to_contain_text(text)


def test_a_3_drawn_with_the_mouse_is_read_corrected_and_still_there_after_a_reload(page, server):
    draw(page, THREE)
    reads(page, "3")
    expect(page.locator("#reason")).to_contain_text("sure")
    assert float(page.locator("#reading").get_attribute("data-latency-ms")) > 0
    page.click('#label-row [data-label="8"]')
    reads(page, "")
    answered(page, "0 of 1 right")
    assert server.labels() == [("8", "3")]
    page.reload()
    answered(page, "0 of 1 right")
    page.click("#tab-samples")
    expect(page.locator("#gallery button")).to_have_count(1)


def test_a_number_is_read_and_each_digit_corrected_by_itself(page, server):
    draw(page, SEVEN, ONE, FOUR)
    reads(page, "714")
    page.click("#chips button >> nth=1")
    page.click('#label-row [data-label="2"]')
    reads(page, "724")
    assert server.labels() == [], "nothing is kept before it is said to be right"
    page.keyboard.press("Enter")
    answered(page, "2 of 3 right")
    assert server.labels() == [("7", "7"), ("2", "1"), ("4", "4")]


def test_a_correction_goes_with_its_strokes(page, server):
    draw(page, SEVEN, ONE)
    reads(page, "71")
    page.click("#chips button >> nth=1")
    page.click('#label-row [data-label="2"]')
    reads(page, "72")
    page.click("#undo")
    draw(page, ONE)
    reads(page, "71")


def test_everything_by_keyboard_alone(page, server):
    page.keyboard.press("Tab")
    for _ in range(20):
        if page.evaluate("document.activeElement.id") == "ink":
            break
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "ink"
    page.keyboard.press("Space")
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    reads(page, "1")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    page.keyboard.press("Space")
    for _ in range(12):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    page.keyboard.press("7")
    answered(page, "1 of 2 right")
    page.keyboard.press("Backspace")
    answered(page, "1 of 1 right")
    assert server.labels() == [("1", "1")]


def test_a_finger_on_a_phone(open_page, server):
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    box = page.locator("#ink").bounding_box()
    touch = page.context.new_cdp_session(page)

    def send(kind, *points):
        where = [{"x": box["x"] + x, "y": box["y"] + y, "id": number} for number, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})

    other = [(300, 60)]  # a second finger comes down half-way, and moves
    path = np.linspace(SEVEN[0][:-1], SEVEN[0][1:], 6).transpose(1, 0, 2).reshape(-1, 2).tolist()
    send("touchStart", path[0])
    for number, point in enumerate(path):
        if number == 6:
            send("touchStart", point, *other)
        send("touchMove", point, *[(x, y + 5 * number) for x, y in other if number >= 6])
    send("touchEnd")
    reads(page, "7")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0, "nothing sticks out at the side"
    page.tap("#next")
    answered(page, "1 of 1 right")
    with Store.open(server.database) as store:
        assert len(store.samples()[0].strokes) == 1


def test_five_drawings_of_an_a_teach_it(page, server):
    for number in range(5):
        draw(page, A, shake=1 + number / 10)
        expect(page.locator("#reading")).not_to_be_empty()
        if page.locator("#chips").is_visible():
            page.click("#join")
        page.fill("#other-label", "A")
        page.keyboard.press("Enter")
        expect(page.locator("#accuracy")).to_contain_text(f"of {number + 1} right")
    draw(page, A, shake=2)
    expect(page.locator('#label-row [data-label="A"]')).to_be_visible()
    reads(page, "A")
    assert {label for label, _ in server.labels()} == {"A"}


def test_what_is_taught_is_read_so_the_next_time(page):
    for number in range(4):
        draw(page, SEVEN, shake=1 + number / 10)
        expect(page.locator("#reading")).not_to_be_empty()
        page.click('#label-row [data-label="1"]')
        answered(page, f"of {number + 1} right")
    draw(page, SEVEN, shake=2)
    reads(page, "1")


def test_two_tabs_at_once(open_page, server):
    one, other = open_page(), open_page()
    draw(one, SEVEN)
    draw(other, THREE)
    reads(one, "7")
    reads(other, "3")
    one.keyboard.press("Enter")
    answered(one, "1 of 1 right")
    other.keyboard.press("Enter")
    answered(other, "2 of 2 right")
    assert server.labels() == [("7", "7"), ("3", "3")]


def test_nothing_acknowledged_is_lost_when_the_server_is_killed_and_a_drawing_waits_for_it(page, server):
    draw(page, SEVEN)
    reads(page, "7")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    server.kill()
    assert server.labels() == [("7", "7")]
    draw(page, THREE)
    expect(page.locator("#error")).to_be_visible()
    server.start()
    draw(page, [[(250, 100), (250, 101)]])  # a speck: it is read again
    page.click("#undo")
    reads(page, "3")
    page.keyboard.press("Enter")
    answered(page, "2 of 2 right")
    assert server.labels() == [("7", "7"), ("3", "3")]


def test_a_database_that_cannot_be_written_is_told_and_the_drawing_stays(page, server, tmp_path):
    with closing(sqlite3.connect(tmp_path / "taught.db", isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        draw(page, SEVEN)
        reads(page, "7")
        page.keyboard.press("Enter")
        expect(page.locator("#error")).to_contain_text("locked", timeout=15_000)
        reads(page, "7")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    expect(page.locator("#error")).to_be_hidden()


def test_a_trial_asks_until_the_interval_is_narrow(page, server):
    page.click("#trial")
    page.select_option("#trial-width", "0.2")
    answers = 0
    while page.locator("#trial-leave").is_visible() and not page.locator("#trial-again").is_visible():
        asked = re.search(r"\d", page.inner_text("#trial-ask")).group()
        draw(page, SEVEN)
        page.keyboard.press("Enter")
        answers += 1
        answered(page, f"of {answers} right")
        assert server.labels()[-1][0] == asked
        assert answers < 100
    assert answers >= 10, "an interval as narrow takes that many even if all is right"
    page.click("#trial-leave")
    expect(page.locator("#trial-panel")).to_be_hidden()


def test_a_picture_shows_its_readings_and_one_is_corrected(page, server, number, tmp_path):
    path = tmp_path / "number.png"
    cv2.imwrite(str(path), number)
    page.click("#tab-pictures")
    page.set_input_files("#file", path)
    expect(page.locator("#picture-text")).to_have_text("714")
    expect(page.locator("#stage button")).to_have_count(3)
    page.click("#stage button >> nth=1")
    page.click('#picture-labels [data-label="2"]')
    answered(page, "0 of 1 right")
    page.click("#all-right")
    answered(page, "2 of 3 right")
    assert sorted(server.labels()) == [("2", "1"), ("4", "4"), ("7", "7")]
    (tmp_path / "no.png").write_text("I am no picture")
    page.set_input_files("#file", tmp_path / "no.png")
    expect(page.locator("#error")).to_be_visible()


def test_samples_are_relabelled_deleted_brought_back_exported_and_imported(page, server, tmp_path):
    for digit, text in ((SEVEN, "7"), (THREE, "3")):
        draw(page, digit)
        reads(page, text)
        page.keyboard.press("Enter")
        reads(page, "")
    page.click("#tab-samples")
    page.click("#gallery button >> nth=0")
    page.click('#sample-labels [data-label="8"]')
    answered(page, "1 of 2 right")
    page.check("#filter-wrong")
    expect(page.locator("#gallery button")).to_have_count(1)
    page.uncheck("#filter-wrong")
    with page.expect_download() as download:
        page.click("#export")
    exported = tmp_path / "export.zip"
    download.value.save_as(exported)
    page.click("#gallery button >> nth=0")
    page.click("#sample-delete")
    expect(page.locator("#gallery button")).to_have_count(1)
    page.click("#samples-undo")
    expect(page.locator("#gallery button")).to_have_count(2)
    page.click("#gallery button >> nth=0")
    page.click("#sample-delete")
    expect(page.locator("#gallery button")).to_have_count(1)
    page.set_input_files("#import", exported)
    expect(page.locator("#gallery button")).to_have_count(2)
    assert sorted(server.labels()) == [("7", "7"), ("8", "3")]


def test_labels_are_text_whatever_they_hold(page, server):
    for label in ("<b>x</b>", "=1+1"):
        draw(page, SEVEN)
        expect(page.locator("#reading")).not_to_be_empty()
        page.fill("#other-label", label)
        page.keyboard.press("Enter")
        reads(page, "")
    page.click("#tab-samples")
    expect(page.locator("#gallery")).to_contain_text("<b>x</b>")
    page.click("#tab-progress")
    expect(page.locator("#confusion")).to_contain_text("=1+1")


def test_writers_are_apart_and_compared(page, server):
    draw(page, SEVEN)
    reads(page, "7")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    page.select_option("#writer", label=page.locator("#writer option").last.inner_text())
    page.fill("#writer-name", "Ben")
    page.click("#writer-ok")
    answered(page, "no answers")
    draw(page, THREE)
    reads(page, "3")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    assert server.labels("Ben") == [("3", "3")]
    page.click("#tab-progress")
    expect(page.locator("#writers")).to_contain_text("Ben")
    expect(page.locator("#writers")).to_contain_text("me")


@pytest.mark.network
def test_learning_shows_progress_and_can_be_rolled_back(page, server, glyph_of_seven):
    with Store.open(server.database) as store:
        for number in range(30):
            store.add(glyph_of_seven(number), writer="me", source="import", answer="7", label="7")
    page.reload()
    page.click("#tab-models")
    page.click("#learn")
    expect(page.locator("#learn-progress")).to_be_visible()
    page.click("#cancel-learn")
    expect(page.locator("#learn")).to_be_visible(timeout=20_000)
    page.click("#learn")
    expect(page.locator("#learn-progress")).to_be_visible()
    page.reload()  # learning goes on
    page.click("#tab-models")
    expect(page.locator("#learn-result")).to_contain_text("MNIST", timeout=300_000)
    with Store.open(server.database) as store:
        (version,) = store.versions.list("me")
        assert version.after.own.n + version.samples == 30
        before = store.versions.promoted("me")
    use = page.locator("#versions button")
    use.first.click()
    expect(use).to_have_count(1)
    with Store.open(server.database) as store:
        assert store.versions.promoted("me") != before


@pytest.fixture
def glyph_of_seven():
    from inkwise.ink import stroke_glyph

    def drawn(number):
        rng = np.random.default_rng(number)
        return stroke_glyph([np.array(SEVEN[0], float) + rng.normal(0, 4, (3, 2))])

    return drawn
