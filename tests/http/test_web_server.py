"""Servers among clients that send too much, too slowly, or nothing."""

import asyncio
import errno
import http.client
import logging
import resource
import threading

import pytest

from benchmarks.common.processes import peak_memory
from benchmarks.robustness.connection_flood import KINDS, ask, run_clients, running
from inkwise.http.launch import listen
from inkwise.http.middleware import InFlight
from inkwise.http.server import HEADERS, Server


async def hello(scope, receive, send):
    """An app."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
def port():
    """Of a server in a thread."""
    server = Server(hello, InFlight(), 1)
    with listen("127.0.0.1", [0]) as bound:
        port = bound.getsockname()[1]
        thread = threading.Thread(target=server.run, args=[[bound]])
        thread.start()
        yield port
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("server", ["app", "service"])
def test_authorised_requests_are_answered_throughout(server):
    with running(server, files=64) as (pid, port, log):
        ask(server, port, 0.1)
        clients = threading.Thread(target=run_clients, args=([*KINDS.values()], server, port, 300, 6))
        clients.start()
        answers = ask(server, port, 6)
        clients.join()
        assert not answers.failed
        assert not ask(server, port, 0.1).failed
        assert peak_memory(pid) < 300 * 2**20
        said = log.read_text()
    assert len(said) < 100_000
    assert "Traceback" not in said
    assert "connections are in use: idle ones are closed" in said


def get(port, headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/", headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_headers_are_limited_in_number(port):
    few = {f"A{number}": "b" for number in range(HEADERS - 2)}  # the client sends two of its own
    assert get(port, few) == (200, "hello")
    error = '{"error":"101 headers; at most 100 are accepted"}'
    assert get(port, {**few, "One": "more"}) == (431, error)


def test_half_of_the_files_that_may_be_open_are_left_to_others(monkeypatch):
    limits = []
    monkeypatch.setattr(resource, "setrlimit", lambda kind, pair: limits.append(pair))
    for soft, hard, most in (
        (256, 4096, 512),
        (256, resource.RLIM_INFINITY, 512),
        (64, 256, 128),
        (64, 64, 32),
        (4096, 4096, 512),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 512),
    ):
        monkeypatch.setattr(resource, "getrlimit", lambda kind, pair=(soft, hard): pair)
        assert Server(hello, InFlight(), 1).server_state._most == most
    assert limits == [(1024, 4096), (1024, resource.RLIM_INFINITY), (256, 256), (64, 64)]


def test_a_lack_of_files_is_one_line_a_second(caplog):
    server, loop = Server(hello, InFlight(), 1), asyncio.new_event_loop()
    error = OSError(errno.EMFILE, "Too many open files")
    for _ in range(1000):
        server._log_error(loop, {"message": "socket.accept() out of system resource", "exception": error})
    loop.close()
    lines = {(record.levelno, record.getMessage()) for record in caplog.records}
    assert lines == {(logging.ERROR, "a connection cannot be accepted (Too many open files)")}
    assert len(caplog.records) <= 2
    assert not any(record.exc_info for record in caplog.records)


def test_other_errors_are_logged_whole(caplog):
    server, loop = Server(hello, InFlight(), 1), asyncio.new_event_loop()
    server._log_error(loop, {"message": "what", "exception": RuntimeError("why")})
    loop.close()
    assert caplog.records[-1].exc_info
