"""What the app's routes share: bodies of JSON, writers, and what the store refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy.exc import SQLAlchemyError

from inkwise._util.errors import StoreError
from inkwise.corrections.sample import checked_text
from inkwise.http.bodies import RefusedError, check_json


@contextmanager
def refused(status: int) -> Iterator[None]:
    """Answer with this status what the store refuses; where the database fails, that is another matter."""
    try:
        yield
    except StoreError as error:
        if isinstance(error.__cause__, SQLAlchemyError):
            raise
        raise RefusedError(status, str(error)) from None


async def _json_bytes(request: Request) -> bytes:
    check_json(request)
    return await request.body()


JsonBytes = Annotated[bytes, Depends(_json_bytes)]
"""The body of a request, said to be JSON; `fields` looks whether it is, in the thread that answers."""


def writer_of(plain: dict[str, Any]) -> str:
    """The name of the writer, 1 to 64 characters.

    Raises:
        InkwiseError: there is none.
    """
    return checked_text("writer", plain.get("writer"))
