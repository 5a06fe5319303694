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
from inkwise._util.text import bounds
from inkwise.http.bodies import (
    RefusedError,
    answer,
    check_json,
    check_pixels,
    content_type,
    fields,
    strokes_of,
)
from inkwise.image.decode import open_file, open_image
from inkwise.preprocessing import SIDE
from inkwise.recognition import Constraint, Reading, Recognizer
from inkwise.recognition.ctc.automata import CHECKS
from inkwise.service.executor import Work
from inkwise.service.schema import DRAWING, GLYPHS, PICTURE, Classes, failures
from inkwise.service.schema import Reading as ReadingSchema

MOST_GLYPHS = 4096
"""That are classified in one request."""

_GLYPH = SIDE * SIDE
_LARGE = 2_000_000  # pixels: to read so many takes some 80 MB
# The pattern is told, and not held to here: what reads it says more clearly what is wrong.
_BOUNDS: dict[str, Any] = {
    "max_length": 2001,
    "json_schema_extra": {"pattern": "^[0-9]{1,1000}(-[0-9]{1,1000})?$"},
}

_BUSY = {
    "_413": "more was sent than is taken",
    "_415": "the body is of another type",
    "_422": "the body or a parameter cannot be used",
    "_429": "too many requests wait already",
    "_503": "it took too long, or the service is stopping",
}


@dataclass(frozen=True)
class _Expected:
    """What is to be read, and what is known about it: parameters of a query."""

    kind: str
    known: tuple[tuple[str, str], ...]

    def constraint(self) -> Constraint | None:
        """What is known about the number.

        Raises:
            InkwiseError: it is not possible.
        """
        return _constraint(self.known) if self.known else None


async def _expected(  # async, or it would be called in a thread of its own
    expect: Annotated[
        Literal["any", "digit", "number"],
        Query(description="Any number of digits, exactly one, or one number, whose digits may touch."),
    ] = "any",
    length: Annotated[
        str | None, Query(description="Of a number: so many digits, as 4 or 4-6.", **_BOUNDS)
    ] = None,
    pattern: Annotated[
        str | None, Query(description="Of a number: it matches this as a whole.", max_length=1000)
    ] = None,
    range: Annotated[
        str | None, Query(description="Of a number: it lies between these, as 1-31.", **_BOUNDS)
    ] = None,
    check: Annotated[
        str | None, Query(description="Of its check digit.", json_schema_extra={"enum": [*CHECKS]})
    ] = None,
) -> _Expected:
    values = {"length": length, "pattern": pattern, "range": range, "check": check}
    known = tuple((name, text) for name, text in values.items() if text is not None)
    if known and expect != "number":
        raise RefusedError(422, f"{known[0][0]} needs expect=number")
    return _Expected(expect, known)


@lru_cache(maxsize=16)  # each takes up to a second to be built, and 12 MB
def _constraint(known: tuple[tuple[str, str], ...]) -> Constraint:
    return Constraint.from_dict(
        {name: bounds(name, text) if name in ("length", "range") else text for name, text in known}
    )


Expected = Annotated[_Expected, Depends(_expected)]


def routes(recognizer: Recognizer, work: Work, pixels: int) -> APIRouter:
    """All that reads; a picture may have so many pixels."""
    router = APIRouter(prefix="/v1")
    reading: dict[int | str, dict[str, Any]] = {200: {"model": ReadingSchema}, **failures(**_BUSY)}

    @router.post("/read", responses=reading, openapi_extra=PICTURE)
    async def read(request: Request, expected: Expected) -> Response:
        """Read a picture: the body is the bytes of a file of PNG, JPEG, WebP, TIFF or BMP."""
        kind = content_type(request)
        if not kind.startswith("image/") and kind != "application/octet-stream":
            raise RefusedError(415, "the body must be image/... or application/octet-stream")
        return await _read(request, partial(_read_picture, recognizer, work, expected, pixels))

    @router.post("/strokes", responses=reading, openapi_extra=DRAWING)
    async def strokes(request: Request, expected: Expected) -> Response:
        """Read what a pen drew: lists of points, x right, y down, in any unit."""
        check_json(request)
        return await _read(request, partial(_read_strokes, recognizer, expected))

    async def _read(request: Request, task: Callable[[bytes], Reading]) -> Response:
        reading = await work.run(request, task)
        request.state.entry.digits = len(reading.digits)
        return answer(reading.to_dict())

    @router.post("/classify", responses={200: {"model": Classes}, **failures(**_BUSY)}, openapi_extra=GLYPHS)
    async def classify(request: Request) -> Response:
        """Classify n glyphs: the body is n times 784 bytes, 28 rows of 28, 0 paper and 255 ink."""
        if content_type(request) != "application/octet-stream":
            raise RefusedError(415, "the body must be application/octet-stream")
        probabilities = await work.run(request, partial(_classify, recognizer), _GLYPH * MOST_GLYPHS)
        request.state.entry.digits = len(probabilities)
        best = probabilities.argmax(1)
        return answer(
            {
                "model": recognizer.model.name,
                "classes": recognizer.labels,
                "labels": [recognizer.labels[column] for column in best],
                "accepted": (probabilities.max(1) >= recognizer.model.threshold).tolist(),
                "probabilities": probabilities.astype(np.float64).round(4).tolist(),
            }
        )

    return router


def _read_picture(
    recognizer: Recognizer, work: Work, expected: _Expected, pixels: int, body: bytes
) -> Reading:
    constraint = expected.constraint()
    picture = _picture(body, pixels)
    with work.alone() if picture.width * picture.height > _LARGE else nullcontext():
        if expected.kind == "number":
            return recognizer.read_number(picture, constraint)
        return recognizer.read_digit(picture) if expected.kind == "digit" else recognizer.read(picture)


def _picture(body: bytes, pixels: int) -> Image:
    """The picture, not decoded yet."""
    image = open_image(*open_file(body))
    check_pixels(image.width, image.height, pixels)
    return image


def _read_strokes(recognizer: Recognizer, expected: _Expected, body: bytes) -> Reading:
    constraint = expected.constraint()
    strokes = strokes_of(fields(body).get("strokes"))
    if expected.kind == "number":
        return recognizer.read_number(strokes, constraint)
    return recognizer.read_strokes(strokes, single=expected.kind == "digit")


def _classify(recognizer: Recognizer, body: bytes) -> NDArray[np.float32]:
    if not body or len(body) % _GLYPH:
        raise InkwiseError(f"{len(body):,} bytes are not n times {_GLYPH}, a glyph of {SIDE} x {SIDE} each")
    return recognizer.classify(np.frombuffer(body, np.uint8).reshape(-1, SIDE, SIDE))
