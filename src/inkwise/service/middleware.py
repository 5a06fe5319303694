"""What stands before every route: who may ask, what is logged and counted, and that it all can end."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkwise.http.bodies import json_response
from inkwise.http.connections import trust
from inkwise.http.origin import OriginPolicy
from inkwise.http.throttle import Throttle
from inkwise.service.prometheus import Metrics
from inkwise.service.tokens import Tokens

HEALTH_PATH = "/healthz"
SHUTTING_DOWN = "stopping: ask another"

_DROPPED = 10  # requests without a valid token, or an answer, that are logged in a second
_CLIENT_CLOSED = 499  # what a log says of a client that did not wait for its answer
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]

_logger = logging.getLogger("inkwise.service")


@dataclass
class AccessLogEntry:
    """A line of the log, filled in as the request is served.

    Attributes:
        id: the client's X-Request-ID, or one that is made up.
        token: the name of the token.
        bytes: of the body.
        digits: how many were read.
    """

    id: str
    token: str | None = None
    bytes: int = 0
    digits: int = 0


@dataclass
class InFlight:
    """What is under way in this process.

    Attributes:
        running: requests that were let in and are not answered yet.
        stopping: whether new ones are refused.
    """

    running: int = 0
    stopping: bool = False

    async def stop(self, seconds: float) -> None:
        """Refuse what is new, and wait so long for the rest to be answered."""
        self.stopping = True
        until = time.monotonic() + seconds
        while self.running and time.monotonic() < until:
            await asyncio.sleep(0.01)


class ServiceMiddleware:
    """Lets in who may ask; numbers, counts and logs each request; answers what nobody foresaw, too."""

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        tokens: Tokens | None,
        metrics: Metrics,
        traffic: InFlight,
        paths: Collection[str],
    ) -> None:
        """Guard an app.

        Args:
            app: what answers the requests that are let in.
            host: the name or address that the server is bound to.
            tokens: what to demand; None demands nothing, and refuses what pages of other sites send.
            metrics: counts the requests.
            traffic: is kept up to date, and says when to refuse.
            paths: those that there are; all others are counted as one.
        """
        self._app = app
        # Where a token is demanded a foreign page has none, and a proxy may give the server any name.
        self._origin = OriginPolicy(host) if tokens is None else None
        self._tokens = tokens
        self._metrics = metrics
        self._in_flight = traffic
        self._paths = paths
        self._dropped = Throttle(_DROPPED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, authorised = time.perf_counter(), False
        headers = Headers(scope=scope)
        entry = AccessLogEntry(_request_id(headers))
        scope.setdefault("state", {})["entry"] = entry
        status = 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                named = (b"x-request-id", entry.id.encode())
                message["headers"] = [*message["headers"], *_HEADERS, named]
                if self._in_flight.stopping:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        async def refuse(status: int, error: str) -> None:
            headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
            await json_response({"error": error}, status, headers)(scope, receive, send_named)

        self._in_flight.running += 1
        try:
            refusal = self._refusal(scope, headers, entry)
            authorised = entry.token is not None or (self._tokens is None and refusal is None)
            if authorised:
                trust(scope)
            if refusal:
                await refuse(*refusal)
            else:
                await self._app(scope, receive, send_named)
        except ClientDisconnect:
            status = _CLIENT_CLOSED
        except Exception:
            _logger.exception("request %s failed", entry.id)
            if not status:  # else the answer breaks off, and the client sees that it does
                await refuse(500, "something went wrong here; the log of inkwise serve says where")
        finally:
            self._in_flight.running -= 1
            seconds = time.perf_counter() - began
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._metrics.request(path, status or _CLIENT_CLOSED, seconds, entry.digits)
            # Of these a client can send any number.
            dropped = not authorised or status in (0, _CLIENT_CLOSED)
            if (omitted := self._dropped.allow() if dropped else 0) is not None:
                values = {
                    "id": entry.id,
                    "method": scope["method"][:10],
                    "path": scope["path"][:80],
                    "status": status or _CLIENT_CLOSED,
                    "ms": round(1000 * seconds, 2),
                    "bytes": entry.bytes,
                    "digits": entry.digits,
                    "token": entry.token,
                }
                if omitted:
                    values["omitted"] = omitted
                _logger.info("request", extra={"values": values})

    def _refusal(self, scope: Scope, headers: Headers, entry: AccessLogEntry) -> tuple[int, str] | None:
        """Status and reason for not letting a request in."""
        if self._origin is not None and (reason := self._origin.foreign_reason(scope, headers)):
            return 403, reason
        if scope["path"] == HEALTH_PATH:
            return None
        if self._tokens is not None:
            entry.token = self._tokens.name(headers.get("authorization", ""))
            if entry.token is None:
                return 401, "the token is missing or wrong: send Authorization: Bearer TOKEN"
        return (503, SHUTTING_DOWN) if self._in_flight.stopping else None


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given) else uuid.uuid4().hex
