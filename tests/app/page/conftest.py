"""The pages in headless Chromium, each test with a server of its own."""

import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from hand import SEVEN
from playwright.sync_api import expect

from inkwise.app import create_app
from inkwise.corrections import Store
from inkwise.http.launch import listen
from inkwise.http.middleware import InFlight
from inkwise.http.server import Server


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


class _PageServer:
    """A server of a page, and the samples in the database of its folder."""

    def __init__(self, folder):
        self.database = f"sqlite:///{folder / 'taught.db'}"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def labels(self, writer="me"):
        """Return (label, answer) of all samples on disk, oldest first."""
        with Store.open(self.database) as store:
            return [(sample.label, sample.answer) for sample in store.samples(writer=writer)[::-1]]


class AppThread(_PageServer):
    """A page served by a thread, which starts faster than a process."""

    def __init__(self, folder, app):
        super().__init__(folder)
        self._socket = listen("127.0.0.1", [0])
        self.port = self._socket.getsockname()[1]
        self._server = Server(app, InFlight(), 1)
        self._thread = threading.Thread(target=self._server.run, args=[[self._socket]])
        self._thread.start()

    def end(self):
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


class AppProcess(_PageServer):
    """`inkwise app`, or another command, as a process that can be killed and started again."""

    def __init__(self, folder, *command):
        super().__init__(folder)
        self.command = command or ("app", "--database", self.database)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
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


@pytest.fixture
def start_server(tmp_path):
    """Serve an app by a thread: start_server(create_app(learner)); or a command by a process."""
    servers = []

    def start(*command):
        kind = AppProcess if not command or isinstance(command[0], str) else AppThread
        servers.append(kind(tmp_path, *(each if kind is AppThread else str(each) for each in command)))
        return servers[-1]

    yield start
    for server in servers:
        server.end()


@pytest.fixture
def server(start_server, learner):
    """The app of the drawing page."""
    yield start_server(create_app(learner))
    learner.close()


@pytest.fixture
def open_page(browse, server):
    """Open the drawing page in a browser context of its own."""
    return lambda **options: browse(server.url, **options)


@pytest.fixture
def page(open_page):
    return open_page()


@pytest.fixture
def show_number(number, tmp_path):
    """Open a picture of 714 on the Pictures tab: show_number(page); `beside` is blank paper on its right."""

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
