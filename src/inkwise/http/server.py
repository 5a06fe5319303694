"""uvicorn with limits on connections, headers and open files, and a shutdown that completes responses."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from inkwise.http.bodies import json_response
from inkwise.http.connections import HEAD_BYTES, IDLE_SECONDS, Connection, Connections
from inkwise.http.middleware import InFlight
from inkwise.http.throttle import FewWarnings, Throttle

CONNECTIONS = 512
"""Maximum number of open connections of a process: twice the default request queue of the service."""

BACKLOG = 4096
"""Maximum number of connections that wait to be accepted; the default limit of Linux."""

HEADERS = 100
"""Maximum number of headers of a request."""

_ACCEPTED = 1 / 16  # share of the maximum that asyncio accepts at once, before it closes others to make room
_TICKS = 10  # uvicorn's ticks between two checks of the connections: one second

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

_few_warnings = FewWarnings()
_logger = logging.getLogger("inkwise.http")


class Server(uvicorn.Server):
    """HTTP server for many clients, some of them malicious."""

    def __init__(self, app: ASGIApp, in_flight: InFlight, grace: int) -> None:
        """Prepare to serve an app; a shutdown drains `in_flight`, then waits up to `grace` seconds."""
        # Half of the file descriptors are left to the rest of the process.
        most = min(CONNECTIONS, _raise_descriptors() // 2)
        config = uvicorn.Config(
            _limit_headers(app),
            http=Connection,
            ws="none",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            loop="asyncio",  # uvloop accepts connections one at a time, also while open ones are busy
            backlog=max(1, round(_ACCEPTED * most)),
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=grace,
            h11_max_incomplete_event_size=HEAD_BYTES,
        )
        super().__init__(config)
        self._in_flight = in_flight
        self._connections = self.server_state = Connections(most)
        self._accept_errors = Throttle(1)
        logging.getLogger("uvicorn.error").addFilter(_few_warnings)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        asyncio.get_running_loop().set_exception_handler(self._log_error)
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(BACKLOG)  # asyncio has one setting for this and for `_ACCEPTED`

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Complete the responses under way, then close all connections."""
        await self._in_flight.drain()
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        """Check the connections once a second."""
        if counter % _TICKS == 0:
            self._connections.check()
        return await super().on_tick(counter)

    def _log_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log an error of the event loop; a lack of file descriptors at most once a second."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _EXHAUSTED:
            loop.default_exception_handler(context)
        elif self._accept_errors.allow() is not None:
            _logger.error("a connection cannot be accepted (%s)", error.strerror)


def _limit_headers(app: ASGIApp) -> ASGIApp:
    """Reject requests with more than `HEADERS` headers."""

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and len(scope["headers"]) > HEADERS:
            error = f"{len(scope['headers']):,} headers; at most {HEADERS} are accepted"
            await json_response({"error": error}, 431)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return limited


def _raise_descriptors() -> int:
    """Raise the limit on open files as far as needed and allowed; return the limit."""
    wanted = 2 * CONNECTIONS
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
