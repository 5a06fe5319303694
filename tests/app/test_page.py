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
import zipfile
from contextlib import closing
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from playwright.sync_api import expect, sync_playwright

from inkwise.corrections import Sample, Store

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


def press_toast(page):
    page.click("#toast button")
    expect(page.locator("#toast button")).to_be_hidden()


def slow_down(page, path, rest=0.0, until=0.0):
    """From now on requests of this path leave after a rest in seconds, or not before a moment."""
    page.evaluate(
        """([path, rest, until]) => {
          const { fetch } = window;
          window.fetch = async (asked, options) => {
            const pause = Math.max(1000 * rest, 1000 * until - Date.now());
            if (asked.startsWith(path)) await new Promise((resolve) => setTimeout(resolve, pause));
            return fetch(asked, options);
          };
        }""",
        [path, rest, until],
    )


def lose_a_reply(page, path):
    """The next request of this path reaches the server, but nobody hears of it."""
    page.evaluate(
        """(path) => {
          const { fetch } = window;
          window.fetch = async (asked, options) => {
            const reply = await fetch(asked, options);
            if (!asked.startsWith(path)) return reply;
            window.fetch = fetch;
            throw new TypeError("connection lost");
          };
        }""",
        path,
    )


def change_state(page, **values):
    """Have /api/state say something else."""
    page.route("**/api/state?*", lambda route: route.fulfill(json={**route.fetch().json(), **values}))


def new_writer(page, name):
    page.select_option("#writer", label="new writer …")
    page.fill("#writer-name", name)
    page.click("#writer-ok")


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


def test_strokes_are_one_sign_and_again_several_digits(page, server):
    draw(page, SEVEN, ONE)
    reads(page, "71")
    page.click("#join")
    expect(page.locator("#reading span")).to_have_count(1)
    expect(page.locator("#join")).to_have_text("Several digits")
    page.click("#join")
    reads(page, "71")
    page.keyboard.press("Enter")
    answered(page, "2 of 2 right")
    expect(page.locator("#chips")).to_be_hidden()


@pytest.mark.parametrize("key", ["Enter", "7"])
def test_a_stroke_that_is_begun_while_the_reading_is_awaited_is_another_drawing(page, server, key):
    slow_down(page, "/api/read", rest=0.4)
    draw(page, SEVEN)
    page.keyboard.press(key)
    box = page.locator("#ink").bounding_box()
    page.mouse.move(box["x"] + 240, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 240, box["y"] + 120, steps=8)
    answered(page, "1 of 1 right")
    assert server.labels() == [("7", "7")]
    with Store.open(server.database) as store:
        assert len(store.samples()[0].strokes) == 1
    page.mouse.move(box["x"] + 240, box["y"] + 200, steps=8)
    page.mouse.up()
    reads(page, "1")
    page.keyboard.press("Enter")
    answered(page, "2 of 2 right")
    assert server.labels() == [("7", "7"), ("1", "1")]


def test_what_is_cleared_while_the_reading_is_awaited_is_not_kept(page, server):
    slow_down(page, "/api/read", rest=0.3)
    draw(page, SEVEN)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    draw(page, ONE)
    reads(page, "1")
    assert server.labels() == []


def test_undo_takes_back_what_it_stands_beside_all_at_once_or_nothing(page, server):
    draw(page, SEVEN, ONE, FOUR)
    reads(page, "714")
    page.keyboard.press("Enter")
    answered(page, "3 of 3 right")
    press_toast(page)
    answered(page, "no answers")
    reads(page, "714")
    assert server.labels() == []
    page.keyboard.press("Enter")
    answered(page, "3 of 3 right")
    with Store.open(server.database) as store:
        store.label(store.samples(writer="me")[0].id, "9")  # in another window
    press_toast(page)
    expect(page.locator("#error")).to_contain_text("something else was done since")
    assert server.labels() == [("7", "7"), ("1", "1"), ("9", "4")]


