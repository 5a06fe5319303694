"""The page in a real browser: Chromium, headless, on a server of its own."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from extras import lacking
from hand import SEVEN
from playwright.sync_api import expect, sync_playwright

from inkwise.corrections import Store


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests, or a clear line where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        lacking("no Chromium on this machine: the page is tested in it (Debian: apt-get install chromium)")
    expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


class AppProcess:
    """`inkwise app` on a database of its own, or another command, that can be killed and started again."""

    def __init__(self, folder, *command):
        self.database = f"sqlite:///{folder / 'taught.db'}"
        self.command = command or ("app", "--database", self.database)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        inkwise = Path(sys.executable).with_name("inkwise")
        command = [inkwise, *self.command, "--no-browser", "--port", str(self.port)]
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

    def end(self):
        self.process.terminate()
        assert self.process.wait(10) in (0, -signal.SIGTERM)

    def labels(self, writer="me"):
        """(label, answer) of all samples that are on disk, the oldest first."""
        with Store.open(self.database) as store:
            return [(sample.label, sample.answer) for sample in store.samples(writer=writer)[::-1]]


@pytest.fixture
def server(tmp_path):
    server = AppProcess(tmp_path)
    yield server
    server.end()


@pytest.fixture
def browse(chromium):
    """Open an address in a browser window of its own; an error in a script fails the test."""
    contexts, errors = [], []

    def browse(url, **options):
        contexts.append(chromium.new_context(**{"viewport": {"width": 1100, "height": 900}, **options}))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        return page

    yield browse
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture
def open_page(browse, server):
    """Open the app in a browser window of its own."""
    return lambda **options: browse(server.url, **options)


@pytest.fixture
def serve_command(tmp_path):
    """Serve the page of another command: serve_command("review", table) gives its server."""
    servers = []

    def serve_command(*command):
        servers.append(AppProcess(tmp_path, *map(str, command)))
        return servers[-1]

    yield serve_command
    for server in servers:
        server.end()


@pytest.fixture
def page(open_page):
    return open_page()


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


@pytest.fixture
def glyph_of_seven():
    from inkwise.preprocessing import strokes_to_glyph

    def drawn(number):
        rng = np.random.default_rng(number)
        return strokes_to_glyph([np.array(SEVEN[0], float) + rng.normal(0, 4, (3, 2))])

    return drawn
