"""HTTP connections with limits on size, number and time, which hold before any token is checked."""

from __future__ import annotations

import asyncio
import enum
import logging
import sys
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any
from weakref import WeakMethod

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from inkwise.http.throttle import Throttle

HEAD_BYTES = 32 * 2**10
"""Maximum size of a request line with its headers, in bytes."""

HEAD_SECONDS = 10.0
"""Maximum time from the connection, or from the first byte of a later request, to the end of the headers."""

STALL_SECONDS = 30.0
"""Maximum time without progress while a body is received or an answer is sent."""

BODY_RATE = 10_000
"""Minimum average rate at which a body is received, in bytes per second."""

IDLE_SECONDS = 75
"""Maximum time between two requests: longer than the 60 s that many proxies keep an idle connection."""

_PIECE = HEAD_BYTES // 2  # bytes that are parsed at once: a header that ends in them may exceed the limit

_UNSENT_BYTES = 16 * 2**10  # size of the unsent part of an answer above which sending it waits for the client

_STRANGERS = 0.5  # share of the connections that is left to strangers

_TRUST = "inkwise.trust"  # key in the state of a scope

_logger = logging.getLogger("inkwise.http")


class Stage(enum.Enum):
    """What a connection waits for."""

    STRANGER = 0
    """Anything, while the client has not sent an authorised request on this connection."""

    IDLE = 1
    """The next request."""

    BODY = 2
    """The rest of the body of a request."""

    UNREAD = 3
    """The client, which does not read its answer."""

    ANSWER = 4
    """The answer of the app."""


class Connections(ServerState):
    """The connections of a process, limited in number."""

    def __init__(self, most: int) -> None:
        """Keep at most `most` connections open."""
        super().__init__()
        self._most = most
        self._stages = {stage: OrderedDict[Connection, None]() for stage in Stage}
        self._warnings = Throttle(1, seconds=60)

    def add(self, connection: Connection) -> None:
        """Add a new connection; if there are too many, close one."""
        if sum(map(len, self._stages.values())) >= self._most:
            if self._warnings.allow() is not None:
                _logger.warning("all %d connections are in use: idle ones are closed", self._most)
            victim = next(self._dispensable(), connection)
            victim.abort()
            if victim is connection:
                return
        self._stages[connection.stage][connection] = None

    def _dispensable(self) -> Iterator[Connection]:
        """The connections that may be closed to make room, in this order."""
        order = [Stage.STRANGER, Stage.IDLE, Stage.BODY, Stage.UNREAD]
        if len(self._stages[Stage.STRANGER]) < _STRANGERS * self._most:
            # A new client is a stranger, too, until its first request has been received.
            order = [*order[1:], Stage.STRANGER]
        return (connection for stage in order for connection in self._stages[stage])

    def move(self, connection: Connection, stage: Stage) -> None:
        """Make a connection the newest of a stage."""
        if connection in self._stages[connection.stage]:
            self.remove(connection)
            self._stages[stage][connection] = None
        connection.stage = stage

    def remove(self, connection: Connection) -> None:
        """Remove a connection, if it is here."""
        self._stages[connection.stage].pop(connection, None)

    def check(self) -> None:
        """Close the connections whose time is up."""
        for connection in [connection for stage in self._stages.values() for connection in stage]:
            connection.check()