def test_undo_goes_where_another_writer_or_a_trial_begins(page, server):
    draw(page, SEVEN)
    reads(page, "7")
    page.keyboard.press("Enter")
    expect(page.locator("#toast button")).to_be_visible()
    new_writer(page, "Ben")
    expect(page.locator("#toast")).to_be_hidden()
    draw(page, SEVEN)
    reads(page, "7")
    page.keyboard.press("Enter")
    expect(page.locator("#toast button")).to_be_visible()
    page.click("#trial")
    expect(page.locator("#toast")).to_be_hidden()
    assert server.labels() == server.labels("Ben") == [("7", "7")]


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


def test_a_number_and_all_labels_are_in_sight_on_a_phone(open_page):
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    small = [[[(0.55 * x, 0.55 * y) for x, y in stroke] for stroke in digit] for digit in (SEVEN, ONE, FOUR)]
    draw(page, *small)
    reads(page, "714")
    bar = page.locator("#accuracy").bounding_box()
    for label in "0123456789":
        button = page.locator(f'#label-row [data-label="{label}"]').bounding_box()
        assert button["y"] + button["height"] <= bar["y"]
    page.tap("#next")
    expect(page.locator("#toast button")).to_be_visible()
    toast = page.locator("#toast").bounding_box()
    assert toast["y"] > page.locator("#next").bounding_box()["y"] + 44
    assert toast["y"] + toast["height"] <= bar["y"]


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
    tabs = [open_page(), open_page()]
    moment = time.time() + 5  # both answers leave then
    for tab, digit, text in zip(tabs, (SEVEN, THREE), "73", strict=True):
        draw(tab, digit)
        reads(tab, text)
        slow_down(tab, "/api/samples", until=moment)
    for tab in tabs:
        tab.keyboard.press("Enter")
    for tab in tabs:
        assert server.labels() == []
        expect(tab.locator("#next")).to_have_attribute("aria-busy", "true")
    for tab in tabs:
        expect(tab.locator("#reading")).to_be_empty(timeout=10_000)
    assert sorted(server.labels()) == [("3", "3"), ("7", "7")]
    for tab in tabs:
        tab.reload()
        answered(tab, "2 of 2 right")


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


def test_what_is_sent_again_after_a_lost_reply_is_kept_once(page, server):
    draw(page, SEVEN, ONE)
    reads(page, "71")
    lose_a_reply(page, "/api/samples")
    page.keyboard.press("Enter")
    expect(page.locator("#error")).to_be_visible()
    assert server.labels() == [("7", "7"), ("1", "1")]
    page.click("#chips button >> nth=1")
    page.click('#label-row [data-label="2"]')
    page.keyboard.press("Enter")
    reads(page, "")
    answered(page, "1 of 2 right")
    assert server.labels() == [("7", "7"), ("2", "1")]


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


def test_without_a_database_it_reads_and_the_error_stays(page, server):
    broken = {"error": "taught.db: disk I/O error"}
    page.route("**/api/state?*", lambda route: route.fulfill(status=503, json=broken))
    page.reload()
    expect(page.locator("#error")).to_contain_text("disk I/O error")
    assert page.locator("#label-row .label").all_inner_texts() == list("0123456789")
    assert page.locator("#writer").input_value() == "me"
    expect(page.locator("#accuracy")).to_have_text("accuracy –")
    draw(page, SEVEN)
    reads(page, "7")
    expect(page.locator("#error")).to_contain_text("disk I/O error")
    page.unroute("**/api/state?*")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    expect(page.locator("#error")).to_be_hidden()


def test_a_trial_asks_until_the_interval_is_narrow(page, server):
    page.click("#trial")
    page.select_option("#trial-width", "0.2")
    answers = 0
    while True:
        expect(page.locator("#trial-ask")).to_have_attribute("data-n", str(answers))
        if page.locator("#trial-again").is_visible():
            break
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


@pytest.fixture
def show_number(number, tmp_path):
    """Open a picture of 714 on the Pictures tab: show_number(page); `beside` is blank paper at its right."""

    def show_number(page, beside=0):
        path = tmp_path / "number.png"
        cv2.imwrite(str(path), np.pad(number, ((0, 0), (0, beside)), mode="edge"))
        page.click("#tab-pictures")
        page.set_input_files("#file", path)
        expect(page.locator("#picture-text")).to_have_text("714")

    return show_number


