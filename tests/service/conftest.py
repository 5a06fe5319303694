"""A service without a socket, one in a process of its own, and a reading that waits for its cue."""

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
    warnings.simplefilter("ignore")  # newer versions would rather have another client than httpx
    from starlette.testclient import TestClient


@pytest.fixture
def run():
    """What a coroutine returns: it runs in a thread of its own, for the tests' may have a browser's loop."""

    def run(coroutine):
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, coroutine).result()

    return run


@pytest.fixture
def serve():
    """Start a service: serve(tokens=.., seconds=1) gives a client of it; settings and limits by name."""
    with ExitStack() as running:

        def serve(host="127.0.0.1", tokens=None, **limits):
            app = create_app(Settings(host, tokens=tokens, limits=replace(RequestLimits(), **limits)))
            client = TestClient(app, "http://127.0.0.1:8000", raise_server_exceptions=False)
            return running.enter_context(client)

        yield serve


@pytest.fixture
def client(serve):
    return serve()


@pytest.fixture
def png(seven):
    """The bytes of a picture of a 7."""
    return cv2.imencode(".png", seven)[1].tobytes()


@pytest.fixture
def slow(monkeypatch):
    """Reading one digit then waits: slow.begun says that it does, slow.go ends all waiting."""

    class Slow:
        begun, go, calls = threading.Semaphore(0), threading.Event(), 0

    read_digit = Recognizer.read_digit

    def wait(recognizer, picture):
        Slow.calls += 1
        Slow.begun.release()
        Slow.go.wait()
        return read_digit(recognizer, picture)

    monkeypatch.setattr(Recognizer, "read_digit", wait)
    yield Slow
    Slow.go.set()


@pytest.fixture
def read(png):
    """Send the 7 to be read: read(client, expect="digit")."""

    def read(client, headers=None, **query):
        headers = {"Content-Type": "image/png", **(headers or {})}
        return client.post("/v1/read", content=png, params=query, headers=headers)

    return read


class Service:
    """A running `inkwise serve`, its address and its log."""

    def __init__(self, process, log):
        self.process, self._log = process, log
        self.url = process.stdout.readline().split()[3]

    def lines(self):
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def end(self, number=signal.SIGTERM):
        """The exit status after a signal."""
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
