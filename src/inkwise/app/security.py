"""What stands before every route: who may ask, how much may be sent, and what every answer carries."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import socket
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkwise.app.limits import BODY_BYTES, BODY_BYTES_AT, TooLargeError

COOKIE = "inkwise"

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

_REMEMBER = 30 * 24 * 3600  # seconds that a browser keeps the token

_NO_TOKEN = "the token is missing or wrong: open the address that inkwise app printed"

_logger = logging.getLogger("inkwise.app")


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach a server that is bound to this name or address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Refuses foreign hosts and sites, strangers and large bodies; answers what nobody foresaw, too.

    A page elsewhere must neither reach this server under a name of its own (its Host is foreign) nor send it
    anything from a browser that may (its Origin or Sec-Fetch-Site is).
    """

    def __init__(self, app: ASGIApp, host: str, token: str | None) -> None:
        """Guard an app.

        Args:
            app: what answers the requests that are let through.
            host: the name or address that the server is bound to.
            token: what to demand of everybody, None for nothing.
        """
        self._app = app
        self._loopback = is_loopback(host)
        machine = socket.gethostname().lower()
        self._names = {"localhost", host.lower(), machine, f"{machine}.local"}
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
                raise _too_large(limit)
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
        if reason := self._foreign(scope, headers, api):
            return await refuse(403, reason)
        if self._token is not None and not self._knows(headers):
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if scope["path"] != "/" or not self._same(given):
                return await refuse(401, _NO_TOKEN)
            cookie = f"{COOKIE}={self._cookie}; Path=/; Max-Age={_REMEMBER}; HttpOnly; SameSite=Strict"
            extra = [*extra, (b"set-cookie", cookie.encode())]
        try:
            # Nothing of a body is read that says itself that it is too large.
            if int(headers.get("content-length", "0")) > limit:
                raise _too_large(limit)
            await self._app(scope, receive_limited, send_guarded)
        except TooLargeError as error:
            await refuse(413, str(error))
        except ClientDisconnect:
            pass  # nobody waits for an answer
        except Exception:
            _logger.exception("%s %s failed", scope["method"], scope["path"])
            await refuse(500, "something went wrong here; the log of inkwise app says what")

    def _foreign(self, scope: Scope, headers: Headers, api: bool) -> str | None:
        """Why the request seems to come from elsewhere, None where it does not."""
        host = headers.get("host", "")
        if not self._is_ours(host, scope):
            return f"{host[:80]!r} is not a name of this server"
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            return "requests from other sites are refused"
        # The page itself may be linked to; what lies behind it is for the page alone.
        if api and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return "requests from other sites are refused"
        return None

    def _is_ours(self, host: str, scope: Scope) -> bool:
        name, port = _split(host)
        if self._loopback:
            return is_loopback(name) and port in ("", str(scope["server"][1]))
        return name in self._names or _is_address(name)

    def _knows(self, headers: Headers) -> bool:
        """Whether the token, or the cookie that was given for it, came with the request."""
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._same(given.strip()):
            return True
        return any(
            secrets.compare_digest(value.encode(), self._cookie.encode())
            for name, value in _cookies(headers.getlist("cookie"))
            if name == COOKIE
        )

    def _same(self, given: str) -> bool:
        assert self._token is not None
        # Headers and queries are text of Latin-1 here, whatever the bytes meant.
        return any(
            secrets.compare_digest(given.encode(encoding, "replace"), self._token)
            for encoding in ("utf-8", "latin-1")
        )


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"too large: at most {limit // 2**20} MB can be sent here")


def _split(host: str) -> tuple[str, str]:
    """The name and the port of a Host header."""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
    else:
        name, _, port = host.partition(":")
    return name.lower().removesuffix("."), port.removeprefix(":")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _cookies(headers: Iterable[str]) -> Iterable[tuple[str, str]]:
    for part in ";".join(headers).split(";"):
        name, _, value = part.strip().partition("=")
        yield name, value
