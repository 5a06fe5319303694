"""Routes that read: strokes while they are drawn, and pictures."""

from __future__ import annotations

from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response

from inkwise._util.errors import InkwiseError
from inkwise.app.requests import JsonBody, parse_writer
from inkwise.corrections import Learner
from inkwise.corrections.sample import encode_glyph, validate_field
from inkwise.http.bodies import check_pixels, json_response, parse_json_object, parse_strokes
from inkwise.image import open_image
from inkwise.recognition import Reading

_THREADS = 4  # more would only take turns


def routes(learner: Learner, heavy: CapacityLimiter) -> APIRouter:
    """What reads; `heavy` is for what takes much time or memory, so that strokes need not wait for it."""
    router = APIRouter()
    # Threads of their own: while others wait for a locked database, what is drawn is read.
    quick = CapacityLimiter(_THREADS)

    @router.post("/api/read")
    async def read(body: JsonBody) -> Response:
        return await to_thread.run_sync(_read, learner, body, limiter=quick)

    @router.post("/api/picture")
    async def picture(request: Request, writer: str) -> Response:
        # Bytes are taken for the content of a file, never for its name.
        return await to_thread.run_sync(_read_image, learner, writer, await request.body(), limiter=heavy)

    return router


def _read(learner: Learner, body: bytes) -> Response:
    plain = parse_json_object(body)
    single = plain.get("single", False)
    if not isinstance(single, bool):
        raise InkwiseError("single is neither true nor false")
    strokes = parse_strokes(plain.get("strokes"))
    return json_response(_to_dict(learner.read_strokes(parse_writer(plain), strokes, single=single)))


def _read_image(learner: Learner, writer: str, body: bytes) -> Response:
    name = validate_field("writer", writer)
    image = open_image(body)
    check_pixels(image.width, image.height)
    reading = learner.read(name, image)
    assert reading.picture is not None
    height, width = reading.picture.shape
    return json_response({**_to_dict(reading), "width": width, "height": height})


def _to_dict(reading: Reading) -> dict[str, Any]:
    plain = reading.to_dict()
    for shown, digit in zip(plain["digits"], reading.digits, strict=True):
        shown["glyph"] = encode_glyph(digit.glyph)
        shown["alternatives"] = [[label, round(probability, 4)] for label, probability in digit.alternatives]
    return plain
