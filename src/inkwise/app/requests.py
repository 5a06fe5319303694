"""Checked request values of the app's routes, limits on them, and the errors of the store as responses."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, StrictInt, model_validator
from sqlalchemy.exc import SQLAlchemyError

from inkwise._util.errors import StoreError
from inkwise.corrections import LabelledAnswer
from inkwise.corrections.sample import decode_glyph, validate_field
from inkwise.http.bodies import MAX_STROKES, RequestError, parse_strokes
from inkwise.recognition import Expect

UPLOAD_BYTES = 32 * 2**20
"""Maximum size of an image file."""

SCAN_BYTES = 256 * 2**20
"""Maximum size of a file of filled scans, which may be a PDF of many pages."""

UNPACKED_BYTES = 512 * 2**20
"""Maximum size of all files of an import after unpacking."""

MAX_INTEGER = 2**31 - 1
"""Largest integer that the databases can hold."""

_BODY_BYTES = 4 * 2**20  # maximum size of all other bodies
_BODY_BYTES_AT = {
    "/api/picture": UPLOAD_BYTES,
    "/api/import": 256 * 2**20,
    "/api/forms": UPLOAD_BYTES,
}

_T = TypeVar("_T")


def body_limit(path: str) -> int:
    """Return the maximum size of a body at a path, in bytes."""
    if path.startswith("/api/forms/") and path.endswith("/scans"):
        return SCAN_BYTES
    return _BODY_BYTES_AT.get(path, _BODY_BYTES)


def _optional(parse: Callable[[object], _T], *absent: str) -> Callable[[object], _T | None]:
    return lambda value: None if value is None or value in absent else parse(value)


Writer = Annotated[str, BeforeValidator(partial(validate_field, "writer"))]
Label = Annotated[str, BeforeValidator(partial(validate_field, "label"))]
AnyWriter = Annotated[str | None, BeforeValidator(_optional(partial(validate_field, "writer"), ""))]
AnyLabel = Annotated[str | None, BeforeValidator(_optional(partial(validate_field, "label"), ""))]


class WriterBody(BaseModel):
    """A request about a writer."""

    writer: Writer


class ReadBody(WriterBody):
    """Strokes to read; `expect` as for `Recognizer.read`, `letters` as for `Learner.recognizer`."""

    strokes: Annotated[list[Any], BeforeValidator(parse_strokes)]
    expect: Expect | None = None
    letters: bool = False


class LabelBody(BaseModel):
    """The true label of a sample."""

    label: Label


class AnswerBody(LabelBody):
    """One answer; values without a check here are checked by `Sample`."""

    strokes: Annotated[Any, BeforeValidator(_optional(parse_strokes))] = None
    glyph: Annotated[Any, BeforeValidator(_optional(decode_glyph))] = None
    answer: Any = None
    probability: Any = None
    model: Any = None
    number_id: uuid.UUID | None = None
    id: uuid.UUID | None = None


class KeepBody(WriterBody):
    """Answers to keep as samples."""

    source: Literal["canvas", "trial", "picture"]
    answers: list[AnswerBody] = Field(min_length=1, max_length=MAX_STROKES)

    @model_validator(mode="after")
    def _check_total(self) -> Self:
        parse_strokes([stroke for answer in self.answers for stroke in answer.strokes or ()])
        return self

    def labelled(self) -> list[LabelledAnswer]:
        """Return the answers as the learner takes them."""
        return [LabelledAnswer(**dict(answer)) for answer in self.answers]


class UndoBody(WriterBody):
    """Samples whose last steps are undone; by default the writer's last step."""

    ids: list[uuid.UUID] | None = Field(None, min_length=1, max_length=MAX_STROKES)


class PromoteBody(WriterBody):
    """The version to use; 0 is the base model."""

    number: StrictInt = Field(ge=0, le=MAX_INTEGER)


@contextmanager
def store_errors_as(status: int) -> Iterator[None]:
    """Respond with this status to what the store rejects; errors of the database itself pass."""
    try:
        yield
    except StoreError as error:
        if isinstance(error.__cause__, SQLAlchemyError):
            raise
        raise RequestError(status, str(error)) from None
