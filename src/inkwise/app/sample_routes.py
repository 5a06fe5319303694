"""Routes to what was answered: keep, list, put right, delete, undo."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.background import BackgroundTask

from inkwise._util.errors import InkwiseError
from inkwise.app.limits import MAX_INTEGER
from inkwise.app.requests import JsonBody, parse_writer, store_errors_as
from inkwise.corrections import LabelledAnswer, Learner, Sample
from inkwise.corrections.sample import decode_glyph, validate_field
from inkwise.http.bodies import (
    MAX_STROKES,
    PayloadTooLargeError,
    json_response,
    parse_json_object,
    parse_strokes,
)

_SOURCES = ("canvas", "trial", "picture")


def routes(learner: Learner) -> APIRouter:
    """All that is done to samples, each at once on disk."""
    router = APIRouter()

    @router.post("/api/samples")
    def keep(body: JsonBody) -> Response:
        plain = parse_json_object(body)
        writer, source = parse_writer(plain), plain.get("source")
        if source not in _SOURCES:
            raise InkwiseError(f"source is none of {', '.join(_SOURCES)}")
        samples = learner.keep(writer, source, _answers(plain.get("answers")))
        kept = {"samples": [sample.to_dict() for sample in samples]}
        response = json_response({**kept, "accuracy": learner.store.accuracy(writer).to_dict()}, 201)
        response.background = BackgroundTask(learner.recognizer, writer)  # learns before the next stroke
        return response

    @router.get("/api/samples")
    def list_(
        writer: str = "",
        label: str = "",
        wrong: bool = False,
        unsure: Annotated[float | None, Query(ge=0, le=1)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 60,
        offset: Annotated[int, Query(ge=0, le=MAX_INTEGER)] = 0,
    ) -> Response:
        store, whose = learner.store, validate_field("writer", writer) if writer else None
        chosen: dict[str, Any] = {
            "writer": whose,
            "label": validate_field("label", label) if label else None,
            "wrong": wrong,
            "unsure": unsure,
        }
        rows = list(store.rows(**chosen, limit=limit, offset=offset, newest=True))
        samples = [row.to_dict() for row in rows if isinstance(row, Sample)]
        return json_response(
            {
                "total": store.count(**chosen),
                "samples": samples,
                "damaged": len(rows) - len(samples),
                "labels": store.labels(whose),
            }
        )

    @router.patch("/api/samples/{sample_id}")
    def label_(sample_id: uuid.UUID, body: JsonBody) -> Response:
        label = validate_field("label", parse_json_object(body).get("label"))
        store = learner.store
        with store_errors_as(404):
            return json_response(store.label(sample_id, label).to_dict())

    @router.delete("/api/samples/{sample_id}")
    def delete(sample_id: uuid.UUID) -> Response:
        store = learner.store
        with store_errors_as(404):
            store.delete(sample_id)
        return Response(status_code=204)

    @router.post("/api/undo")
    def undo(body: JsonBody) -> Response:
        plain = parse_json_object(body)
        writer, store = parse_writer(plain), learner.store
        ids = _ids(plain["ids"]) if "ids" in plain else None
        with store_errors_as(409):
            if ids is None:
                last = store.undo(writer)
                undone = [last] if last else []
            else:
                undone = store.undo_of(writer, ids)
        samples = [{**sample.to_dict(), "deleted": sample.deleted} for sample in undone]
        return json_response({"samples": samples, "accuracy": store.accuracy(writer).to_dict()})

    return router


def _answers(plain: object) -> list[LabelledAnswer]:
    if not isinstance(plain, list) or not plain or not all(isinstance(each, dict) for each in plain):
        raise InkwiseError("answers is not a list of at least one answer")
    if len(plain) > MAX_STROKES:
        raise PayloadTooLargeError(f"{len(plain):,} answers; at most {MAX_STROKES:,} are taken at once")
    answers = [_answer(each) for each in plain]
    parse_strokes([stroke for each in answers for stroke in each.strokes or []])  # nor too many in all
    return answers


def _ids(plain: object) -> list[uuid.UUID]:
    if not isinstance(plain, list) or not plain:
        raise InkwiseError("ids is not a list of at least one id")
    if len(plain) > MAX_STROKES:
        raise PayloadTooLargeError(f"{len(plain):,} ids; at most {MAX_STROKES:,} are taken at once")
    return [_id(each) for each in plain]


def _id(text: object) -> uuid.UUID:
    try:
        return uuid.UUID(text) if isinstance(text, str) else uuid.UUID("")
    except ValueError:
        raise InkwiseError("an id is not a UUID") from None


def _answer(plain: dict[str, Any]) -> LabelledAnswer:
    """The values that are not looked at here are checked as a sample's."""
    drawn, seen = plain.get("strokes"), plain.get("glyph")
    return LabelledAnswer(
        label=validate_field("label", plain.get("label")),
        strokes=None if drawn is None else parse_strokes(drawn),
        glyph=None if seen is None or drawn is not None else decode_glyph(seen),
        answer=plain.get("answer"),
        probability=plain.get("probability"),
        model=plain.get("model"),
        id=None if plain.get("id") is None else _id(plain["id"]),
    )
