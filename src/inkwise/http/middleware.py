"""The ASGI middleware of the app and the service: origin, token, body size, headers, errors, request log."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkwise.http.bodies import PayloadTooLargeError, json_response
from inkwise.http.connections import trust
from inkwise.http.origin import OriginPolicy
from inkwise.http.tokens import Tokens

SHUTTING_DOWN = "the server is shutting down"

CLIENT_CLOSED = 499
"""Logged status of a request whose client did not wait for the response."""

_logger = logging.getLogger("inkwise.http")


@dataclass(frozen=True)
class SecuritySettings:
    """What the middleware demands of requests and adds to responses.

    Attributes:
        host: Name or address that the server is bound to.
        tokens: Accepted tokens; None accepts every client of this machine.
        headers: Added to each response.
        body_limit: Maximum body size in bytes at a path.
        api_prefix: Paths below it respond with JSON, are not cached and cannot be linked to by other sites.
        public_path: Path that needs no token.
        check_origin: Whether to reject foreign host names and sites.
        origins: Sites that are not rejected.
        command: Command whose log has the details of a failure.
    """

    host: str
    tokens: Tokens | None
    headers: dict[str, str]
    body_limit: Callable[[str], int]
    api_prefix: str = ""
    public_path: str | None = None
    check_origin: bool = True
    origins: frozenset[str] = frozenset()
    command: str = "inkwise app"


@dataclass
class InFlight:
    """Requests under way in this process.

    Attributes:
        drain_seconds: How long a shutdown waits for their responses before connections are closed.
        running: Number of requests without a complete response.
        stopping: Whether new requests are rejected.
    """

    drain_seconds: float = 0.0
    running: int = 0
    stopping: bool = False

    async def drain(self) -> None:
        """Reject new requests, and wait for the responses of the others."""
        self.stopping = True
        until = time.monotonic() + self.drain_seconds
        while self.running and time.monotonic() < until:
            await asyncio.sleep(0.01)


@dataclass
class RequestRecord:
    """What is logged of a request; `scope["state"]["record"]` while it is served.

    Attributes:
        id: X-Request-ID of the client, or a random one.
        token: Name of the token.
        bytes: Received bytes of the body.
        digits: Number of digits read, set by the route.
        status: Status of the response; 0 before it begins.
        authorized: Whether the client may use the server; others can send any number of requests.
    """

    id: str
    method: str
    path: str
    token: str | None = None
    bytes: int = 0
    digits: int = 0
    status: int = 0
    authorized: bool = False
    began: float = field(default_factory=time.perf_counter)


class SecurityMiddleware:
    """Passes authorized requests to an app; turns unexpected exceptions into a response with status 500."""

    def __init__(
        self,
        app: ASGIApp,
        settings: SecuritySettings,
        in_flight: InFlight,
        log: Callable[[RequestRecord], None] | None = None,
    ) -> None:
        """Wrap an app; `log` is called after each request, whose response then has an X-Request-ID."""
        self._app, self._settings, self._in_flight, self._log = app, settings, in_flight, log
        self._origin = OriginPolicy(settings.host, settings.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers, limit = Headers(scope=scope), self._settings.body_limit(scope["path"])
        record = RequestRecord(_request_id(headers), scope["method"][:10], scope["path"])
        scope.setdefault("state", {})["record"] = record
        api = scope["path"].startswith(self._settings.api_prefix)
        # Pages are cached, but requested again by their ETag.
        added = {**self._settings.headers, "cache-control": "no-store" if api else "no-cache"}
        if self._log:
            added["x-request-id"] = record.id

        async def receive_limited() -> Message:
            message = await receive()
            record.bytes += len(message.get("body", b""))
            if record.bytes > limit:
                raise _too_large(limit)
            return message

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                if self._in_flight.stopping:
                    added["connection"] = "close"
                own = Headers(raw=message["headers"])
                extra = [(name.encode(), text.encode()) for name, text in added.items() if name not in own]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        async def reject(status: int, error: str) -> None:
            if record.status:
                return  # the response breaks off, which the client notices
            more = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
            response: Response = (
                json_response({"error": error}, status, more)
                if api
                else PlainTextResponse(f"{error}\n", status, more)
            )
            await response(scope, receive, send_with_headers)

        self._in_flight.running += 1
        try:
            rejection = self._authorize(scope, headers, record, added)
            if record.authorized:
                trust(scope)
            if rejection:
                await reject(*rejection)
            elif int(headers.get("content-length", "0")) > limit:  # nothing of the body is read
                raise _too_large(limit)
            else:
                await self._app(scope, receive_limited, send_with_headers)
        except PayloadTooLargeError as error:
            await reject(error.status, str(error))
        except ClientDisconnect:
            record.status = CLIENT_CLOSED
        except Exception:
            _logger.exception("request %s failed: %s %r", record.id, record.method, record.path[:80])
            await reject(500, f"internal error; see the log of {self._settings.command}")
        finally:
            self._in_flight.running -= 1
            if self._log:
                self._log(record)

    def _authorize(
        self, scope: Scope, headers: Headers, record: RequestRecord, added: dict[str, str]
    ) -> tuple[int, str] | None:
        """Return status and reason of a rejection; may add a cookie to the response headers."""
        settings = self._settings
        linked = not scope["path"].startswith(settings.api_prefix)
        if settings.check_origin and (reason := self._origin.violation(scope, headers, linked=linked)):
            return 403, reason
        if scope["path"] == settings.public_path:
            record.authorized = settings.tokens is None
            return None
        if settings.tokens is not None:
            record.token = settings.tokens.authenticate(headers)
            if record.token is None:
                cookie = settings.tokens.sign_in(scope, headers)
                if cookie is None:
                    return 401, f"the token is missing or wrong: {settings.tokens.hint}"
                added["set-cookie"] = cookie
        stopping = self._in_flight.stopping
        record.authorized = settings.tokens is not None or not stopping
        return (503, SHUTTING_DOWN) if stopping else None


def _too_large(limit: int) -> PayloadTooLargeError:
    return PayloadTooLargeError(f"the body is too large: at most {limit:,} bytes are accepted")


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given) else uuid.uuid4().hex
