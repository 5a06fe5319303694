"""Routes of a review: the queue of doubtful readings, their crops, the answers, the corrected table."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from itertools import chain
from typing import Annotated, Any

import cv2
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from inkwise._util.errors import ConflictError, DataError, InkwiseError, StoreError
from inkwise._util.text import DIGITS, NOT_A_DIGIT, digits_of
from inkwise.batch import check_format, csv_line, json_line, write_xlsx
from inkwise.corrections import LabelledAnswer, Learner
from inkwise.corrections.accuracy import TABLE_SOURCE
from inkwise.corrections.number_learning import cut_number
from inkwise.corrections.sample import validate_field
from inkwise.http.bodies import RequestError, json_body, json_response
from inkwise.preprocessing import image_to_glyph
from inkwise.recognition.ctc.automata import SEPARATORS
from inkwise.review import ReviewedTable, ReviewItem, ScanCrops

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ReviewBody(BaseModel):
    """The true text of a reading; `before` is the text it replaces, None if it was open."""

    text: str
    before: str | None = None


class ReviewSession:
    """A table under review.

    Attributes:
        review: The readings and their answers.
        scans: Source of the crops.
        threshold: Initial confidence below which a reading is doubtful.
        name: Start of the names of the corrected tables.
    """

    def __init__(
        self,
        review: ReviewedTable,
        scans: ScanCrops,
        threshold: float,
        learner: Learner,
        writer: str,
        name: str | None = None,
    ) -> None:
        """Review a table; its digits become samples of the writer, whose name is checked.

        The name is by default that of the table.
        """
        self.review, self.scans, self.threshold = review, scans, threshold
        self.name = review.table.stem if name is None else name
        self._learner, self._writer = learner, validate_field("writer", writer)

    def item(self, number: int) -> ReviewItem:
        """Return a reading by its number from 0; raises RequestError (404) if there is none."""
        if not 0 <= number < len(self.review.items):
            raise RequestError(404, f"there is no reading {number}")
        return self.review.items[number]

    def queue(self, threshold: float) -> dict[str, Any]:
        """Return the doubtful readings with their answers, from here or from another review of this table."""
        review = self.review
        review.refresh()
        doubtful = [
            self.entry(number) for number, item in enumerate(review.items) if item.doubtful(threshold)
        ]
        return {
            "table": review.table.name,
            "threshold": threshold,
            "numbers": len(review.items),
            "unread": review.unread,
            "queue": doubtful,
        }

    def entry(self, number: int) -> dict[str, Any]:
        """Return a reading and its answer as the page has them; raises as `item`."""
        item = self.item(number)
        return {
            "number": number,
            "file": item.file,
            "page": item.page,
            "place": item.place if item.field else None,
            "guess": item.guess,
            "confidence": item.confidence,
            "reason": _reason(item),
            "single": item.single,
            "whole": item.corners is None,
            "settled": self.review.confirmed(item),
        }

    def confirm(self, number: int, text: str, before: str | None) -> dict[str, Any]:
        """Keep an answer, see `ReviewedTable.confirm`; `note` says why its digits did not become samples."""
        item, note = self.item(number), None
        try:
            self.review.confirm(item, text, before)
        except ConflictError as error:
            raise RequestError(409, str(error)) from None
        try:
            if item.single:
                self._add_sample(item, text)
            elif not (item.field and item.corners is None):  # where the field is on the page is not known
                self._add_digits(item, text, before)
        except InkwiseError as error:  # the table has the answer
            note = str(error)
        return {"settled": self.review.confirmed(item), "note": note}

    def _place(self, item: ReviewItem) -> str:
        return f"{self.review.table.resolve()} {item.file} {item.page} {item.place}"

    def _add_sample(self, item: ReviewItem, text: str) -> None:
        glyph = image_to_glyph(self.scans.ink(item))
        if glyph is None:
            return
        label = text if len(text) == 1 else NOT_A_DIGIT
        answer = LabelledAnswer(
            label,
            glyph=glyph,
            answer=NOT_A_DIGIT if item.guess == "?" else item.guess,
            probability=item.confidence if item.guess == item.read else None,
            model=item.model,
            id=uuid.uuid5(uuid.NAMESPACE_URL, self._place(item)),
        )
        (kept,) = self._learner.keep(self._writer, TABLE_SOURCE, [answer])
        if kept.label != label:  # it had another answer before
            self._learner.store.label(kept.id, label)

    def _add_digits(self, item: ReviewItem, text: str, before: str | None) -> None:
        """Keep the digits of a number as samples, cut where the line reader finds its true text.

        They replace those of the answer before.
        """
        store = self._learner.store
        for sample_id in self._digit_ids(item, before or ""):
            with suppress(StoreError):  # it was not kept
                store.delete(sample_id)
        if len(ids := self._digit_ids(item, text)) < 2 or not {*text} <= {*DIGITS, *SEPARATORS}:
            return
        digits = cut_number(self._learner.base, self.scans.ink(item), text)
        answers = [
            LabelledAnswer(digit.label, glyph=digit.glyph, line_ink=ink, id=sample_id)
            for (digit, ink), sample_id in zip(digits, ids, strict=False)
            if digit.glyph.any()
        ]
        # Restores deleted ones, too.
        store.merge(answer.to_sample(self._writer, TABLE_SOURCE) for answer in answers)

    def _digit_ids(self, item: ReviewItem, text: str) -> list[uuid.UUID]:
        places = range(len(digits_of(text)))
        return [
            uuid.uuid5(uuid.NAMESPACE_URL, f"{self._place(item)} {text} digit {place}") for place in places
        ]


def _reason(item: ReviewItem) -> str | None:
    """Return why a person should check a reading, also if a constraint changed an accepted text."""
    if item.accepted and item.guess != item.read:
        return f"the constraint makes it {item.read}"
    return item.reason


def routes(find: Callable[[Request], ReviewSession], prefix: str = "/api/review") -> APIRouter:
    """Return the routes; crops are requested by the numbers of readings, not by file names.

    Args:
        find: Returns the review that a request is about.
        prefix: Path of the routes; it may have parameters, for `find`.
    """
    router = APIRouter(prefix=prefix)

    @router.get("")
    def queue(request: Request, threshold: Annotated[float | None, Query(ge=0, le=1)] = None) -> Response:
        session = find(request)
        return json_response(session.queue(session.threshold if threshold is None else threshold))

    @router.get("/{number}/crop")
    def crop(request: Request, number: int) -> Response:
        session = find(request)
        try:
            grey = session.scans.crop(session.item(number))
        except InkwiseError as error:
            raise RequestError(404, str(error)) from None
        return Response(cv2.imencode(".png", grey)[1].tobytes(), media_type="image/png")

    @router.get("/table.csv")
    def as_csv(request: Request) -> Response:
        session = find(request)
        return _download(_csv(session.review), session, "csv", "text/csv")

    @router.get("/table.jsonl")
    def as_json_lines(request: Request) -> Response:
        session = find(request)
        return _download(_json_lines(session.review), session, "jsonl", "application/jsonl")

    @router.get("/table.xlsx")
    def as_xlsx(request: Request) -> Response:
        session = find(request)
        review, content = session.review, BytesIO()
        try:
            check_format(".xlsx")
            write_xlsx(lambda: _flat_rows(review), content, review.columns)
        except InkwiseError as error:
            raise RequestError(409, str(error)) from None
        return Response(content.getvalue(), media_type=_XLSX, headers=_attachment(session, "xlsx"))

    @router.get("/{number}")
    def entry(request: Request, number: int) -> Response:
        return json_response(find(request).entry(number))

    @router.put("/{number}")
    def confirm(
        request: Request, number: int, body: Annotated[ReviewBody, json_body(ReviewBody)]
    ) -> Response:
        return json_response(find(request).confirm(number, body.text, body.before))

    return router


def _flat_rows(review: ReviewedTable) -> Iterator[dict[str, Any]]:
    """Return the corrected rows with `reviewed` as text; raises as `ReviewedTable.corrected`."""
    return (row | {"reviewed": ", ".join(row["reviewed"])} for row in review.corrected())


def _csv(review: ReviewedTable) -> Iterator[str]:
    rows = _flat_rows(review)
    yield csv_line(review.columns)
    for row in rows:
        yield csv_line([row.get(column) for column in review.columns])


def _json_lines(review: ReviewedTable) -> Iterator[str]:
    yield from map(json_line, review.corrected())


def _download(lines: Iterator[str], session: ReviewSession, suffix: str, kind: str) -> Response:
    try:
        first = next(lines, "")
    except DataError as error:
        raise RequestError(409, str(error)) from None
    return StreamingResponse(chain([first], lines), headers=_attachment(session, suffix), media_type=kind)


def _attachment(session: ReviewSession, suffix: str) -> dict[str, str]:
    name = "".join(
        character if character.isascii() and character.isalnum() else "-" for character in session.name
    )
    return {"Content-Disposition": f'attachment; filename="{name}-reviewed.{suffix}"'}
