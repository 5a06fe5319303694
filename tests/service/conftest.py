"""A service without a socket, a service process, and a reading that can be paused."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import cv2
import pytest

from inkwise.recognition import Recognizer
from inkwise.service import RequestLimits, Settings, create_app

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # newer versions prefer another client than httpx
    from starlette.testclient import TestClient


@pytest.fixture
def run():
    """Run a coroutine in a thread and return its result; the main thread may have the loop of a browser."""

    def run(coroutine):
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, coroutine).result()

    return run


@pytest.fixture
def serve():
    """Return a client of a new service; takes settings and limits by name: serve(tokens=.., seconds=1)."""
    with ExitStack() as running:
        yield lambda **settings: running.enter_context(new_client(**settings))


def new_client(host="127.0.0.1", model="default", tokens=None, cors=(), **limits):
    app = create_app(Settings(host, model, tokens, replace(RequestLimits(), **limits), tuple(cors)))
    return TestClient(app, "http://127.0.0.1:8000", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client():
    """A client of a service with default settings, which the tests of a module share."""
    with new_client() as client:
        yield client


@pytest.fixture
def png(seven):
    """A PNG file of a 7."""
    return cv2.imencode(".png", seven)[1].tobytes()


@pytest.fixture
def slow(monkeypatch):
    """Pause reading of one digit: acquire slow.begun until it is called, set slow.go to continue."""

    class Slow:
        begun, go, calls = threading.Semaphore(0), threading.Event(), 0

    read = Recognizer.read

    def wait(recognizer, image, expect=None, constraint=None):
        if expect == "digit":
            Slow.calls += 1
            Slow.begun.release()
            Slow.go.wait()
        return read(recognizer, image, expect, constraint)

    monkeypatch.setattr(Recognizer, "read", wait)
    yield Slow
    Slow.go.set()


@pytest.fixture
def read(png):
    """Have a service read the 7: read(client, expect="digit")."""

    def read(client, headers=None, **query):
        headers = {"Content-Type": "image/png", **(headers or {})}
        return client.post("/v1/read", content=png, params=query, headers=headers)

    return read


class Service:
    """A running `inkwise serve` with its URL and log."""

    def __init__(self, process, log):
        self.process, self._log = process, log
        self.url = process.stdout.readline().split()[3]

    def lines(self):
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def end(self, number=signal.SIGTERM):
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def start(tmp_path):
    @contextmanager
    def start(*options, before=""):
        code = f"{before}\nfrom inkwise.cli import main\nmain()"
        command = [sys.executable, "-c", code, "serve", "--port", "0", *options]
        log = tmp_path / "log"
        with (
            log.open("wb") as stderr,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
        ):
            try:
                yield Service(process, log)
            finally:
                process.kill()

    return start
