"""What stands before every route: who may ask, how much may be sent, and what every answer carries."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import Iterable
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkwise.app.limits import BODY_BYTES, BODY_BYTES_AT
from inkwise.http.bodies import PayloadTooLargeError
from inkwise.http.origin import OriginPolicy

_HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'; object-src 'none';"
        b" base-uri 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_API_HEADERS = [*_HEADERS, (b"cache-control", b"no-store")]
_PAGE_HEADERS = [*_HEADERS, (b"cache-control", b"no-cache")]  # kept, but asked for again by its ETag

_COOKIE_MAX_AGE = 30 * 24 * 3600  # seconds that a browser keeps the token

_NO_TOKEN = "the token is missing or wrong: open the address that inkwise app printed"

_logger = logging.getLogger("inkwise.app")


class SecurityMiddleware:
    """Refuses foreign hosts and sites, strangers and large bodies; answers what nobody foresaw, too."""

    def __init__(self, app: ASGIApp, host: str, token: str | None) -> None:
        """Guard an app.

        Args:
            app: what answers the requests that are let through.
            host: the name or address that the server is bound to.
            token: what to demand of everybody, None for nothing.
        """
        self._app = app
        self._origin = OriginPolicy(host)
        self._token = None if token is None else token.encode()
        # Not the token itself, which may hold what no cookie can.
        self._cookie = hashlib.sha256(self._token or b"").hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        api = scope["path"].startswith("/api/")
        extra = _API_HEADERS if api else _PAGE_HEADERS
        limit = BODY_BYTES_AT.get(scope["path"], BODY_BYTES)
        received = 0
        started = False

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large_error(limit)
            return message

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        async def refuse(status: int, error: str) -> None:
            if started:
                return  # the answer breaks off, and the client sees that it does
            body = json.dumps({"error": error}).encode() if api else f"{error}\n".encode()
            kind = b"application/json" if api else b"text/plain; charset=utf-8"
            headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
            if status == 401:
                headers.append((b"www-authenticate", b"Bearer"))
            await send_guarded({"type": "http.response.start", "status": status, "headers": headers})
            await send_guarded({"type": "http.response.body", "body": body})

        headers = Headers(scope=scope)
        # The page itself may be linked to; what lies behind it is for the page alone.
        if reason := self._origin.foreign_reason(scope, headers, linked=not api):
            return await refuse(403, reason)
        if self._token is not None and not self._knows(headers):
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if scope["path"] != "/" or not self._same(given):
                return await refuse(401, _NO_TOKEN)
            cookie = f"{_cookie_name(headers)}={self._cookie}"
            attributes = f"Path=/; Max-Age={_COOKIE_MAX_AGE}; HttpOnly; SameSite=Strict"
            extra = [*extra, (b"set-cookie", f"{cookie}; {attributes}".encode())]
        try:
            # Nothing of a body is read that says itself that it is too large.
            if int(headers.get("content-length", "0")) > limit:
                raise _too_large_error(limit)
            await self._app(scope, receive_limited, send_guarded)
        except PayloadTooLargeError as error:
            await refuse(413, str(error))
        except ClientDisconnect:
            pass  # nobody waits for an answer
        except Exception:
            _logger.exception("%s %s failed", scope["method"], scope["path"])
            await refuse(500, "something went wrong here; the log of inkwise app says what")

    def _knows(self, headers: Headers) -> bool:
        """Whether the token, or the cookie that was given for it, came with the request."""
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._same(given.strip()):
            return True
        ours = _cookie_name(headers)
        return any(
            secrets.compare_digest(value.encode(), self._cookie.encode())
            for name, value in _cookies(headers.getlist("cookie"))
            if name == ours
        )

    def _same(self, given: str) -> bool:
        assert self._token is not None
        # Headers and queries are text of Latin-1 here, whatever the bytes meant.
        return any(
            secrets.compare_digest(given.encode(encoding, "replace"), self._token)
            for encoding in ("utf-8", "latin-1")
        )


def _too_large_error(limit: int) -> PayloadTooLargeError:
    return PayloadTooLargeError(f"too large: at most {limit // 2**20} MB can be sent here")


def _cookie_name(headers: Headers) -> str:
    """The cookie's name, with the port by which the browser knows this server.

    Browsers send a host's cookies to all of its ports, so two servers that used one name would overwrite each
    other's cookie. The Host header has the browser's port; a container or a tunnel may map it to another one.
    """
    port = headers.get("host", "").rpartition(":")[2]
    return f"inkwise-{port}" if port.isdecimal() else "inkwise"


def _cookies(headers: Iterable[str]) -> Iterable[tuple[str, str]]:
    for part in ";".join(headers).split(";"):
        name, _, value = part.strip().partition("=")
        yield name, value
