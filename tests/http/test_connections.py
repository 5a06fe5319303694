"""Connections on transports of the tests' own, with a clock of their own."""

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
    """Keeps what is written until `read` is called."""

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


class House:
    """A server of four connections; it trusts clients if `authorised`, and answers once `answers` is set."""

    def __init__(self):
        self.now, self.authorised, self.answers = 0.0, True, asyncio.Event()
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
        if self.authorised:
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
        """Let time pass, a second at a time."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + 1)
            self.connections.check()


def is_open(*connections):
    return [connection.transport.open for connection in connections]


@pytest.fixture
def run():
    """Run a coroutine function with a house."""

    def run(scenario):
        async def within():
            await scenario(House())

        with ThreadPoolExecutor(1) as thread:  # the tests' own thread may have the loop of a browser
            thread.submit(asyncio.run, within()).result()

    return run


def test_the_oldest_connection_without_a_request_makes_room(run):
    async def scenario(house):
        old, *others = (house.connect() for _ in range(4))
        new = house.connect()
        assert is_open(old, *others, new) == [False, True, True, True, True]

    run(scenario)


def test_authorised_connections_are_kept_before_others(run):
    async def scenario(house):
        known = house.connect()
        await house.send(known, GET)
        house.authorised = False
        strangers = [house.connect() for _ in range(3)]
        for stranger in strangers:
            await house.send(stranger, POST)  # answered, as with 401
        new = house.connect()
        assert is_open(known, *strangers, new) == [True, False, True, True, True]

    run(scenario)


def test_strangers_are_let_in_where_all_others_are_authorised(run):
    async def scenario(house):
        house.answers.clear()
        sending = [house.connect() for _ in range(4)]
        for connection in sending:
            await house.send(connection, POST)
        one, two = house.connect(), house.connect()
        assert is_open(*sending, one, two) == [False, False, True, True, True, True]

    run(scenario)


def test_what_is_being_answered_is_never_closed_to_make_room(run):
    async def scenario(house):
        house.answers.clear()
        served = [house.connect() for _ in range(4)]
        for connection in served:
            await house.send(connection, GET)
        new = house.connect()
        assert is_open(*served, new) == [True, True, True, True, False]
        house.answers.set()
        await asyncio.sleep(0.01)
        assert all(connection.transport.read().endswith(b"ok") for connection in served)

    run(scenario)


@pytest.mark.parametrize("first", [b"", b"G", GET + b"G"])
def test_a_header_must_be_complete_in_time(run, first):
    async def scenario(house):
        connection = house.connect()
        await house.send(connection, first)
        connection.transport.read()
        for _ in range(round(HEAD_SECONDS) - 1):
            house.later(1)
            if first:
                await house.send(connection, b"E")  # no byte extends the time
        assert is_open(connection) == [True]
        house.later(3)
        assert is_open(connection) == [False]

    run(scenario)


def test_a_connection_may_be_idle_for_a_while(run):
    async def scenario(house):
        connection = house.connect()
        await house.send(connection, GET)
        connection.transport.read()
        house.later(IDLE_SECONDS - 1)
        await house.send(connection, GET)
        connection.transport.read()
        house.later(IDLE_SECONDS - 1)
        assert is_open(connection) == [True]
        house.later(2)
        assert is_open(connection) == [False]

    run(scenario)


@pytest.mark.parametrize(("rate", "lives"), [(1, False), (BODY_RATE // 2, False), (2 * BODY_RATE, True)])
def test_a_body_must_come_at_some_rate(run, rate, lives):
    async def scenario(house):
        connection = house.connect()
        await house.send(connection, POST.replace(b"1000000", b"100000000"))
        for _ in range(3 * round(STALL_SECONDS)):
            if connection.transport.open:
                await house.send(connection, b" " * rate)
            house.later(1)
        assert is_open(connection) == [lives]

    run(scenario)


def test_the_rest_of_a_body_after_the_answer_is_not_waited_for(run):
    async def scenario(house):
        house.authorised = False
        connection = house.connect()
        await house.send(connection, POST)
        assert connection.transport.read().endswith(b"ok")
        for _ in range(round(HEAD_SECONDS) + 2):
            if connection.transport.open:
                await house.send(connection, b" ")
            house.later(1)
        assert is_open(connection) == [False]

    run(scenario)


@pytest.mark.parametrize(("authorised", "answers"), [(True, 3), (False, 1)])
def test_a_stranger_gets_one_answer(run, authorised, answers):
    async def scenario(house):
        house.authorised = authorised
        connection = house.connect()
        await house.send(connection, 3 * GET)
        await asyncio.sleep(0.01)
        answer = connection.transport.read()
        assert answer.count(b"ok") == answers
        assert (b"connection: close" not in answer) == authorised
        assert is_open(connection) == [authorised]

    run(scenario)


def test_an_answer_must_be_read(run):
    async def scenario(house):
        reader, other = house.connect(), house.connect()
        for connection in (reader, other):
            await house.send(connection, GET)
        house.later(STALL_SECONDS - 1)
        reader.transport.written = reader.transport.written[1:]
        house.later(2)
        assert is_open(reader, other) == [True, False]

    run(scenario)


def test_an_app_may_take_its_time(run):
    async def scenario(house):
        house.answers.clear()
        connection = house.connect()
        await house.send(connection, GET)
        house.later(3600)
        assert is_open(connection) == [True]
        house.answers.set()
        await asyncio.sleep(0.01)
        assert connection.transport.read().endswith(b"ok")

    run(scenario)


def test_few_requests_may_wait_for_the_answer_to_the_one_before(run):
    async def scenario(house):
        house.answers.clear()
        few, many = house.connect(), house.connect()
        await house.send(few, GET * 10)
        await house.send(many, GET * (2 * HEAD_BYTES // len(GET)))
        assert is_open(few, many) == [True, False]
        house.answers.set()
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
        b"GET /" + b"a" * 2 * HEAD_BYTES + b" HTTP/1.1\r\n\r\n",  # complete, and too long
        CHUNKED + b"1;" + b"a" * 2 * HEAD_BYTES,
        CHUNKED + b"0\r\nA: " + b"a" * 2 * HEAD_BYTES,
    ],
)
@pytest.mark.parametrize("piece", [1000, 2**20])
def test_a_header_without_end_is_refused(run, sent, piece):
    async def scenario(house):
        connection = house.connect()
        for begin in range(0, len(sent), piece):
            if connection.transport.open:
                await house.send(connection, sent[begin : begin + piece])
        assert is_open(connection) == [False]
        assert connection.transport.read().startswith(b"HTTP/1.1 431 ")
        connection.connection_lost(None)
        await asyncio.sleep(0.01)

    run(scenario)


def test_a_header_of_the_size_that_is_allowed(run):
    async def scenario(house):
        connection = house.connect()
        room = HEAD_BYTES - len(GET) - len(b"A: \r\n")
        await house.send(connection, GET[:-2] + b"A: " + b"a" * room + b"\r\n\r\n")
        assert connection.transport.read().endswith(b"ok")

    run(scenario)


def test_garbage_after_an_answer_ends_the_connection(run, caplog):
    async def scenario(house):
        house.authorised = False
        connection = house.connect()
        await house.send(connection, CHUNKED)
        assert connection.transport.read().endswith(b"ok")
        await house.send(connection, b"what\r\n")
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
def test_whatever_is_sent_nothing_fails_and_nothing_is_left(run, seed, caplog):
    chance = random.Random(seed)

    async def scenario(house):
        house.authorised = chance.random() < 0.5
        connection = house.connect()
        for _ in range(chance.randrange(1, 12)):
            if chance.random() < 0.4:
                house.answers.clear() if house.answers.is_set() else house.answers.set()
            if connection.transport.open:
                await house.send(connection, b"".join(chance.choices(PARTS, k=chance.randrange(1, 6))))
            house.later(chance.choice([0, 1, 12, 40]))
        house.answers.set()
        connection.connection_lost(None)
        await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert not any(house.connections._stages.values())

    run(scenario)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
