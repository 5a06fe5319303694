"""The server process: a socket, an address that can be opened, and the loop that answers."""

from __future__ import annotations

import logging
import secrets
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI

from inkwise._util.errors import InkwiseError, StoreError
from inkwise.app.pages import create_app
from inkwise.corrections import Learner
from inkwise.http.server import Server
from inkwise.http.sockets import http_address, is_loopback, listen

DEFAULT_PORT = 8420
"""The port, where none is asked for and it is free."""

_PORT_ATTEMPTS = 20  # ports, where none is asked for

_GRACE_SECONDS = 3  # seconds that requests have to be answered when it is to end

_logger = logging.getLogger("inkwise.app")


def serve(
    learner: Learner,
    *,
    host: str,
    port: int | None,
    model: str | Path | None,
    token: str | None,
    browser: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the app until it is interrupted or terminated.

    Args:
        learner: reads and keeps; it stays open.
        model: what the learner began with.
        host, port, token, browser, say: as for `run`.

    Raises:
        InkwiseError: the address cannot be bound, or the token is empty.
    """

    def create(host: str, token: str | None) -> FastAPI:
        try:
            _ = learner.store
        except StoreError as error:
            _logger.error("%s", error)  # what is drawn is read all the same
        return create_app(learner, model=model, host=host, token=token)

    run(create, host=host, port=port, token=token, browser=browser, say=say)


def run(
    create: Callable[[str, str | None], FastAPI],
    *,
    host: str,
    port: int | None,
    token: str | None,
    browser: bool,
    say: Callable[[str], None],
) -> None:
    """Serve what `create` makes for a host and a token, until it is interrupted or terminated.

    Args:
        create: makes the app, once the address is known to be free.
        host: the name or address to bind.
        port: None takes the first free one from `DEFAULT_PORT` on.
        token: what to demand of whoever asks; None demands nothing on loopback, and elsewhere makes one up.
        browser: open the page in one.
        say: is given the address of the page.

    Raises:
        InkwiseError: the address cannot be bound, or the token is empty.
    """
    if token == "":
        raise InkwiseError("the token is empty: leave it out, and one is made up where it is needed")
    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe()
    with listen(
        host, range(DEFAULT_PORT, DEFAULT_PORT + _PORT_ATTEMPTS) if port is None else [port]
    ) as bound:
        server = Server(create(host, token), _GRACE_SECONDS)
        url = _page_url(host, bound.getsockname()[1], token)
        say(url)
        if browser:
            # The socket listens already: a browser that is quicker than the server waits.
            threading.Thread(target=webbrowser.open, args=[url], daemon=True).start()
        with _until_ended():
            server.run(sockets=[bound])


@contextmanager
def _until_ended() -> Iterator[None]:
    """Leave the block normally at Ctrl-C and at SIGTERM, so that the caller closes the database.

    uvicorn answers what is under way, then raises the signal again, which SIGTERM would not outlive.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread alone
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _page_url(host: str, port: int, token: str | None) -> str:
    """The address of the page, as this machine or another in its network can open it."""
    name = _own_address() if host in ("", "0.0.0.0", "::") else host
    query = "" if token is None else f"?token={quote(token, safe='')}"
    return f"{http_address(name, port)}/{query}"


def _own_address() -> str:
    """The address by which this machine reaches others; nothing is sent to find it out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address that belongs to nobody
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
