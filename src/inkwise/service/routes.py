"""Routes that read: pictures, strokes, glyphs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from numpy.typing import NDArray
from PIL.Image import Image

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
from inkwise.recognition import Constraint, Reading, Recognizer
from inkwise.recognition.ctc.automata import CHECKS
from inkwise.service.executor import BoundedExecutor
from inkwise.service.schema import GLYPHS_BODY, IMAGE_BODY, STROKES_BODY, Classes, failures
from inkwise.service.schema import ReadingSchema as ReadingSchema

MAX_GLYPHS = 4096
"""That are classified in one request."""

_GLYPH_BYTES = GLYPH_SIDE * GLYPH_SIDE
_LARGE_IMAGE_PIXELS = 2_000_000  # pixels: to read so many takes some 80 MB
# The pattern is told, and not held to here: what reads it says more clearly what is wrong.
_BOUNDS_SCHEMA: dict[str, Any] = {
    "max_length": 2001,
    "json_schema_extra": {"pattern": "^[0-9]{1,1000}(-[0-9]{1,1000})?$"},
}

_OVERLOAD_RESPONSES = {
    "_413": "more was sent than is taken",
    "_415": "the body is of another type",
    "_422": "the body or a parameter cannot be used",
    "_429": "too many requests wait already",
    "_503": "it took too long, or the service is stopping",
}


@dataclass(frozen=True)
class _ReadParameters:
    """What is to be read, and what is known about it: parameters of a query."""

    kind: str
    known: tuple[tuple[str, str], ...]

    def constraint(self) -> Constraint | None:
        """What is known about the number.

        Raises:
            InkwiseError: it is not possible.
        """
        return _constraint(self.known) if self.known else None


async def _read_parameters(  # async, or it would be called in a thread of its own
    expect: Annotated[
        Literal["any", "digit", "number"],
        Query(description="Any number of digits, exactly one, or one number, whose digits may touch."),
    ] = "any",
    length: Annotated[
        str | None, Query(description="Of a number: so many digits, as 4 or 4-6.", **_BOUNDS_SCHEMA)
    ] = None,
    pattern: Annotated[
        str | None, Query(description="Of a number: it matches this as a whole.", max_length=1000)
    ] = None,
    range: Annotated[
        str | None, Query(description="Of a number: it lies between these, as 1-31.", **_BOUNDS_SCHEMA)
    ] = None,
    check: Annotated[
        str | None, Query(description="Of its check digit.", json_schema_extra={"enum": [*CHECKS]})
    ] = None,
) -> _ReadParameters:
    values = {"length": length, "pattern": pattern, "range": range, "check": check}
    known = tuple((name, text) for name, text in values.items() if text is not None)
    if known and expect != "number":
        raise RequestError(422, f"{known[0][0]} needs expect=number")
    return _ReadParameters(expect, known)


@lru_cache(maxsize=16)  # each takes up to a second to be built, and 12 MB
def _constraint(known: tuple[tuple[str, str], ...]) -> Constraint:
    return Constraint.from_dict(
        {name: parse_bounds(name, text) if name in ("length", "range") else text for name, text in known}
    )


ReadParameters = Annotated[_ReadParameters, Depends(_read_parameters)]


def routes(recognizer: Recognizer, executor: BoundedExecutor, pixels: int) -> APIRouter:
    """All that reads; a picture may have so many pixels."""
    router = APIRouter(prefix="/v1")
    reading: dict[int | str, dict[str, Any]] = {
        200: {"model": ReadingSchema},
        **failures(**_OVERLOAD_RESPONSES),
    }

    @router.post("/read", responses=reading, openapi_extra=IMAGE_BODY)
    async def read(request: Request, expected: ReadParameters) -> Response:
        """Read a picture: the body is the bytes of a file of PNG, JPEG, WebP, TIFF or BMP."""
        kind = content_type(request)
        if not kind.startswith("image/") and kind != "application/octet-stream":
            raise RequestError(415, "the body must be image/... or application/octet-stream")
        return await _read(request, partial(_read_image, recognizer, executor, expected, pixels))

    @router.post("/strokes", responses=reading, openapi_extra=STROKES_BODY)
    async def strokes(request: Request, expected: ReadParameters) -> Response:
        """Read what a pen drew: lists of points, x right, y down, in any unit."""
        require_json(request)
        return await _read(request, partial(_read_strokes, recognizer, expected))

    async def _read(request: Request, task: Callable[[bytes], Reading]) -> Response:
        reading = await executor.run(request, task)
        request.state.entry.digits = len(reading.digits)
        return json_response(reading.to_dict())

    @router.post(
        "/classify",
        responses={200: {"model": Classes}, **failures(**_OVERLOAD_RESPONSES)},
        openapi_extra=GLYPHS_BODY,
    )
    async def classify(request: Request) -> Response:
        """Classify n glyphs: the body is n times 784 bytes, 28 rows of 28, 0 paper and 255 ink."""
        if content_type(request) != "application/octet-stream":
            raise RequestError(415, "the body must be application/octet-stream")
        probabilities = await executor.run(request, partial(_classify, recognizer), _GLYPH_BYTES * MAX_GLYPHS)
        request.state.entry.digits = len(probabilities)
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
    recognizer: Recognizer, executor: BoundedExecutor, expected: _ReadParameters, pixels: int, body: bytes
) -> Reading:
    constraint = expected.constraint()
    picture = _open_image(body, pixels)
    with executor.exclusive() if picture.width * picture.height > _LARGE_IMAGE_PIXELS else nullcontext():
        if expected.kind == "number":
            return recognizer.read_number(picture, constraint)
        return recognizer.read_digit(picture) if expected.kind == "digit" else recognizer.read(picture)


def _open_image(body: bytes, pixels: int) -> Image:
    """The picture, not decoded yet."""
    image = open_image(body)
    check_pixels(image.width, image.height, pixels)
    return image


def _read_strokes(recognizer: Recognizer, expected: _ReadParameters, body: bytes) -> Reading:
    constraint = expected.constraint()
    strokes = parse_strokes(parse_json_object(body).get("strokes"))
    if expected.kind == "number":
        return recognizer.read_number(strokes, constraint)
    return recognizer.read_strokes(strokes, single=expected.kind == "digit")


def _classify(recognizer: Recognizer, body: bytes) -> NDArray[np.float32]:
    if not body or len(body) % _GLYPH_BYTES:
        raise InkwiseError(
            f"{len(body):,} bytes are not n times {_GLYPH_BYTES}, a glyph of {GLYPH_SIDE} x {GLYPH_SIDE} each"
        )
    return recognizer.classify(np.frombuffer(body, np.uint8).reshape(-1, GLYPH_SIDE, GLYPH_SIDE))
