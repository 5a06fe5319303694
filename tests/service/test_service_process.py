"""The service as one or several processes."""

import json
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

SEVEN = {"strokes": [[[30, 25], [85, 25], [55, 100]]]}


def ask(service):
    return httpx.post(f"{service.url}/v1/strokes", json=SEVEN, timeout=60)


def until(done, seconds=30):
    """Return the first true value of `done()`."""
    end = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return found


def stopping(url):
    """Return whether the service reports its shutdown."""
    response = httpx.get(f"{url}/healthz")
    return response.status_code == 503 and response.json()["error"].startswith("the server is shutting")


def listens(url):
    """Return whether a server listens."""
    try:
        return bool(httpx.get(f"{url}/healthz", timeout=60))
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_shutdown_completes_requests_under_way(start, number):
    with start() as service:
        body = json.dumps(SEVEN).encode()
        name, port = service.url.removeprefix("http://").split(":")
        head = f"POST /v1/strokes HTTP/1.1\r\nHost: {name}:{port}\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        with socket.create_connection((name, int(port))) as client:
            client.sendall(head.encode())
            assert client.recv(1000).startswith(b"HTTP/1.1 100 Continue")  # the service waits for the body
            service.process.send_signal(number)
            until(lambda: stopping(service.url))
            client.sendall(body)
            answer = client.makefile("rb").read().decode()
        assert answer.startswith("HTTP/1.1 200 OK")
        assert json.loads(answer.partition("\r\n\r\n")[2])["text"] == "7"
        assert service.process.wait(30) == 0


def test_stuck_reading_does_not_delay_shutdown(start, png):
    stuck = "import time, inkwise; inkwise.Recognizer.read = lambda *_: time.sleep(3600)"
    with start("--seconds", "0.2", before=stuck) as service:
        response = httpx.post(
            f"{service.url}/v1/read?expect=digit",
            content=png,
            headers={"Content-Type": "image/png"},
            timeout=60,
        )
        assert (response.status_code, response.json()) == (
            503,
            {"error": "the request took longer than 0.2 seconds"},
        )
        assert service.end() == 0


def test_log_has_no_readings(start, png):
    with start() as service:
        for path, kind, content in (
            ("/v1/read?expect=number&pattern=[7]", "image/png", png),
            ("/v1/strokes", "application/json", json.dumps(SEVEN)),
            ("/v1/read", "image/png", b"I am text"),
        ):
            httpx.post(f"{service.url}{path}", content=content, headers={"Content-Type": kind}, timeout=60)
        assert service.end() == 0
        lines = service.lines()
    keys = {*["time", "level", "pid", "id", "method", "path", "status", "ms", "bytes", "digits", "token"]}
    assert [{*line} for line in lines] == [keys] * 3
    assert [line["path"] for line in lines] == ["/v1/read", "/v1/strokes", "/v1/read"]
    assert [line["status"] for line in lines] == [200, 200, 422]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_log_has_no_pillow_warnings(start, repairable, workers):
    with start("--workers", workers) as service:
        headers = {"Content-Type": "image/png"}
        answer = httpx.post(f"{service.url}/v1/read", content=repairable, headers=headers, timeout=60)
        assert answer.json()["text"] == "7"
        service.end()
        assert service.lines()


@pytest.mark.slow
def test_worker_metrics_are_summed(start):
    with start("--workers", "2") as service:
        asked = 0

        def both():
            nonlocal asked
            with ThreadPoolExecutor(8) as pool:  # one connection per thread
                posts = pool.map(lambda _: ask(service), range(16))
                assert {post.json()["text"] for post in posts} == {"7"}
            asked += 16
            return len({line["pid"] for line in service.lines()}) == 2

        until(both)
        for _ in range(4):
            text = httpx.get(f"{service.url}/metrics").text
            assert f'inkwise_requests_total{{path="/v1/strokes",status="200"}} {asked}.0' in text
            assert f"inkwise_digits_total {asked}.0" in text
        assert service.end() == 0


def test_dead_worker_is_replaced(start):
    with start("--workers", "2") as service:
        assert httpx.get(f"{service.url}/healthz", timeout=60).status_code == 200
        dead = until(service.lines)[-1]["pid"]
        os.kill(dead, signal.SIGKILL)
        line = until(lambda: [line for line in service.lines() if line["level"] == "error"])[0]
        assert line["message"] == f"process {dead} ended with -9 and is replaced"
        assert ask(service).json()["text"] == "7"
        assert service.end(signal.SIGKILL) == -signal.SIGKILL
        until(lambda: not listens(service.url))  # workers end with their parent


@pytest.mark.slow
def test_hanging_worker_is_killed_at_shutdown(start):
    hurry = "import inkwise.http.launch as process; process._GRACE_SECONDS = 0.5"
    with start("--workers", "2", "--seconds", "0.2", before=hurry) as service:
        assert httpx.get(f"{service.url}/healthz", timeout=60).status_code == 200
        hung = until(service.lines)[-1]["pid"]
        os.kill(hung, signal.SIGSTOP)
        assert service.end() == 0
        with pytest.raises(ProcessLookupError):
            os.kill(hung, 0)
