"""Where a server listens."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from ipaddress import ip_address

from inkwise._util.errors import InkwiseError

BACKLOG = 4096
"""Maximum number of connections that wait to be accepted: Linux has no more by default."""

_RECEIVED = 2**18  # size of what the kernel holds of a connection that is not read, in bytes


def listen(host: str, ports: Sequence[int]) -> socket.socket:
    """A socket that listens on the first of these ports that is free.

    asyncio can tell it to be one of TCP: only then it sends without delay.

    Raises:
        InkwiseError: none can be bound.
    """
    for port in ports:
        bound = None
        try:
            *kind, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
            )[0]
            bound = socket.socket(*kind)
            if os.name == "posix":  # elsewhere this would share the port with another program
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED)  # also of what is accepted
            bound.bind(address)
            bound.listen(BACKLOG)
            return bound
        except OSError as error:
            if bound is not None:
                bound.close()
            reason = error.strerror
    asked = f"{ports[0]} to {ports[-1]}" if len(ports) > 1 else ports[0]
    raise InkwiseError(f"{host}:{asked}: cannot be used ({reason})")


def http_address(host: str, port: int) -> str:
    """The address of a server, as a client writes it."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def is_address(name: str) -> bool:
    """Whether it is an IP address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach a server that is bound to this name or address."""
    return host == "localhost" or (is_address(host) and ip_address(host).is_loopback)
