"""Routes of a review: the queue of what is doubtful, its crops, what a person says, the corrected table."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Annotated, Any

import cv2
from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from inkwise._util.errors import ConflictError, DataError, InkwiseError
from inkwise._util.text import MAX_LABEL_LENGTH, NOT_A_DIGIT
from inkwise.app.requests import JsonBody
from inkwise.batch import csv_line, json_line
from inkwise.corrections import LabelledAnswer, Learner
from inkwise.corrections.sample import validate_field
from inkwise.http.bodies import RequestError, json_response, parse_json_object
from inkwise.review import ReviewedTable, ReviewItem, ScanCrops

_SOURCE = "review"


class ReviewSession:
    """A table under review.

    Attributes:
        review: what was read, and what was settled.
        scans: from which crops are cut.
        threshold: the confidence under which a reading is doubtful, to begin with.
    """

    def __init__(
        self, review: ReviewedTable, scans: ScanCrops, threshold: float, learner: Learner, writer: str
    ) -> None:
        """Settle a table; single digits become samples of the writer.

        Raises:
            InkwiseError: the writer's name is not possible.
        """
        self.review, self.scans, self.threshold = review, scans, threshold
        self._learner, self._writer = learner, validate_field("writer", writer)

    def item(self, number: int) -> ReviewItem:
        """One by its number, from 0."""
        if not 0 <= number < len(self.review.items):
            raise RequestError(404, f"there is no reading {number}")
        return self.review.items[number]

    def queue(self, threshold: float) -> dict[str, Any]:
        """What is doubtful, and how it was settled, here or in another review of this table."""
        review = self.review
        review.refresh()
        doubtful = [
            {
                "number": number,
                "file": item.file,
                "page": item.page,
                "place": item.place if item.field else None,
                "guess": item.guess,
                "confidence": item.confidence,
                "reason": item.reason,
                "single": item.single,
                "settled": review.confirmed(item),
            }
            for number, item in enumerate(review.items)
            if item.doubtful(threshold)
        ]
        return {
            "table": review.table.name,
            "threshold": threshold,
            "numbers": len(review.items),
            "unread": review.unread,
            "queue": doubtful,
        }

    def confirm(self, number: int, text: str, before: str | None) -> dict[str, Any]:
        """Keep an answer, see `ReviewedTable.confirm`; `note` says why a digit did not become a sample."""
        item, note = self.item(number), None
        try:
            self.review.confirm(item, text, before)
        except ConflictError as error:
            raise RequestError(409, str(error)) from None
        if item.single:
            try:
                self._add_sample(item, text)
            except InkwiseError as error:  # the table has it all the same
                note = str(error)
        return {"settled": self.review.confirmed(item), "note": note}

    def _add_sample(self, item: ReviewItem, text: str) -> None:
        glyph = self.scans.glyph(item)
        if glyph is None:
            return
        label = text if len(text) == 1 else NOT_A_DIGIT
        place = f"{self.review.table.resolve()} {item.file} {item.page} {item.place}"
        said = LabelledAnswer(
            label,
            glyph=glyph,
            answer=item.guess[:MAX_LABEL_LENGTH],
            probability=item.confidence,
            model=item.model,
            id=uuid.uuid5(uuid.NAMESPACE_URL, place),
        )
        (kept,) = self._learner.keep(self._writer, _SOURCE, [said])
        if kept.label != label:  # it was settled otherwise before
            self._learner.store.label(kept.id, label)


def routes(session: ReviewSession) -> APIRouter:
    """What the page of a review asks for; files are those of the table, by the numbers of its readings."""
    router = APIRouter()

    @router.get("/api/review")
    def queue(threshold: Annotated[float | None, Query(ge=0, le=1)] = None) -> Response:
        return json_response(session.queue(session.threshold if threshold is None else threshold))

    @router.get("/api/review/{number}/crop")
    def crop(number: int) -> Response:
        try:
            grey = session.scans.crop(session.item(number))
        except InkwiseError as error:
            raise RequestError(404, str(error)) from None
        return Response(cv2.imencode(".png", grey)[1].tobytes(), media_type="image/png")

    @router.put("/api/review/{number}")
    def settle(number: int, body: JsonBody) -> Response:
        said = parse_json_object(body)
        text, before = said.get("text"), said.get("before")
        if not isinstance(text, str):
            raise InkwiseError("text is missing")
        return json_response(session.confirm(number, text, before))

    @router.get("/api/review/table.csv")
    def as_csv() -> Response:
        return _download(_csv(session.review), session.review, "csv", "text/csv")

    @router.get("/api/review/table.jsonl")
    def as_json_lines() -> Response:
        return _download(_json_lines(session.review), session.review, "jsonl", "application/jsonl")

    return router


def _csv(review: ReviewedTable) -> Iterator[str]:
    rows = review.corrected()
    yield csv_line(review.columns)
    for row in rows:
        row["reviewed"] = ", ".join(row["reviewed"])
        yield csv_line([row.get(column) for column in review.columns])


def _json_lines(review: ReviewedTable) -> Iterator[str]:
    yield from map(json_line, review.corrected())


def _download(lines: Iterator[str], review: ReviewedTable, suffix: str, kind: str) -> Response:
    try:
        first = next(lines, "")
    except DataError as error:
        raise RequestError(409, str(error)) from None

    def all_() -> Iterator[str]:
        yield first
        yield from lines

    name = "".join(
        character if character.isascii() and character.isalnum() else "-" for character in review.table.stem
    )
    headers = {"Content-Disposition": f'attachment; filename="{name}-reviewed.{suffix}"'}
    return StreamingResponse(all_(), headers=headers, media_type=kind)