def test_backspace_on_a_picture_undoes_what_was_said_of_it_and_nothing_else(page, server, show_number):
    draw(page, SEVEN)
    reads(page, "7")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    show_number(page)
    page.click("#stage button >> nth=1")
    page.keyboard.press("2")
    answered(page, "1 of 2 right")
    page.click("#all-right")
    answered(page, "3 of 4 right")
    page.keyboard.down("Backspace")
    for _ in range(4):
        page.keyboard.down("Backspace")  # held
    page.keyboard.up("Backspace")
    expect(page.locator("#toast")).to_have_text("took back the 74")
    answered(page, "1 of 2 right")
    page.keyboard.press("Backspace")
    answered(page, "1 of 1 right")
    page.keyboard.press("Backspace")
    expect(page.locator("#toast")).to_have_text("nothing left to undo in this picture")
    assert server.labels() == [("7", "7")]


def test_a_digit_of_a_picture_that_was_taken_back_elsewhere_is_saved_anew(page, server, show_number):
    show_number(page)
    page.keyboard.press("7")
    answered(page, "1 of 1 right")
    page.click("#tab-draw")
    page.keyboard.press("Backspace")
    answered(page, "no answers")
    page.click("#tab-pictures")
    page.click("#stage button >> nth=0")
    page.keyboard.press("1")
    answered(page, "0 of 1 right")
    expect(page.locator("#error")).to_be_hidden()
    assert server.labels() == [("1", "7")]


def test_a_finger_on_small_digits_chooses_the_one_it_is_on_or_the_nearest(open_page, show_number):
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    show_number(page, beside=2400)
    page.locator("#stage").scroll_into_view_if_needed()
    boxes = [box.bounding_box() for box in page.locator("#stage .box").all()]
    assert max(box["width"] for box in boxes) < 30
    for number, box in enumerate(boxes):
        for x in (2, box["width"] / 2, box["width"] - 2):
            page.click(f"#stage .box >> nth={(number + 1) % 3}")
            page.touchscreen.tap(box["x"] + x, box["y"] + box["height"] / 2)
            expect(page.locator("#stage .box").nth(number)).to_have_attribute("aria-pressed", "true")
    first, *_, last = boxes
    for x, y, chosen in (
        (last["x"] + 80, 8, 2),
        (first["x"] - 2, -6, 0),
        (last["x"] + last["width"] + 12, 8, 2),
    ):
        page.touchscreen.tap(x, first["y"] + y)
        expect(page.locator("#stage .box").nth(chosen)).to_have_attribute("aria-pressed", "true")
    page.locator("#stage .box").nth(1).press("Enter")
    expect(page.locator("#stage .box").nth(1)).to_have_attribute("aria-pressed", "true")


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(page, tmp_path):
    change_state(page, limits={"upload_bytes": 2**20})
    page.reload()
    page.click("#tab-pictures")
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    (tmp_path / "large.png").write_bytes(bytes(2**20 + 1))
    page.set_input_files("#file", tmp_path / "large.png")
    expect(page.locator("#error")).to_contain_text("large.png is larger than 1 MB")
    assert not any("/api/picture" in url for url in sent)


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


def test_among_everyones_samples_each_says_whose_it_is_and_is_undone_as_theirs(page, server, glyph_of_seven):
    with Store.open(server.database) as store:
        for number, writer in enumerate(("me", "Ben", "me")):
            store.add(glyph_of_seven(number), writer=writer, source="import", answer="7", label="7")
    page.click("#tab-samples")
    expect(page.locator("#gallery button")).to_have_count(2)
    page.select_option("#filter-writer", label="everyone")
    bens = page.locator("#gallery button", has_text="Ben")
    for undo in ("#toast button", "#samples-undo"):
        bens.click()
        page.click('#sample-labels [data-label="1"]')
        expect(page.locator("#gallery .wrong")).to_have_count(1)
        page.click(undo)
        expect(page.locator("#gallery .wrong")).to_have_count(0)
    assert server.labels("Ben") == [("7", "7")]
    assert server.labels() == [("7", "7")] * 2


