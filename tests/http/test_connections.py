"""Connections on fake transports with a fake clock."""

import asyncio
import random
import types
from concurrent.futures import ThreadPoolExecutor

import pytest
import uvicorn

from inkwise.http.connections import (
    BODY_RATE,
    HEAD_BYTES,
    HEAD_SECONDS,
    IDLE_SECONDS,
    STALL_SECONDS,
    Connection,
    Connections,
    trust,
)

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"


class Transport:
    """Keeps written data until `read` is called."""

    def __init__(self):
        self.written, self.open = b"", True

    def write(self, data):
        self.written += data

    def read(self):
        written, self.written = self.written, b""
        return written

    def get_write_buffer_size(self):
        return len(self.written)

    def is_closing(self):
        return not self.open

    def close(self):
        self.open = False

    abort = close

    def get_extra_info(self, name):
        return None

    def set_write_buffer_limits(self, high):
        pass

    def pause_reading(self):
        pass

    resume_reading = pause_reading


class FakeServer:
    """A server of four connections; trusts clients if `authorized`, and responds once `answers` is set."""

    def __init__(self):
        self.now, self.authorized, self.answers = 0.0, True, asyncio.Event()
        self.answers.set()
        self.connections = Connections(4)
        options = {"interface": "asgi3", "proxy_headers": False, "log_config": None, "ws": "none"}
        options |= {"h11_max_incomplete_event_size": HEAD_BYTES}
        self._config = uvicorn.Config(self._app, http=Connection, **options)
        loop = asyncio.get_running_loop()
        self._loop = types.SimpleNamespace(
            time=lambda: self.now, create_task=loop.create_task, call_later=loop.call_later
        )

    async def _app(self, scope, receive, send):
        if self.authorized:
            trust(scope)
            while (message := await receive()).get("more_body"):
                pass
            if message["type"] == "http.disconnect":
                return
        await self.answers.wait()
        status, headers = 405 if scope["method"] == "CONNECT" else 200, [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    def connect(self):
        connection = Connection(self._config, self.connections, {}, self._loop)
        connection.connection_made(Transport())
        return connection

    async def send(self, connection, data):
        connection.data_received(data)
        for _ in range(5):
            await asyncio.sleep(0)

    def later(self, seconds):
        """Advance the clock second by second."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + 1)
            self.connections.check()


def is_open(*connections):
    return [connection.transport.open for connection in connections]


@pytest.fixture
def run():
    """Run a coroutine function with a fake server."""

    def run(scenario):
        async def within():
            await scenario(FakeServer())

        with ThreadPoolExecutor(1) as thread:  # the main thread may have the loop of a browser
            thread.submit(asyncio.run, within()).result()

    return run


def test_oldest_stranger_is_closed_for_a_new_connection(run):
    async def scenario(server):
        old, *others = (server.connect() for _ in range(4))
        new = server.connect()
        assert is_open(old, *others, new) == [False, True, True, True, True]

    run(scenario)


def test_authorized_connections_are_kept_before_others(run):
    async def scenario(server):
        known = server.connect()
        await server.send(known, GET)
        server.authorized = False
        strangers = [server.connect() for _ in range(3)]
        for stranger in strangers:
            await server.send(stranger, POST)  # receives a response, such as 401
        new = server.connect()
        assert is_open(known, *strangers, new) == [True, False, True, True, True]

    run(scenario)


def test_strangers_keep_a_share_of_the_connections(run):
    async def scenario(server):
        server.answers.clear()
        sending = [server.connect() for _ in range(4)]
        for connection in sending:
            await server.send(connection, POST)
        one, two = server.connect(), server.connect()
        assert is_open(*sending, one, two) == [False, False, True, True, True, True]

    run(scenario)


def test_connection_with_pending_response_is_not_closed_for_others(run):
    async def scenario(server):
        server.answers.clear()
        served = [server.connect() for _ in range(4)]
        for connection in served:
            await server.send(connection, GET)
        new = server.connect()
        assert is_open(*served, new) == [True, True, True, True, False]
        server.answers.set()
        await asyncio.sleep(0.01)
        assert all(connection.transport.read().endswith(b"ok") for connection in served)

    run(scenario)


@pytest.mark.parametrize("first", [b"", b"G", GET + b"G"])
def test_slow_header_closes_the_connection(run, first):
    async def scenario(server):
        connection = server.connect()
        await server.send(connection, first)
        connection.transport.read()
        for _ in range(round(HEAD_SECONDS) - 1):
            server.later(1)
            if first:
                await server.send(connection, b"E")  # single bytes do not extend the time
        assert is_open(connection) == [True]
        server.later(3)
        assert is_open(connection) == [False]

    run(scenario)


def test_idle_connection_is_closed_after_its_limit(run):
    async def scenario(server):
        connection = server.connect()
        await server.send(connection, GET)
        connection.transport.read()
        server.later(IDLE_SECONDS - 1)
        await server.send(connection, GET)
        connection.transport.read()
        server.later(IDLE_SECONDS - 1)
        assert is_open(connection) == [True]
        server.later(2)
        assert is_open(connection) == [False]

    run(scenario)


@pytest.mark.parametrize(("rate", "lives"), [(1, False), (BODY_RATE // 2, False), (2 * BODY_RATE, True)])
def test_slow_body_closes_the_connection(run, rate, lives):
    async def scenario(server):
        connection = server.connect()
        await server.send(connection, POST.replace(b"1000000", b"100000000"))
        for _ in range(3 * round(STALL_SECONDS)):
            if connection.transport.open:
                await server.send(connection, b" " * rate)
            server.later(1)
        assert is_open(connection) == [lives]

    run(scenario)


def test_body_after_response_is_not_awaited(run):
    async def scenario(server):
        server.authorized = False
        connection = server.connect()
        await server.send(connection, POST)
        assert connection.transport.read().endswith(b"ok")
        for _ in range(round(HEAD_SECONDS) + 2):
            if connection.transport.open:
                await server.send(connection, b" ")
            server.later(1)
        assert is_open(connection) == [False]

    run(scenario)


@pytest.mark.parametrize(("authorized", "answers"), [(True, 3), (False, 1)])
def test_stranger_gets_one_response(run, authorized, answers):
    async def scenario(server):
        server.authorized = authorized
        connection = server.connect()
        await server.send(connection, 3 * GET)
        await asyncio.sleep(0.01)
        answer = connection.transport.read()
        assert answer.count(b"ok") == answers
        assert (b"connection: close" not in answer) == authorized
        assert is_open(connection) == [authorized]

    run(scenario)


def test_unread_response_closes_the_connection(run):
    async def scenario(server):
        reader, other = server.connect(), server.connect()
        for connection in (reader, other):
            await server.send(connection, GET)
        server.later(STALL_SECONDS - 1)
        reader.transport.written = reader.transport.written[1:]
        server.later(2)
        assert is_open(reader, other) == [True, False]

    run(scenario)


def test_slow_app_is_not_timed_out(run):
    async def scenario(server):
        server.answers.clear()
        connection = server.connect()
        await server.send(connection, GET)
        server.later(3600)
        assert is_open(connection) == [True]
        server.answers.set()
        await asyncio.sleep(0.01)
        assert connection.transport.read().endswith(b"ok")

    run(scenario)


def test_pipelined_requests_are_limited(run):
    async def scenario(server):
        server.answers.clear()
        few, many = server.connect(), server.connect()
        await server.send(few, GET * 10)
        await server.send(many, GET * (2 * HEAD_BYTES // len(GET)))
        assert is_open(few, many) == [True, False]
        server.answers.set()
        await asyncio.sleep(0.1)
        assert few.transport.read().count(b"ok") == 10

    run(scenario)


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nA: " + b"a" * 2 * HEAD_BYTES,
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * HEAD_BYTES,
        b"GET /" + b"a" * 2 * HEAD_BYTES,
        b"GET /" + b"a" * 2 * HEAD_BYTES + b" HTTP/1.1\r\n\r\n",  # complete but too long
        CHUNKED + b"1;" + b"a" * 2 * HEAD_BYTES,
        CHUNKED + b"0\r\nA: " + b"a" * 2 * HEAD_BYTES,
    ],
)
@pytest.mark.parametrize("piece", [1000, 2**20])
def test_endless_header_is_rejected(run, sent, piece):
    async def scenario(server):
        connection = server.connect()
        for begin in range(0, len(sent), piece):
            if connection.transport.open:
                await server.send(connection, sent[begin : begin + piece])
        assert is_open(connection) == [False]
        assert connection.transport.read().startswith(b"HTTP/1.1 431 ")
        connection.connection_lost(None)
        await asyncio.sleep(0.01)

    run(scenario)


def test_header_of_maximum_size_is_accepted(run):
    async def scenario(server):
        connection = server.connect()
        room = HEAD_BYTES - len(GET) - len(b"A: \r\n")
        await server.send(connection, GET[:-2] + b"A: " + b"a" * room + b"\r\n\r\n")
        assert connection.transport.read().endswith(b"ok")

    run(scenario)


def test_garbage_after_response_closes_the_connection(run, caplog):
    async def scenario(server):
        server.authorized = False
        connection = server.connect()
        await server.send(connection, CHUNKED)
        assert connection.transport.read().endswith(b"ok")
        await server.send(connection, b"what\r\n")
        assert (connection.transport.read(), is_open(connection)) == (b"", [False])

    run(scenario)
    assert {record.levelname for record in caplog.records} <= {"WARNING"}


PARTS = [
    *(GET, POST, CHUNKED, b"0\r\n\r\n", b"5\r\nhello\r\n", b"hello", b"\r\n", b"\0", b"a" * 70_000),
    *(b"GET /", b" HTTP/1.1\r\n", b"Host: a\r\n", b"Content-Length: 5\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n"),
    *(b"Upgrade: websocket\r\nConnection: upgrade\r\n", b"HEAD / HTTP/1.0\r\n\r\n"),
    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
]


@pytest.mark.parametrize("seed", range(100))
def test_random_bytes_neither_fail_nor_leave_connections(run, seed, caplog):
    chance = random.Random(seed)

    async def scenario(server):
        server.authorized = chance.random() < 0.5
        connection = server.connect()
        for _ in range(chance.randrange(1, 12)):
            if chance.random() < 0.4:
                server.answers.clear() if server.answers.is_set() else server.answers.set()
            if connection.transport.open:
                await server.send(connection, b"".join(chance.choices(PARTS, k=chance.randrange(1, 6))))
            server.later(chance.choice([0, 1, 12, 40]))
        server.answers.set()
        connection.connection_lost(None)
        await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert not any(server.connections._stages.values())

    run(scenario)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
