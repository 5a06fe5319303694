"""Routes to what was answered: keep, list, put right, delete, undo."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.background import BackgroundTask

from inkwise._util.errors import InkwiseError
from inkwise.app.limits import HIGHEST
from inkwise.app.requests import JsonBytes, refused, writer_of
from inkwise.corrections import Answer, Learner, Sample
from inkwise.corrections.sample import checked_text, glyph_of
from inkwise.http.bodies import STROKES, TooLargeError, answer, fields, strokes_of

_SOURCES = ("canvas", "trial", "picture")


def routes(learner: Learner) -> APIRouter:
    """All that is done to samples, each at once on disk."""
    router = APIRouter()

    @router.post("/api/samples")
    def keep(body: JsonBytes) -> Response:
        plain = fields(body)
        writer, source = writer_of(plain), plain.get("source")
        if source not in _SOURCES:
            raise InkwiseError(f"source is none of {', '.join(_SOURCES)}")
        samples = learner.keep(writer, source, _answers(plain.get("answers")))
        kept = {"samples": [sample.to_dict() for sample in samples]}
        response = answer({**kept, "accuracy": learner.store.accuracy(writer).to_dict()}, 201)
        response.background = BackgroundTask(learner.recognizer, writer)  # learns before the next stroke
        return response

    @router.get("/api/samples")
    def list_(
        writer: str = "",
        label: str = "",
        wrong: bool = False,
        unsure: Annotated[float | None, Query(ge=0, le=1)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 60,
        offset: Annotated[int, Query(ge=0, le=HIGHEST)] = 0,
    ) -> Response:
        store, whose = learner.store, checked_text("writer", writer) if writer else None
        chosen: dict[str, Any] = {
            "writer": whose,
            "label": checked_text("label", label) if label else None,
            "wrong": wrong,
            "unsure": unsure,
        }
        rows = list(store.rows(**chosen, limit=limit, offset=offset, newest=True))
        samples = [row.to_dict() for row in rows if isinstance(row, Sample)]
        return answer(
            {
                "total": store.count(**chosen),
                "samples": samples,
                "damaged": len(rows) - len(samples),
                "labels": store.labels(whose),
            }
        )

    @router.patch("/api/samples/{sample_id}")
    def label_(sample_id: uuid.UUID, body: JsonBytes) -> Response:
        label = checked_text("label", fields(body).get("label"))
        store = learner.store
        with refused(404):
            return answer(store.label(sample_id, label).to_dict())

    @router.delete("/api/samples/{sample_id}")
    def delete(sample_id: uuid.UUID) -> Response:
        store = learner.store
        with refused(404):
            store.delete(sample_id)
        return Response(status_code=204)

    @router.post("/api/undo")
    def undo(body: JsonBytes) -> Response:
        plain = fields(body)
        writer, store = writer_of(plain), learner.store
        ids = _ids(plain["ids"]) if "ids" in plain else None
        with refused(409):
            if ids is None:
                last = store.undo(writer)
                undone = [last] if last else []
            else:
                undone = store.undo_of(writer, ids)
        samples = [{**sample.to_dict(), "deleted": sample.deleted} for sample in undone]
        return answer({"samples": samples, "accuracy": store.accuracy(writer).to_dict()})

    return router


def _answers(plain: object) -> list[Answer]:
    if not isinstance(plain, list) or not plain or not all(isinstance(each, dict) for each in plain):
        raise InkwiseError("answers is not a list of at least one answer")
    if len(plain) > STROKES:
        raise TooLargeError(f"{len(plain):,} answers; at most {STROKES:,} are taken at once")
    answers = [_answer(each) for each in plain]
    strokes_of([stroke for each in answers for stroke in each.strokes or []])  # nor too many in all
    return answers


def _ids(plain: object) -> list[uuid.UUID]:
    if not isinstance(plain, list) or not plain:
        raise InkwiseError("ids is not a list of at least one id")
    if len(plain) > STROKES:
        raise TooLargeError(f"{len(plain):,} ids; at most {STROKES:,} are taken at once")
    return [_id(each) for each in plain]


def _id(text: object) -> uuid.UUID:
    try:
        return uuid.UUID(text) if isinstance(text, str) else uuid.UUID("")
    except ValueError:
        raise InkwiseError("an id is not a UUID") from None


def _answer(plain: dict[str, Any]) -> Answer:
    """The values that are not looked at here are checked as a sample's."""
    drawn, seen = plain.get("strokes"), plain.get("glyph")
    return Answer(
        label=checked_text("label", plain.get("label")),
        strokes=None if drawn is None else strokes_of(drawn),
        glyph=None if seen is None or drawn is not None else glyph_of(seen),
        answer=plain.get("answer"),
        probability=plain.get("probability"),
        model=plain.get("model"),
        id=None if plain.get("id") is None else _id(plain["id"]),
    )
