"""Bearer tokens of programs, and the token of a page, which its browser keeps as a cookie."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import Scope

from inkwise._util.errors import InkwiseError
from inkwise._util.inputs import MEGABYTE, read_input

_MAX_FILE_BYTES = MEGABYTE  # size of a token file
_COOKIE_MAX_AGE = 30 * 24 * 3600  # seconds that a browser keeps the cookie


@dataclass(frozen=True)
class Tokens:
    """Named bearer tokens.

    Attributes:
        digests: SHA-256 of each token by its name; digests are compared at the same length.
    """

    digests: dict[str, bytes]

    hint: ClassVar[str] = "send Authorization: Bearer TOKEN"
    """What a client without a valid token has to do."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file with one token, or a name and a token, per line; unnamed tokens are named "line 3".

        Raises:
            InkwiseError: The file cannot be read, has no token, or has a line that is neither.
        """
        try:
            lines = read_input(path, _MAX_FILE_BYTES).decode("utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise InkwiseError(f"{path}: expected UTF-8 text with one token per line") from None
        digests: dict[str, bytes] = {}
        for number, words in enumerate(map(str.split, lines), 1):
            if not words:
                continue
            name, token = words if len(words) == 2 else (f"line {number}", words[0])
            if len(words) > 2 or not (token.isascii() and token.isprintable()):
                raise InkwiseError(f"{path}, line {number}: expected an ASCII token, or a name and a token")
            if name in digests or _digest(token.encode()) in digests.values():
                raise InkwiseError(f"{path}, line {number}: duplicate name or token")
            digests[name] = _digest(token.encode())
        if not digests:
            raise InkwiseError(f"{path}: no token found")
        return cls(digests)

    def authenticate(self, headers: Headers) -> str | None:
        """Return the name of the token in the Authorization header, None if it has no valid token."""
        kind, _, token = headers.get("authorization", "").partition(" ")
        return self.find(token.strip()) if kind.lower() == "bearer" else None

    def sign_in(self, scope: Scope, headers: Headers) -> str | None:
        """Return the Set-Cookie header for a request with the token in its query; None if it has none."""
        return None

    def find(self, token: str) -> str | None:
        """Return the name of a token in constant time, None if it is unknown.

        Header values and queries are decoded as Latin-1, whatever encoding the client used.
        """
        given = [_digest(token.encode(encoding, "replace")) for encoding in ("utf-8", "latin-1")]
        found = [
            name
            for name, digest in self.digests.items()
            if sum(hmac.compare_digest(digest, each) for each in given)  # compares all
        ]
        return found[0] if found else None


class PageToken(Tokens):
    """One token that opens a page: the address `/?token=...` exchanges it for a cookie."""

    hint = "open the address that Inkwise printed"

    @classmethod
    def of(cls, token: str) -> Self:
        """Use this token, which may have any characters."""
        return cls({"page": _digest(token.encode())})

    def authenticate(self, headers: Headers) -> str | None:
        """Return a name if the request has the token in its Authorization header, or the cookie."""
        own, cookies = self._cookie(headers).encode(), ";".join(headers.getlist("cookie")).split(";")
        if any(hmac.compare_digest(cookie.strip().encode(), own) for cookie in cookies):
            return "page"
        return super().authenticate(headers)

    def sign_in(self, scope: Scope, headers: Headers) -> str | None:
        """Return the Set-Cookie header if the token is in the query of the page's address."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] != "/" or self.find(given) is None:
            return None
        return f"{self._cookie(headers)}; Path=/; Max-Age={_COOKIE_MAX_AGE}; HttpOnly; SameSite=Strict"

    def _cookie(self, headers: Headers) -> str:
        """Return name and value of the cookie; the value is the digest, as a token may have any characters.

        Browsers send a host's cookies to all of its ports, so the name has the port of the Host header, by
        which the browser knows this server; a container or a tunnel may map it to another one.
        """
        port = headers.get("host", "").rpartition(":")[2]
        return f"inkwise{f'-{port}' if port.isdecimal() else ''}={self.digests['page'].hex()}"


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
