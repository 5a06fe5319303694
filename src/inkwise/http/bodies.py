"""Requests and answers: bytes that a client sent become checked values, and values become JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from inkwise._util.errors import InkwiseError

MAX_POINTS = 20_000
"""Points of all strokes in one request."""

PIXELS = 16_000_000
"""Maximum number of pixels of a picture: to read so many takes some 650 MB."""

MAX_STROKES = 500
"""Strokes in one request, and answers: each may be a digit of its own, which takes its time to be read."""


class RequestError(Exception):
    """A request that is answered with this status and this one line."""

    def __init__(self, status: int, error: str, headers: Mapping[str, str] | None = None) -> None:
        """Refuse with a status of 400 or above."""
        super().__init__(error)
        self.status = status
        self.headers = headers or {}


class PayloadTooLargeError(RequestError):
    """More was sent than is taken."""

    def __init__(self, error: str) -> None:
        """Refuse with 413."""
        super().__init__(413, error)


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON, made without FastAPI's walk through every value."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return Response(text, status, headers, media_type="application/json")


def content_type(request: Request) -> str:
    """What the body is said to be, without parameters, lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def require_json(request: Request) -> None:
    """Refuse a body that is not said to be JSON: a form on another site cannot send this type.

    Raises:
        RefusedError: it is said to be something else.
    """
    if content_type(request) != "application/json":
        raise RequestError(415, "the body must be application/json")


def parse_json_object(body: bytes) -> dict[str, Any]:
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


def parse_strokes(value: object) -> list[Any]:
    """A list of strokes that is no longer than allowed; what the strokes hold is looked at where it is drawn.

    Raises:
        InkwiseError: it is no list of lists.
        TooLargeError: it has too many strokes or points.
    """
    if not isinstance(value, list):
        raise InkwiseError("strokes is not a list of strokes")
    if not all(isinstance(stroke, list) for stroke in value):
        raise InkwiseError("strokes holds what is not a list of points")
    if len(value) > MAX_STROKES:
        raise PayloadTooLargeError(f"{len(value):,} strokes; at most {MAX_STROKES:,} are taken at once")
    points = sum(map(len, value))
    if points > MAX_POINTS:
        raise PayloadTooLargeError(f"{points:,} points; at most {MAX_POINTS:,} are taken at once")
    return value


def check_pixels(width: int, height: int, most: int = PIXELS) -> None:
    """Refuse a picture of too many pixels, before it is decoded.

    Raises:
        TooLargeError: it has more than `most`.
    """
    if width * height > most:
        raise PayloadTooLargeError(f"{width} x {height} pixels; at most {most:,} are taken")


def add_error_handlers(app: FastAPI) -> None:
    """Have an app answer what goes wrong with {"error": one line}."""
    app.add_exception_handler(InkwiseError, _handle_inkwise_error)
    app.add_exception_handler(RequestError, _handle_request_error)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(HTTPException, _handle_http_error)


async def _handle_inkwise_error(request: Request, error: Exception) -> Response:
    return json_response({"error": str(error)}, 422)


async def _handle_request_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return json_response({"error": str(error)}, error.status, error.headers)


async def _handle_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return json_response({"error": f"{first['loc'][-1]}: {first['msg']}"}, 422)


async def _handle_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    line = f"{request.method} {request.url.path[:80]}: {error.detail}"
    return json_response({"error": line}, error.status_code, error.headers)
