"""Host names of a server, and the check that a request was not sent by a page of another site."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from inkwise._util.errors import InkwiseError

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class OriginPolicy:
    """Rejects DNS rebinding by the Host header, and cross-site requests by Origin and Sec-Fetch-Site."""

    def __init__(self, host: str, origins: frozenset[str] = frozenset()) -> None:
        """Accept the names of a server that is bound to `host`, and requests by pages of `origins`."""
        self._origins = origins
        self._loopback = is_loopback(host)
        machine = socket.gethostname().lower()
        self._names = {"localhost", host.lower(), machine, f"{machine}.local"}

    def violation(self, scope: Scope, headers: Headers, *, linked: bool = False) -> str | None:
        """Return why a request is rejected, or None; other sites may link to the path if it is `linked`."""
        host = headers.get("host", "")
        if not self._is_own_name(host, scope):
            return f"{host[:80]!r} is not a name of this server"
        origin = headers.get("origin")
        if origin in self._origins:
            return None
        cross_site = not linked and headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
        if cross_site or (origin is not None and origin.partition("://")[2].lower() != host.lower()):
            return "requests from other sites are rejected"
        return None

    def _is_own_name(self, host: str, scope: Scope) -> bool:
        if host.startswith("["):
            name, _, port = host[1:].partition("]")
        else:
            name, _, port = host.partition(":")
        name, port = name.lower().removesuffix("."), port.removeprefix(":")
        if self._loopback:
            return is_loopback(name) and port in ("", str(scope["server"][1]))
        return name in self._names or _is_address(name)


def parse_origin(text: str) -> str:
    """Return an origin as browsers send it, without the default port of its scheme.

    Raises:
        InkwiseError: It is not http(s)://host or http(s)://host:port.
    """
    try:
        parts = urlsplit(text)
        port = "" if parts.port is None else f":{parts.port}"
        origin = f"{parts.scheme}://{parts.hostname}{port}"
    except ValueError:
        origin = ""
    if origin != text.lower() or not origin.startswith(("http://", "https://")):
        raise InkwiseError(f"{text!r} is no origin: expected http://HOST or https://HOST, without a path")
    return origin.removesuffix(_DEFAULT_PORTS[parts.scheme])


def is_loopback(host: str) -> bool:
    """Return whether only programs on this machine can reach a server that is bound to `host`."""
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
