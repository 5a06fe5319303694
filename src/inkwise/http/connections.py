"""HTTP connections with limits on size, number and time that apply before a token is checked."""

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
from starlette.types import Scope
from uvicorn import Config
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from inkwise.http.throttle import Throttle

HEAD_BYTES = 32 * 2**10
"""Maximum size of a request line with its headers, in bytes."""

HEAD_SECONDS = 10.0
"""Maximum seconds from the connection, or the first byte of a later request, to the end of the headers."""

STALL_SECONDS = 30.0
"""Maximum seconds without progress while a body is received or a response is sent."""

BODY_RATE = 10_000
"""Minimum average rate at which a body is received, in bytes per second."""

IDLE_SECONDS = 75
"""Maximum seconds between two requests; many proxies keep an idle connection for 60 s."""

_CHUNK = HEAD_BYTES // 2  # bytes parsed at once; a header that ends in them may exceed the limit

_UNSENT_BYTES = 16 * 2**10  # unsent bytes of a response above which sending waits for the client

_STRANGER_SHARE = 0.5  # share of the connections that strangers may keep

_TRUST = "inkwise.trust"  # key in scope["state"]

_logger = logging.getLogger("inkwise.http")


class Stage(enum.Enum):
    """What a connection waits for."""

    STRANGER = 0  # anything; no authorized request has been received on it
    IDLE = 1  # the next request
    BODY = 2  # the rest of a request body
    UNREAD = 3  # the client, which does not read its response
    RESPONSE = 4  # the response of the app


class Connections(ServerState):
    """The open connections of a process."""

    def __init__(self, most: int) -> None:
        """Keep at most `most` connections open."""
        super().__init__()
        self._most = most
        self._stages = {stage: OrderedDict[Connection, None]() for stage in Stage}
        self._warnings = Throttle(1, seconds=60)

    def add(self, connection: Connection) -> None:
        """Add a new connection; if there are too many, close one to make room."""
        if sum(map(len, self._stages.values())) >= self._most:
            if self._warnings.allow() is not None:
                _logger.warning("all %d connections are in use: idle ones are closed", self._most)
            victim = next(self._candidates(), connection)
            victim.abort()
            if victim is connection:
                return
        self._stages[connection.stage][connection] = None

    def _candidates(self) -> Iterator[Connection]:
        """Return the connections that may be closed, in this order."""
        order = [Stage.STRANGER, Stage.IDLE, Stage.BODY, Stage.UNREAD]
        if len(self._stages[Stage.STRANGER]) < _STRANGER_SHARE * self._most:
            # A new client is also a stranger until its first request has been received.
            order = [*order[1:], Stage.STRANGER]
        return (connection for stage in order for connection in self._stages[stage])

    def move(self, connection: Connection, stage: Stage) -> None:
        """Make a connection the newest of a stage."""
        if connection in self._stages[connection.stage]:
            self.remove(connection)
            self._stages[stage][connection] = None
        connection.stage = stage

    def remove(self, connection: Connection) -> None:
        """Remove a connection if it is present."""
        self._stages[connection.stage].pop(connection, None)

    def check(self) -> None:
        """Close the connections that exceed a time limit."""
        for connection in [connection for stage in self._stages.values() for connection in stage]:
            connection.check()


class Connection(H11Protocol):
    """An HTTP/1.1 connection with limits on what a client sends and on how long it takes."""

    server_state: Connections

    def __init__(
        self,
        config: Config,
        server_state: Connections,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Create a connection for the app of `config`; called by uvicorn."""
        super().__init__(config, server_state, {**app_state, _TRUST: WeakMethod(self.trust)}, _loop)
        self.stage = Stage.STRANGER
        self._trusted = False
        self._begun = False  # whether part of the next request has been received
        self._due = 0.0  # time by which the client must send the rest
        self._unsent = 0  # unsent bytes at the last check
        self._sent_at = 0.0  # time of the last progress in sending

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_UNSENT_BYTES)
        self._sent_at = self.loop.time()
        self._due = self._sent_at + HEAD_SECONDS
        self.server_state.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection."""
        self.server_state.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse part of a request, or of several."""
        before = self.cycle
        for begin in range(0, len(data), _CHUNK):
            if self.transport.is_closing():
                return
            # h11 limits the size of an incomplete head, chunk header or trailer ...
            super().data_received(data[begin : begin + _CHUNK])
            # ... but not of pipelined requests that wait for the response to the one before.
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
        """Serve the next request if it has been received, or begin to wait for it."""
        before, now = self.cycle, self.loop.time()
        super().on_response_complete()
        self._begun = False
        self._due = now + (IDLE_SECONDS if self.cycle is before else STALL_SECONDS)
        self._update_stage()

    def send_400_response(self, msg: str) -> None:
        """Respond to a request that h11 rejects, and close the connection."""
        status = 400
        if getattr(sys.exception(), "error_status_hint", None) == 431:
            status, msg = 431, f"The header of a request or of a chunk is larger than {HEAD_BYTES:,} bytes."
        headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(msg)))]
        start = h11.Response(status_code=status, headers=[*headers, ("connection", "close")])
        try:
            for event in (start, h11.Data(msg.encode()), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()
        except h11.LocalProtocolError:  # a response has begun, or must have no body
            self.abort()
        if self.cycle is not None:  # the app may be about to respond
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def pause_writing(self) -> None:
        """Note that the client does not read its response."""
        super().pause_writing()
        self._update_stage()

    def resume_writing(self) -> None:
        """Note that the client has read its response."""
        super().resume_writing()
        self._sent_at = self.loop.time()
        self._update_stage()

    def trust(self) -> None:
        """Note that the client has sent an authorized request."""
        self._trusted = True
        self.cycle.default_headers = self.server_state.default_headers
        self._update_stage()

    def check(self) -> None:
        """Close the connection if it exceeds a time limit."""
        now, unsent = self.loop.time(), self.transport.get_write_buffer_size()
        if not unsent or unsent < self._unsent:
            self._sent_at = now
        self._unsent = unsent
        if self._receiving and self.flow.read_paused:  # the app has not read the received part
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
        """Whether a request with an incomplete body is being served."""
        return not self._waiting and self.cycle.more_body

    def _update_stage(self) -> None:
        if not self._trusted:
            stage = Stage.STRANGER
        elif self.flow.write_paused:
            stage = Stage.UNREAD
        elif self._waiting:
            stage = Stage.IDLE
        else:
            stage = Stage.BODY if self._receiving else Stage.RESPONSE
        if stage != self.stage:
            self.server_state.move(self, stage)


def trust(scope: Scope) -> None:
    """Mark a request as authorized: its connection is kept in preference to others."""
    reference = scope.get("state", {}).get(_TRUST)
    if reference is not None and (note := reference()) is not None:
        note()
