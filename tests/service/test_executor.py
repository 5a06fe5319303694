"""The service under overload: queue, threads, memory, timeouts."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from inkwise.recognition import Model
from inkwise.recognition.digit_reader import DigitReader
from inkwise.service.executor import READER_THREADS, RequestAbandonedError


@pytest.fixture
def pool(slow):
    with ThreadPoolExecutor(8) as pool:
        yield pool
        slow.go.set()


@pytest.fixture
def one_thread(monkeypatch):
    monkeypatch.setattr("inkwise.service.executor.READER_THREADS", 1)


def test_full_queue_responds_with_retry_after(one_thread, serve, read, slow, pool):
    client = serve(queue=0)
    first = pool.submit(read, client, expect="digit")
    slow.begun.acquire()
    response = read(client, expect="digit")
    assert response.status_code == 429
    assert response.json() == {"error": "too many requests are waiting; retry later"}
    assert response.headers["Retry-After"] == "1"
    assert client.get("/healthz").status_code == 200
    slow.go.set()
    assert first.result().json()["text"] == "7"
    assert read(client, expect="digit").status_code == 200


def test_executor_reads_with_a_fixed_number_of_threads(serve, read, slow, pool):
    client = serve()
    requests = [pool.submit(read, client, expect="digit") for _ in range(READER_THREADS + 2)]
    for _ in range(READER_THREADS):
        slow.begun.acquire()
    assert slow.calls == READER_THREADS
    slow.go.set()
    assert [request.result().status_code for request in requests] == [200] * (READER_THREADS + 2)


def test_timed_out_request_keeps_its_thread(one_thread, serve, read, slow):
    client = serve(seconds=0.05, queue=1)
    for _ in range(2):  # the second gets no thread and gives up its place
        response = read(client, expect="digit")
        assert response.status_code == 503
        assert response.json() == {"error": "the request took longer than 0.05 seconds"}
    assert slow.calls == 1
    slow.go.set()
    while (response := read(client, expect="digit")).status_code != 200:
        assert response.status_code in (429, 503)


def test_missing_body_times_out(serve, run):
    client = serve(seconds=0.05)

    async def never():
        await asyncio.sleep(3600)

    async def ask():
        sent = []

        async def send(message):
            sent.append(message)

        headers = [(b"host", b"127.0.0.1"), (b"content-type", b"image/png")]
        scope = {"type": "http", "method": "POST", "path": "/v1/read", "headers": headers}
        scope |= {"query_string": b"", "server": ("127.0.0.1", 8000)}
        await client.app(scope, never, send)
        return sent[0]["status"]

    assert run(ask()) == 503


def test_slow_upload_occupies_no_place(one_thread, serve, read, run, png, monkeypatch):
    monkeypatch.setattr("inkwise.service.executor._MAX_HELD_BYTES", len(png))
    client = serve(queue=0, body_bytes=len(png))

    async def ask():
        begun, rest = asyncio.Event(), asyncio.Event()
        parts, sent = iter([(png[:1], True), (png[1:], False)]), []

        async def receive():
            if begun.is_set():
                await rest.wait()
            begun.set()
            body, more = next(parts)
            return {"type": "http.request", "body": body, "more_body": more}

        async def send(message):
            sent.append(message)

        size = str(len(png)).encode()
        headers = [(b"host", b"127.0.0.1"), (b"content-type", b"image/png"), (b"content-length", size)]
        scope = {"type": "http", "method": "POST", "path": "/v1/read", "headers": headers}
        scope |= {"query_string": b"", "server": ("127.0.0.1", 8000)}
        slow = asyncio.create_task(client.app(scope, receive, send))
        await begun.wait()
        glyph = bytes(784)  # another image would not fit in memory
        headers = {"Content-Type": "application/octet-stream"}
        other = await asyncio.to_thread(client.post, "/v1/classify", content=glyph, headers=headers)
        rest.set()
        await slow
        return other.status_code, sent[0]["status"]

    assert len(png) > 785
    assert run(ask()) == (200, 200)


def test_memory_of_waiting_bodies_is_limited(serve, read, slow, pool, png, monkeypatch):
    monkeypatch.setattr("inkwise.service.executor._MAX_HELD_BYTES", 2 * len(png))
    client = serve(body_bytes=len(png))
    first = [pool.submit(read, client, expect="digit") for _ in range(2)]
    for _ in first:
        slow.begun.acquire()
    assert read(client, expect="digit").status_code == 429
    slow.go.set()
    assert [request.result().status_code for request in first] == [200, 200]
    assert read(client, expect="digit").status_code == 200


def test_large_images_are_read_one_at_a_time(serve, read, slow, pool, monkeypatch):
    monkeypatch.setattr("inkwise.service.routes._LARGE_IMAGE_PIXELS", 1000)
    client = serve()
    requests = [pool.submit(read, client, expect="digit") for _ in range(2)]
    slow.begun.acquire()
    assert not slow.begun.acquire(timeout=0.2)
    slow.go.set()
    assert [request.result().json()["text"] for request in requests] == ["7", "7"]


def test_timed_out_large_image_blocks_only_large_images(serve, read, slow, monkeypatch):
    monkeypatch.setattr("inkwise.service.routes._LARGE_IMAGE_PIXELS", 1000)
    client = serve(seconds=0.3)
    for _ in range(READER_THREADS):
        assert read(client, expect="digit").status_code == 503
    assert slow.calls == 1
    monkeypatch.setattr("inkwise.service.routes._LARGE_IMAGE_PIXELS", 10**6)
    assert read(client, expect="number").status_code == 200


def test_reading_of_abandoned_request_stops(serve, read, slow, monkeypatch):
    ended = threading.Event()
    classify = DigitReader.classify

    def watched(reader, glyphs):
        try:
            return classify(reader, glyphs)
        except RequestAbandonedError:
            ended.set()
            raise

    monkeypatch.setattr(DigitReader, "classify", watched)
    client = serve(seconds=0.05)
    assert read(client, expect="digit").status_code == 503
    slow.go.set()
    assert ended.wait(30)


def test_simultaneous_requests_share_a_batch(serve, read, monkeypatch):
    monkeypatch.setattr("inkwise.service.executor.READER_THREADS", 4)
    client, first, run = serve(), threading.Lock(), Model.run

    def patient(model, glyphs):
        if first.acquire(blocking=False):
            while len(model._waiting) < 3:
                time.sleep(0.001)
        return run(model, glyphs)

    monkeypatch.setattr(Model, "run", patient)
    with ThreadPoolExecutor(4) as pool:
        requests = [pool.submit(read, client, expect="digit") for _ in range(4)]
    assert [request.result().json()["text"] for request in requests] == ["7"] * 4
    lines = client.get("/metrics").text.splitlines()
    counts = dict(line.rsplit(" ", 1) for line in lines if line[0] != "#")
    up_to = [float(counts[f'inkwise_batch_requests_bucket{{le="{size}.0"}}']) for size in (2, 4)]
    assert up_to[1] == up_to[0] + 1
