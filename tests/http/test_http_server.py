"""Servers with clients that send too much, too slowly, or nothing."""

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
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
def port():
    """The port of a server in a thread."""
    server = Server(hello, InFlight(), 1)
    with listen("127.0.0.1", [0]) as bound:
        port = bound.getsockname()[1]
        thread = threading.Thread(target=server.run, args=[[bound]])
        thread.start()
        yield port
        server.should_exit = True
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("server", ["app", "service"])
def test_authorized_requests_are_served_under_attack(server):
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


def test_number_of_headers_is_limited(port):
    few = {f"A{number}": "b" for number in range(HEADERS - 2)}  # the client adds two
    assert get(port, few) == (200, "hello")
    error = '{"error":"101 headers; at most 100 are accepted"}'
    assert get(port, {**few, "One": "more"}) == (431, error)


def test_connections_use_half_of_the_file_descriptors(monkeypatch):
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


def test_lack_of_descriptors_is_logged_once_a_second(caplog):
    server, loop = Server(hello, InFlight(), 1), asyncio.new_event_loop()
    error = OSError(errno.EMFILE, "Too many open files")
    for _ in range(1000):
        server._log_error(loop, {"message": "socket.accept() out of system resource", "exception": error})
    loop.close()
    lines = {(record.levelno, record.getMessage()) for record in caplog.records}
    assert lines == {(logging.ERROR, "a connection cannot be accepted (Too many open files)")}
    assert len(caplog.records) <= 2
    assert not any(record.exc_info for record in caplog.records)


def test_other_loop_errors_are_logged_with_traceback(caplog):
    server, loop = Server(hello, InFlight(), 1), asyncio.new_event_loop()
    server._log_error(loop, {"message": "what", "exception": RuntimeError("why")})
    loop.close()
    assert caplog.records[-1].exc_info
