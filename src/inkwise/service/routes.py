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
from inkwise._util.text import did_you_mean, parse_bounds
from inkwise.http.bodies import (
    PayloadTooLargeError,
    RequestError,
    check_pixels,
    content_type,
    json_response,
    parse_json_object,
    parse_strokes,
    require_json,
)
from inkwise.image import Document
from inkwise.preprocessing import GLYPH_SIDE
from inkwise.recognition import Constraint, Expect, Reading, Recognizer
from inkwise.recognition.ctc.automata import CHECKS
from inkwise.recognition.reading import SHOWN_ALTERNATIVES
from inkwise.service.executor import BoundedExecutor
from inkwise.service.schema import (
    BATCH_BODY,
    GLYPHS_BODY,
    PICTURE_BODY,
    STROKES_BODY,
    BatchSchema,
    Classes,
    ReadingSchema,
    failures,
)
from inkwise.service.uploads import FORM, uploaded_files

CLASSIFY_PATH = "/v1/classify"

_GLYPH_BYTES = GLYPH_SIDE * GLYPH_SIDE

MAX_GLYPH_BYTES = 4096 * _GLYPH_BYTES
"""Maximum size of the glyphs in one request, in bytes."""

_FILE_TYPES = "application/pdf", "application/octet-stream"
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


async def _check_parameter_names(request: Request) -> None:
    path, method = request.scope["route"].path, request.method.lower()
    known = [
        parameter["name"] for parameter in request.app.openapi()["paths"][path][method].get("parameters", ())
    ]
    for name in request.query_params:
        if name not in known:
            hint = did_you_mean(name, known) if known else f"; {path} takes none"
            raise RequestError(422, f"no parameter {name[:80]!r}{hint}")


def routes(recognizer: Recognizer, executor: BoundedExecutor, pixels: int) -> APIRouter:
    """Return the routes; an image may have up to `pixels` pixels."""
    router = APIRouter(tags=["reading"], dependencies=[Depends(_check_parameter_names)])
    responses: dict[int | str, dict[str, Any]] = {200: {"model": ReadingSchema}, **_FAILURES}

    @router.post("/v1/read", responses=responses, openapi_extra=PICTURE_BODY)
    async def read(
        request: Request,
        parameters: _Parameters,
        page: Annotated[
            int | None, Query(description="Page of a PDF or TIFF of several, from 1.", ge=1)
        ] = None,
    ) -> Response:
        """Read a picture or a page of a PDF: the body is the file, or a form with one file in any field.

        PNG, JPEG, GIF, WebP, TIFF, BMP, PGM, AVIF, HEIC and PDF are read; the content decides.
        """
        kind = content_type(request)
        if not kind.startswith("image/") and kind not in (*_FILE_TYPES, FORM):
            raise RequestError(415, f"the body must be image/..., {', '.join(_FILE_TYPES)} or {FORM}")
        header = request.headers["content-type"] if kind == FORM else None
        task = partial(_read_picture, recognizer, executor, parameters, pixels, header, page)
        return await _read(request, task, parameters.alternatives)

    @router.post("/v1/batch", responses={200: {"model": BatchSchema}, **_FAILURES}, openapi_extra=BATCH_BODY)
    async def batch(request: Request, parameters: _Parameters) -> Response:
        """Read all files of a form, page by page; a page that cannot be read has an error."""
        if content_type(request) != FORM:
            raise RequestError(415, f"the body must be {FORM}")
        header = request.headers["content-type"]
        task = partial(_read_batch, recognizer, executor, parameters, pixels, header)
        results = await executor.run(request, task)
        readings = [result["reading"] for result in results if result["reading"]]
        request.state.record.digits = sum(
            len(number["digits"]) for reading in readings for number in reading["numbers"]
        )
        return json_response({"results": results})

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


def _read_picture(
    recognizer: Recognizer,
    executor: BoundedExecutor,
    parameters: _ReadParameters,
    pixels: int,
    form: str | None,
    page: int | None,
    body: bytes,
) -> Reading:
    if form is not None:
        files = uploaded_files(form, body)
        if len(files) > 1:
            raise InkwiseError(f"the form has {len(files)} files; /v1/batch reads several")
        ((_, body),) = files
    with Document(body) as document:
        if page is None and len(document) > 1:
            raise InkwiseError(
                f"the picture: has {len(document):,} pages; name one, as page=1, or use /v1/batch"
            )
        return _read_page(recognizer, executor, parameters, pixels, document, page or 1)


def _read_batch(
    recognizer: Recognizer,
    executor: BoundedExecutor,
    parameters: _ReadParameters,
    pixels: int,
    form: str,
    body: bytes,
) -> list[dict[str, Any]]:
    """Return file, page (None of a single picture), and reading or error of each page, as JSON values.

    They hold no picture.
    """
    parameters.constraint()  # an error of it is one of the whole request
    results = []
    for name, content in uploaded_files(form, body):
        try:
            with Document(content) as document:
                for number in range(1, len(document) + 1):
                    executor.check()
                    page = number if len(document) > 1 else None
                    try:
                        read = _read_page(recognizer, executor, parameters, pixels, document, number)
                        results.append(_result(name, page, read.to_dict(parameters.alternatives), None))
                    except (InkwiseError, PayloadTooLargeError) as error:
                        results.append(_result(name, page, None, str(error)))
        except InkwiseError as error:
            results.append(_result(name, None, None, str(error)))
    return results


def _result(name: str, page: int | None, reading: dict[str, Any] | None, error: str | None) -> dict[str, Any]:
    return {"file": name, "page": page, "reading": reading, "error": error}


def _read_page(
    recognizer: Recognizer,
    executor: BoundedExecutor,
    parameters: _ReadParameters,
    pixels: int,
    document: Document,
    page: int,
) -> Reading:
    constraint = parameters.constraint()
    width, height = document.size(page)  # not decoded yet
    check_pixels(width, height, pixels)
    with executor.exclusive() if width * height > _LARGE_IMAGE_PIXELS else nullcontext():
        return recognizer.read(document.page(page), parameters.expect, constraint)


def _read_strokes(recognizer: Recognizer, parameters: _ReadParameters, body: bytes) -> Reading:
    constraint = parameters.constraint()
    values = parse_json_object(body)
    if unknown := [key for key in values if key != "strokes"]:
        raise InkwiseError(f"the body has strokes alone, not {unknown[0][:80]!r}; hints are query parameters")
    strokes = parse_strokes(values.get("strokes"))
    return recognizer.read_strokes(strokes, parameters.expect, constraint)


def _classify(recognizer: Recognizer, body: bytes) -> NDArray[np.float32]:
    if not body or len(body) % _GLYPH_BYTES:
        raise InkwiseError(f"body: expected n times {_GLYPH_BYTES} bytes, got {len(body):,}")
    return recognizer.classify(np.frombuffer(body, np.uint8).reshape(-1, GLYPH_SIDE, GLYPH_SIDE))