class Connection(H11Protocol):
    """A connection of HTTP/1.1 whose client can neither send too much nor take too long."""

    server_state: Connections

    def __init__(
        self,
        config: Config,
        server_state: Connections,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Prepare to serve the app of `config`; called by uvicorn."""
        super().__init__(config, server_state, {**app_state, _TRUST: WeakMethod(self.trust)}, _loop)
        self.stage = Stage.STRANGER
        self._trusted = False
        self._begun = False  # whether a part of the next request has been received
        self._due = 0.0  # time by which the client must have sent what is waited for
        self._unsent = 0  # bytes of answers at the last check
        self._sent_at = 0.0  # time at which they last became fewer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_UNSENT_BYTES)
        self._sent_at = self.loop.time()
        self._due = self._sent_at + HEAD_SECONDS
        self.server_state.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.server_state.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse a part of a request, or of several."""
        before = self.cycle
        for begin in range(0, len(data), _PIECE):
            if self.transport.is_closing():
                return
            # h11 limits what it holds of an incomplete head, chunk header or trailer ...
            super().data_received(data[begin : begin + _PIECE])
            # ... but not of requests that wait for the answer to the one before them.
            if self.flow.read_paused and len(self.conn.trailing_data[0]) > HEAD_BYTES:
                self.abort()
        now = self.loop.time()
        if self.cycle is not before:
            self._due = now + STALL_SECONDS
            if not self._trusted and not self.cycle.more_body:  # a stranger may send one request
                self.cycle.default_headers = [*self.cycle.default_headers, CLOSE_HEADER]
        elif self._receiving:
            self._due = min(self._due + len(data) / BODY_RATE, now + STALL_SECONDS)
        elif self._waiting and not self._begun:
            self._begun = True
            self._due = now + HEAD_SECONDS
        self._update_stage()

    def on_response_complete(self) -> None:
        """Serve the next request if it is here already, or begin to wait for it."""
        before, now = self.cycle, self.loop.time()
        super().on_response_complete()
        self._begun = False
        self._due = now + (IDLE_SECONDS if self.cycle is before else STALL_SECONDS)
        self._update_stage()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that h11 rejects, and close the connection."""
        status = 400
        if getattr(sys.exception(), "error_status_hint", None) == 431:
            status, msg = 431, f"The header of a request or of a chunk is larger than {HEAD_BYTES:,} bytes."
        headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(msg)))]
        start = h11.Response(status_code=status, headers=[*headers, ("connection", "close")])
        try:
            for event in (start, h11.Data(msg.encode()), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()
        except h11.LocalProtocolError:  # an answer has begun, or must have no body
            self.abort()
        if self.cycle is not None:  # the app may be about to answer
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def pause_writing(self) -> None:
        """Note that the client does not read its answer."""
        super().pause_writing()
        self._update_stage()

    def resume_writing(self) -> None:
        """Note that the client has read."""
        super().resume_writing()
        self._sent_at = self.loop.time()
        self._update_stage()

    def trust(self) -> None:
        """Note that the client has sent an authorised request."""
        self._trusted = True
        self.cycle.default_headers = self.server_state.default_headers
        self._update_stage()

    def check(self) -> None:
        """Close the connection if its time is up."""
        now, unsent = self.loop.time(), self.transport.get_write_buffer_size()
        if not unsent or unsent < self._unsent:
            self._sent_at = now
        self._unsent = unsent
        if self._receiving and self.flow.read_paused:  # the app has not taken what is here
            self._due = now + STALL_SECONDS
        late = now > self._due and (self._waiting or self._receiving)
        if late or now > self._sent_at + STALL_SECONDS:
            self.abort()

    def abort(self) -> None:
        """Close the connection at once."""
        self.server_state.remove(self)
        self.transport.abort()

    @property
    def _waiting(self) -> bool:
        """Whether no request is being served."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def _receiving(self) -> bool:
        """Whether a request is being served of which the body is incomplete."""
        return not self._waiting and self.cycle.more_body

    def _update_stage(self) -> None:
        if not self._trusted:
            stage = Stage.STRANGER
        elif self.flow.write_paused:
            stage = Stage.UNREAD
        elif self._waiting:
            stage = Stage.IDLE
        else:
            stage = Stage.BODY if self._receiving else Stage.ANSWER
        if stage != self.stage:
            self.server_state.move(self, stage)


def trust(scope: Scope) -> None:
    """Note that a request is authorised: its connection is kept in preference to those of others."""
    reference = scope.get("state", {}).get(_TRUST)
    if reference is not None and (note := reference()) is not None:
        note()


class Trusted:
    """Middleware that stands behind what checks the requests: all that reach it are authorised."""

    def __init__(self, app: ASGIApp) -> None:
        """Trust all requests to an app."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        trust(scope)
        await self._app(scope, receive, send)
