"""Request bodies as checked values, and responses as JSON; errors are `{"error": "one line"}`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from inkwise._util.errors import InkwiseError

MAX_POINTS = 20_000
"""Maximum number of points of all strokes in one request."""

MAX_IMAGE_PIXELS = 16_000_000
"""Maximum number of pixels of an image; an image of this size takes about 650 MB to read."""

MAX_STROKES = 500
"""Maximum number of strokes, and of answers, in one request; each may be a digit to read."""

_ModelT = TypeVar("_ModelT", bound=BaseModel)


class RequestError(Exception):
    """An error response with a status of 400 or above and a one-line message."""

    def __init__(self, status: int, error: str, headers: Mapping[str, str] | None = None) -> None:
        """Respond with this status and message."""
        super().__init__(error)
        self.status, self.headers = status, headers


class PayloadTooLargeError(RequestError):
    """A body above a limit: status 413."""

    def __init__(self, error: str) -> None:
        """Respond with this message."""
        super().__init__(413, error)


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Encode JSON directly, without FastAPI's conversion of each value."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return Response(text, status, headers, media_type="application/json")


def content_type(request: Request) -> str:
    """Return the media type of the body in lower case, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def require_json(request: Request) -> None:
    """Raise RequestError (415) unless the body is declared as JSON, which forms of other sites cannot do."""
    if content_type(request) != "application/json":
        raise RequestError(415, "the body must be application/json")


def json_body(model: type[BaseModel]) -> Any:
    """Return a FastAPI dependency that reads a JSON body as `model`."""

    async def parse(request: Request) -> BaseModel:
        require_json(request)
        return parse_model(await request.body(), model)

    return Depends(parse)


def parse_model(body: bytes, model: type[_ModelT]) -> _ModelT:
    """Check a JSON body; raises InkwiseError, or PayloadTooLargeError for a list that is too long."""
    try:
        return model.model_validate(parse_json_object(body))
    except ValidationError as error:
        line, too_long = _first_error(error.errors())
        raise (PayloadTooLargeError if too_long else InkwiseError)(line) from None


def parse_json_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object; raises InkwiseError if the body is anything else."""
    try:
        plain = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise InkwiseError("the body is not JSON in UTF-8") from None
    if not isinstance(plain, dict):
        raise InkwiseError("the body is not a JSON object")
    return plain


def parse_strokes(value: object) -> list[Any]:
    """Check that a value is a list of lists (InkwiseError) of limited size (PayloadTooLargeError).

    A stroke may be {"points": [..]}, as signature_pad has it.
    """
    if isinstance(value, list):
        value = [stroke.get("points") if isinstance(stroke, dict) else stroke for stroke in value]
    if not isinstance(value, list) or not all(isinstance(stroke, list) for stroke in value):
        raise InkwiseError("strokes: expected a list of lists of points")
    for count, most, unit in (
        (len(value), MAX_STROKES, "strokes"),
        (sum(map(len, value)), MAX_POINTS, "points"),
    ):
        if count > most:
            raise PayloadTooLargeError(f"{count:,} {unit}; at most {most:,} are accepted")
    return value


def check_pixels(width: int, height: int, most: int = MAX_IMAGE_PIXELS) -> None:
    """Raise PayloadTooLargeError for an image of too many pixels, before it is decoded."""
    if width * height > most:
        raise PayloadTooLargeError(
            f"{width} x {height} pixels; at most {most:,} are accepted: make the picture smaller"
        )


def add_error_handlers(app: FastAPI) -> None:
    """Respond to exceptions of an app with `{"error": "one line"}`."""
    for kind in (InkwiseError, RequestError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _respond_to_error)


async def _respond_to_error(request: Request, error: Exception) -> Response:
    status, line, headers = 422, str(error), None
    if isinstance(error, RequestError):
        status, headers = error.status, error.headers
    elif isinstance(error, RequestValidationError):
        line, _ = _first_error(error.errors())
    elif isinstance(error, HTTPException):
        status, headers = error.status_code, error.headers
        line = f"{request.method} {request.url.path[:80]}: {error.detail}"
    return json_response({"error": line}, status, headers)


def _first_error(errors: Any) -> tuple[str, bool]:
    """Return the first validation error as one line, and whether it is a list that is too long."""
    first = errors[0]
    own = first.get("ctx", {}).get("error")
    line = str(own) if isinstance(own, InkwiseError) else f"{first['loc'][-1]}: {first['msg']}"
    return line, first["type"] == "too_long"
