"""The server process that the app and the service share: uvicorn with limits."""

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
from inkwise.http.sockets import BACKLOG
from inkwise.http.throttle import FewWarnings, Throttle

CONNECTIONS = 512
"""Maximum number of open connections of a process: twice the requests that wait in one of the service."""

HEADERS = 100
"""Maximum number of headers of a request."""

_ACCEPTED = 1 / 16  # share of the maximum that asyncio accepts at once, before others are closed in return
_TICKS = 10  # of uvicorn between two checks of the connections: a second

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

_few_warnings = FewWarnings()
_logger = logging.getLogger("inkwise.http")


class Server(uvicorn.Server):
    """Serves an app over HTTP to many clients, of which some mean harm."""

    def __init__(self, app: ASGIApp, grace: int) -> None:
        """Prepare to serve.

        Args:
            app: answers the requests.
            grace: maximum time for the answers under way when the server ends, in seconds.
        """
        # Half of the descriptors are left to all else that the process opens.
        most = min(CONNECTIONS, _raise_descriptors() // 2)
        config = uvicorn.Config(
            _limit_headers(app),
            http=Connection,
            ws="none",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            loop="asyncio",  # uvloop accepts one connection at a time, however busy those are that it has
            backlog=max(1, round(_ACCEPTED * most)),
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=grace,
            h11_max_incomplete_event_size=HEAD_BYTES,
        )
        super().__init__(config)
        self._connections = self.server_state = Connections(most)
        self._accept_errors = Throttle(1)
        logging.getLogger("uvicorn.error").addFilter(_few_warnings)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        asyncio.get_running_loop().set_exception_handler(self._log_error)
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(BACKLOG)  # to asyncio this and `_ACCEPTED` are one

    async def on_tick(self, counter: int) -> bool:
        """Check the connections once a second."""
        if counter % _TICKS == 0:
            self._connections.check()
        return await super().on_tick(counter)

    def _log_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log an error of the event loop."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _EXHAUSTED:
            loop.default_exception_handler(context)
        elif self._accept_errors.allow() is not None:
            _logger.error("a connection cannot be accepted (%s)", error.strerror)


def _limit_headers(app: ASGIApp) -> ASGIApp:
    """Have an app answer only requests that have at most `HEADERS` headers."""

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and len(scope["headers"]) > HEADERS:
            error = f"{len(scope['headers']):,} headers; at most {HEADERS} are accepted"
            await json_response({"error": error}, 431)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return limited


def _raise_descriptors() -> int:
    """Raise the limit on open files, as far as needed and allowed, and return it."""
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
