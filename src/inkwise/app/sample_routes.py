"""Routes that read drawings and images, and keep, list, relabel, delete and undo answers."""

from __future__ import annotations

import base64
import uuid
from typing import Annotated, Any

import cv2
import numpy as np
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request, Response
from numpy.typing import NDArray
from starlette.background import BackgroundTask

from inkwise.app.answers import answer_of, ranked_answers, score, undo_message
from inkwise.app.requests import (
    MAX_INTEGER,
    AnyLabel,
    AnyWriter,
    KeepBody,
    LabelBody,
    ReadBody,
    UndoBody,
    Writer,
    store_errors_as,
)
from inkwise.corrections import Learner, Sample
from inkwise.corrections.sample import encode_image
from inkwise.http.bodies import check_pixels, json_body, json_response
from inkwise.image import Document
from inkwise.recognition import Reading

_DISPLAYED = {"PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP"}  # formats of pictures that all browsers display
_READ_THREADS = 4  # more would only take turns


def routes(learner: Learner, heavy: CapacityLimiter) -> APIRouter:
    """Return the routes; images are read by the `heavy` threads, so that strokes need not wait for them."""
    router = APIRouter()
    # Threads of their own: strokes are read while other requests wait for a locked database.
    quick = CapacityLimiter(_READ_THREADS)

    @router.post("/api/read")
    async def read(body: Annotated[ReadBody, json_body(ReadBody)]) -> Response:
        def respond() -> Response:
            reading = learner.read_strokes(body.writer, body.strokes, body.expect, letters=body.letters)
            return json_response(_reading_dict(reading))

        return await to_thread.run_sync(respond, limiter=quick)

    @router.post("/api/picture")
    async def read_image(
        request: Request,
        writer: Writer,
        letters: bool = False,
        page: Annotated[int, Query(ge=1, le=MAX_INTEGER)] = 1,
    ) -> Response:
        body = await request.body()

        def respond() -> Response:
            with Document(body) as document:  # bytes are the content of a file, never its name
                check_pixels(*document.size(page))
                grey = document.page(page)
                pages, displayed = len(document), document.format in _DISPLAYED
            reading = learner.read(writer, grey, letters=letters)
            image = None if displayed else _data_url(grey)
            return json_response({**_reading_dict(reading), "pages": pages, "image": image})

        return await to_thread.run_sync(respond, limiter=heavy)

    @router.post("/api/samples")
    def keep(body: Annotated[KeepBody, json_body(KeepBody)]) -> Response:
        samples = learner.keep(body.writer, body.source, body.labelled())
        kept = {"samples": [sample.to_dict() for sample in samples]}
        response = json_response({**kept, "accuracy": score(learner.store, body.writer)}, 201)
        response.background = BackgroundTask(learner.recognizer, body.writer)  # learns before the next stroke
        return response

    @router.get("/api/samples")
    def list_samples(
        writer: AnyWriter = None,
        label: AnyLabel = None,
        wrong: bool = False,
        unsure: Annotated[float | None, Query(ge=0, le=1)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 60,
        offset: Annotated[int, Query(ge=0, le=MAX_INTEGER)] = 0,
    ) -> Response:
        store = learner.store
        chosen: dict[str, Any] = {"writer": writer, "label": label, "wrong": wrong, "unsure": unsure}
        rows = list(store.rows(**chosen, limit=limit, offset=offset, newest=True))
        samples = [row.to_dict() for row in rows if isinstance(row, Sample)]
        return json_response(
            {
                "total": store.count(**chosen),
                "samples": samples,
                "damaged": len(rows) - len(samples),
                "labels": store.label_counts(writer),
            }
        )

    @router.patch("/api/samples/{sample_id}")
    def relabel(sample_id: uuid.UUID, body: Annotated[LabelBody, json_body(LabelBody)]) -> Response:
        store = learner.store
        with store_errors_as(404):
            return json_response(store.label(sample_id, body.label).to_dict())

    @router.delete("/api/samples/{sample_id}")
    def delete(sample_id: uuid.UUID) -> Response:
        store = learner.store
        with store_errors_as(404):
            store.delete(sample_id)
        return Response(status_code=204)

    @router.delete("/api/samples")
    def erase(writer: Writer) -> Response:
        return json_response({"erased": learner.store.erase(writer)})

    @router.post("/api/undo")
    def undo(body: Annotated[UndoBody, json_body(UndoBody)]) -> Response:
        store = learner.store
        with store_errors_as(409):
            if body.ids is None:
                undone = store.undo_answer(body.writer)
            else:
                undone = store.undo_of(body.writer, body.ids)
        return json_response(
            {
                "samples": [{**sample.to_dict(), "deleted": sample.deleted} for sample in undone],
                "accuracy": score(store, body.writer),
                "message": undo_message(undone[::-1]),  # the last step is undone first
            }
        )

    return router


def _data_url(grey: NDArray[np.uint8]) -> str:
    """Return a grey image (H, W) uint8 as a JPEG in a data URL."""
    encoded = cv2.imencode(".jpg", grey)[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(encoded).decode()}"


def _reading_dict(reading: Reading) -> dict[str, Any]:
    """Return the JSON of a reading with its digits in one list, each with what an answer to it needs."""
    plain = reading.to_dict()
    digits = []
    for number, shown in zip(reading.numbers, plain.pop("numbers"), strict=True):
        number_id = str(uuid.uuid4()) if len(number.digits) > 1 else None
        for digit, values in zip(number.digits, shown["digits"], strict=True):
            answer, probability = answer_of(digit)
            digits.append(
                values
                | {
                    "answer": answer,
                    "answer_probability": probability,
                    "alternatives": [[label, round(share, 4)] for label, share in ranked_answers(digit)],
                    "number_id": number_id,
                    "glyph": encode_image(digit.glyph),
                }
            )
    return {**plain, "digits": digits}
