"""What the app's routes share: bodies of JSON, writers, and what the store refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy.exc import SQLAlchemyError

from inkwise._util.errors import StoreError
from inkwise.corrections.sample import validate_field
from inkwise.http.bodies import RequestError, require_json


@contextmanager
def store_errors_as(status: int) -> Iterator[None]:
    """Answer with this status what the store refuses; where the database fails, that is another matter."""
    try:
        yield
    except StoreError as error:
        if isinstance(error.__cause__, SQLAlchemyError):
            raise
        raise RequestError(status, str(error)) from None


async def _json_body(request: Request) -> bytes:
    require_json(request)
    return await request.body()


JsonBody = Annotated[bytes, Depends(_json_body)]
"""The body of a request, said to be JSON; `fields` looks whether it is, in the thread that answers."""


def parse_writer(plain: dict[str, Any]) -> str:
    """The name of the writer, 1 to 64 characters.

    Raises:
        InkwiseError: there is none.
    """
    return validate_field("writer", plain.get("writer"))
