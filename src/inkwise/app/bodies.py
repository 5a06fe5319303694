"""Requests and answers: bytes that a client sent become checked values, and values become JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from inkwise.app.limits import POINTS, STROKES, TooLargeError
from inkwise.corrections.sample import checked_text
from inkwise.errors import InkwiseError, StoreError


class RefusedError(Exception):
    """A request that is answered with this status and this one line."""

    def __init__(self, status: int, error: str) -> None:
        """Refuse with a 4xx status."""
        super().__init__(error)
        self.status = status


@contextmanager
def refused(status: int) -> Iterator[None]:
    """Answer with this status what the store refuses; where the database fails, that is another matter."""
    try:
        yield
    except StoreError as error:
        if isinstance(error.__cause__, SQLAlchemyError):
            raise
        raise RefusedError(status, str(error)) from None


def answer(content: Any, status: int = 200) -> Response:
    """JSON, made without FastAPI's walk through every value."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return Response(text, status, media_type="application/json")


async def _json_bytes(request: Request) -> bytes:
    # A form on another site cannot send this type.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RefusedError(415, "the body must be application/json")
    return await request.body()


JsonBytes = Annotated[bytes, Depends(_json_bytes)]
"""The body of a request, said to be JSON; `fields` looks whether it is, in the thread that answers."""


def fields(body: bytes) -> dict[str, Any]:
    """The values of a JSON object.

    Raises:
        InkwiseError: it is none.
    """
    try:
        plain = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise InkwiseError("the body is not JSON in UTF-8") from None
    if not isinstance(plain, dict):
        raise InkwiseError("the body is not a JSON object")
    return plain


def writer_of(plain: dict[str, Any]) -> str:
    """The name of the writer, 1 to 64 characters.

    Raises:
        InkwiseError: there is none.
    """
    return checked_text("writer", plain.get("writer"))


def strokes_of(value: object) -> list[Any]:
    """A list of strokes that is no longer than allowed; what the strokes hold is looked at where it is drawn.

    Raises:
        InkwiseError: it is no list of lists.
        TooLargeError: it has too many strokes or points.
    """
    if not isinstance(value, list):
        raise InkwiseError("strokes is not a list of strokes")
    if not all(isinstance(stroke, list) for stroke in value):
        raise InkwiseError("strokes holds what is not a list of points")
    if len(value) > STROKES:
        raise TooLargeError(f"{len(value):,} strokes; at most {STROKES:,} are taken at once")
    points = sum(map(len, value))
    if points > POINTS:
        raise TooLargeError(f"{points:,} points; at most {POINTS:,} are taken at once")
    return value