def test_as_many_samples_as_were_shown_are_shown_again_after_a_change(page, server, glyph_of_seven):
    with Store.open(server.database) as store:
        glyph, now = glyph_of_seven(0), {"writer": "me", "source": "import", "label": "7"}
        store.extend([Sample.now(glyph, **now) for _ in range(1100)])
    page.click("#tab-samples")
    page.evaluate("import('/static/samples.js').then((samples) => samples.showSamples(1060))")
    expect(page.locator("#gallery button")).to_have_count(1060)
    page.click("#gallery button >> nth=0")
    page.click("#sample-delete")
    expect(page.locator("#samples-count")).to_contain_text("1099 samples")
    expect(page.locator("#gallery button")).to_have_count(1060)


def test_a_csv_file_alone_is_not_imported_but_the_pair_in_a_zip_file(page, server, tmp_path):
    rows = {"images.csv": ",".join(["0"] * 400 + ["255"] * 384), "labels.csv": "7"}
    with zipfile.ZipFile(tmp_path / "pair.zip", "w") as pair:
        for name, row in rows.items():
            pair.writestr(name, row)
    (tmp_path / "images.csv").write_text(rows["images.csv"])
    page.click("#tab-samples")
    page.set_input_files("#import", tmp_path / "images.csv")
    expect(page.locator("#error")).to_contain_text("into one zip file")
    slow_down(page, "/api/import", rest=0.3)
    page.set_input_files("#import", tmp_path / "pair.zip")
    expect(page.locator("#import-text")).to_have_text("Importing …")
    expect(page.locator("#gallery button")).to_have_count(1)
    expect(page.locator("#import-text")).to_have_text("Import")
    assert server.labels() == [("7", None)]


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
    new_writer(page, "Ben")
    answered(page, "no answers")
    draw(page, THREE)
    reads(page, "3")
    page.keyboard.press("Enter")
    answered(page, "1 of 1 right")
    assert server.labels("Ben") == [("3", "3")]
    page.click("#tab-progress")
    expect(page.locator("#writers")).to_contain_text("Ben")
    expect(page.locator("#writers")).to_contain_text("me")


def test_what_came_of_learning_is_shown_to_whom_it_is_about(page, server):
    job = {"status": "failed", "writer": "me", "step": "", "share": 0, "error": "disk full", "version": None}
    page.route("**/api/learn", lambda route: route.fulfill(json=job))
    page.click("#tab-models")
    expect(page.locator("#learn-result")).to_contain_text("disk full")
    new_writer(page, "Ben")
    expect(page.locator("#learn-from")).to_contain_text("Ben")
    expect(page.locator("#learn-result")).to_be_empty()


def test_learning_needs_samples_and_what_it_is_installed_with(page, server, glyph_of_seven):
    with Store.open(server.database) as store:
        for number in range(9):
            store.add(glyph_of_seven(number), writer="me", source="import", label="7" if number else None)
    change_state(page, learn=None, learn_from=10)
    page.goto(server.url + "/#models")
    page.reload()
    expect(page.locator("#learn-from")).to_have_text("2 more labelled samples of me are needed")
    expect(page.locator("#learn")).to_be_disabled()
    change_state(page, learn=None, learn_from=8)
    page.reload()
    expect(page.locator("#learn-from")).to_have_text("from 8 labelled samples of me")
    expect(page.locator("#learn")).to_be_enabled()
    change_state(page, learn="install inkwise[train]")
    page.add_init_script(
        "const { fetch: ask } = window; window.fetch = (path, options) => new Promise((resolve) =>"
        " setTimeout(() => resolve(ask(path, options)), path.startsWith('/api/state') ? 500 : 0))"
    )
    page.reload()
    expect(page.locator("#learn-missing")).to_have_text("install inkwise[train]")
    expect(page.locator("#learn")).to_be_hidden()


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
