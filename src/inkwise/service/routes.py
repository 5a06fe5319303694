"""Routes of the service: reading of images and strokes, classification of glyphs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from numpy.typing import NDArray

from inkwise._util.errors import InkwiseError
from inkwise._util.text import parse_bounds
from inkwise.http.bodies import (
    RequestError,
    check_pixels,
    content_type,
    json_response,
    parse_json_object,
    parse_strokes,
    require_json,
)
from inkwise.image import open_image
from inkwise.preprocessing import GLYPH_SIDE
from inkwise.recognition import Constraint, Expect, Reading, Recognizer
from inkwise.recognition.ctc.automata import CHECKS
from inkwise.recognition.reading import SHOWN_ALTERNATIVES
from inkwise.service.executor import BoundedExecutor
from inkwise.service.schema import GLYPHS_BODY, IMAGE_BODY, STROKES_BODY, Classes, ReadingSchema, failures

CLASSIFY_PATH = "/v1/classify"

_GLYPH_BYTES = GLYPH_SIDE * GLYPH_SIDE

MAX_GLYPH_BYTES = 4096 * _GLYPH_BYTES
"""Maximum size of the glyphs in one request, in bytes."""

_LARGE_IMAGE_PIXELS = 2_000_000  # pixels of an image that needs about 80 MB, so that only one is read at once
# The pattern is documented, not enforced here: the parser's error message is clearer.
_BOUNDS_SCHEMA: dict[str, Any] = {
    "max_length": 2001,
    "json_schema_extra": {"pattern": "^[0-9]{1,1000}(-[0-9]{1,1000})?$"},
}

_FAILURES = failures(
    _413="the body is too large",
    _415="the body has another content type",
    _422="the body or a parameter is not valid",
    _429="too many requests are waiting",
    _503="the request took too long, or the service is shutting down",
)


@dataclass(frozen=True)
class _ReadParameters:
    """Query parameters: what to read, and the constraint on a number by parameter."""

    expect: Expect | None
    known: tuple[tuple[str, str], ...]
    alternatives: int

    def constraint(self) -> Constraint | None:
        """Return the constraint; raises InkwiseError if it is not valid."""
        return _constraint(self.known) if self.known else None


async def _read_parameters(  # async, since FastAPI calls other functions in a thread
    expect: Annotated[
        Expect | None,
        Query(description="Hint: exactly one digit, exactly one number, or a page of numbers."),
    ] = None,
    length: Annotated[
        str | None, Query(description="Number of digits of the number, as 4 or 4-6.", **_BOUNDS_SCHEMA)
    ] = None,
    pattern: Annotated[
        str | None, Query(description="Regular expression for the whole number.", max_length=1000)
    ] = None,
    range: Annotated[
        str | None, Query(description="Least and greatest value of the number, as 1-31.", **_BOUNDS_SCHEMA)
    ] = None,
    check: Annotated[
        str | None,
        Query(description="Check digit rule of the number.", json_schema_extra={"enum": [*CHECKS]}),
    ] = None,
    alternatives: Annotated[int, Query(description="Labels of each digit.", ge=1)] = SHOWN_ALTERNATIVES,
) -> _ReadParameters:
    values = {"length": length, "pattern": pattern, "range": range, "check": check}
    known = tuple((name, text) for name, text in values.items() if text is not None)
    if known and expect not in (None, "number"):
        raise RequestError(422, f"{known[0][0]} describes one number, not expect={expect}")
    return _ReadParameters(expect, known, alternatives)


@lru_cache(maxsize=16)  # each takes up to a second to build, and 12 MB
def _constraint(known: tuple[tuple[str, str], ...]) -> Constraint:
    return Constraint.from_dict(
        {name: parse_bounds(name, text) if name in ("length", "range") else text for name, text in known}
    )


_Parameters = Annotated[_ReadParameters, Depends(_read_parameters)]


def routes(recognizer: Recognizer, executor: BoundedExecutor, pixels: int) -> APIRouter:
    """Return the routes; an image may have up to `pixels` pixels."""
    router = APIRouter()
    responses: dict[int | str, dict[str, Any]] = {200: {"model": ReadingSchema}, **_FAILURES}

    @router.post("/v1/read", responses=responses, openapi_extra=IMAGE_BODY)
    async def read(request: Request, parameters: _Parameters) -> Response:
        """Read an image; the body is a PNG, JPEG, GIF, WebP, TIFF, BMP, PGM, AVIF or HEIC file."""
        kind = content_type(request)
        if not kind.startswith("image/") and kind != "application/octet-stream":
            raise RequestError(415, "the body must be image/... or application/octet-stream")
        task = partial(_read_image, recognizer, executor, parameters, pixels)
        return await _read(request, task, parameters.alternatives)

    @router.post("/v1/strokes", responses=responses, openapi_extra=STROKES_BODY)
    async def strokes(request: Request, parameters: _Parameters) -> Response:
        """Read pen strokes: lists of points, x to the right and y down, in any unit."""
        require_json(request)
        return await _read(request, partial(_read_strokes, recognizer, parameters), parameters.alternatives)

    async def _read(request: Request, task: Callable[[bytes], Reading], alternatives: int) -> Response:
        reading = await executor.run(request, task)
        request.state.record.digits = len(reading.digits)
        return json_response(reading.to_dict(alternatives))

    @router.post(CLASSIFY_PATH, responses={200: {"model": Classes}, **_FAILURES}, openapi_extra=GLYPHS_BODY)
    async def classify(request: Request) -> Response:
        """Classify n glyphs; the body is n times 28 x 28 bytes, row by row; 0 is paper, 255 is ink."""
        if content_type(request) != "application/octet-stream":
            raise RequestError(415, "the body must be application/octet-stream")
        probabilities = await executor.run(request, partial(_classify, recognizer))
        request.state.record.digits = len(probabilities)
        best = probabilities.argmax(1)
        return json_response(
            {
                "model": recognizer.model.name,
                "classes": recognizer.labels,
                "labels": [recognizer.labels[column] for column in best],
                "accepted": (probabilities.max(1) >= recognizer.model.threshold).tolist(),
                "probabilities": probabilities.astype(np.float64).round(4).tolist(),
            }
        )

    return router


def _read_image(
    recognizer: Recognizer, executor: BoundedExecutor, parameters: _ReadParameters, pixels: int, body: bytes
) -> Reading:
    constraint = parameters.constraint()
    image = open_image(body)  # not decoded yet
    check_pixels(image.width, image.height, pixels)
    with executor.exclusive() if image.width * image.height > _LARGE_IMAGE_PIXELS else nullcontext():
        return recognizer.read(image, parameters.expect, constraint)


def _read_strokes(recognizer: Recognizer, parameters: _ReadParameters, body: bytes) -> Reading:
    constraint = parameters.constraint()
    strokes = parse_strokes(parse_json_object(body).get("strokes"))
    return recognizer.read_strokes(strokes, parameters.expect, constraint)


def _classify(recognizer: Recognizer, body: bytes) -> NDArray[np.float32]:
    if not body or len(body) % _GLYPH_BYTES:
        raise InkwiseError(f"body: expected n times {_GLYPH_BYTES} bytes, got {len(body):,}")
    return recognizer.classify(np.frombuffer(body, np.uint8).reshape(-1, GLYPH_SIDE, GLYPH_SIDE))
