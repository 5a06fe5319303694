"""Who may ask: a file of tokens, one a line."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from inkwise._util.errors import InkwiseError
from inkwise._util.inputs import MEGABYTE, read_input

_LARGEST = MEGABYTE  # of a file of tokens, in bytes


@dataclass(frozen=True)
class Tokens:
    """Tokens by name.

    Attributes:
        digests: the SHA-256 of each token, so that all are compared at the same length.
    """

    digests: dict[str, bytes]

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a file with a token a line, or a name and a token; without a name it is "line 3".

        Raises:
            InkwiseError: it cannot be read, holds no token, or a line is neither.
        """
        try:
            lines = read_input(path, _LARGEST).decode("utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise InkwiseError(f"{path}: is not text (UTF-8) with one token a line") from None
        digests: dict[str, bytes] = {}
        before: set[bytes] = set()
        for number, words in enumerate(map(str.split, lines), 1):
            if not words:
                continue
            name, token = words if len(words) == 2 else (f"line {number}", words[0])
            if len(words) > 2 or not (token.isascii() and token.isprintable()):
                raise InkwiseError(f"{path}, line {number}: is no token of ASCII, nor a name and a token")
            if name in digests or _digest(token) in before:
                raise InkwiseError(f"{path}, line {number}: this name or token was there before")
            digests[name] = _digest(token)
            before.add(digests[name])
        if not digests:
            raise InkwiseError(f"{path}: holds no token")
        return cls(digests)

    def name(self, authorization: str) -> str | None:
        """The name of the token in an Authorization header, None where it is none of these.

        How long it takes tells nothing about the tokens.
        """
        kind, _, given = authorization.partition(" ")
        digest = _digest(given.strip())
        found = [name for name, each in self.digests.items() if hmac.compare_digest(each, digest)]
        return found[0] if found and kind.lower() == "bearer" else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
