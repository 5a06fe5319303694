"""Which requests come from elsewhere: by a foreign name of the server, or from a page of another site."""

from __future__ import annotations

import socket

from starlette.datastructures import Headers
from starlette.types import Scope

from inkwise.http.sockets import is_address, is_loopback


class OriginPolicy:
    """What a server that is bound to some name or address takes for its own.

    A page elsewhere must neither reach this server under a name of its own (its Host is foreign) nor send it
    anything from a browser that may (its Origin or Sec-Fetch-Site is).
    """

    def __init__(self, host: str) -> None:
        """Of a server that is bound to `host`."""
        self._loopback = is_loopback(host)
        machine = socket.gethostname().lower()
        self._names = {"localhost", host.lower(), machine, f"{machine}.local"}

    def foreign_reason(self, scope: Scope, headers: Headers, *, linked: bool = False) -> str | None:
        """Why the request seems to come from elsewhere, None where it does not.

        Args:
            scope: of the request.
            headers: of the request.
            linked: other sites may link to it.
        """
        host = headers.get("host", "")
        if not self._is_ours(host, scope):
            return f"{host[:80]!r} is not a name of this server"
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            return "requests from other sites are refused"
        if not linked and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return "requests from other sites are refused"
        return None

    def _is_ours(self, host: str, scope: Scope) -> bool:
        name, port = _split_host(host)
        if self._loopback:
            return is_loopback(name) and port in ("", str(scope["server"][1]))
        return name in self._names or is_address(name)


def _split_host(host: str) -> tuple[str, str]:
    """The name and the port of a Host header."""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
    else:
        name, _, port = host.partition(":")
    return name.lower().removesuffix("."), port.removeprefix(":")
