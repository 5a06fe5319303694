"""Request and response schemas of the service's OpenAPI description."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field

from inkwise import __version__
from inkwise.http.bodies import MAX_POINTS, MAX_STROKES
from inkwise.preprocessing.strokes import MAX_COORDINATE
from inkwise.service.uploads import FORM, MAX_FILES

HEALTH_PATH = "/healthz"

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_COORDINATE = {"type": "number", "minimum": -MAX_COORDINATE, "maximum": MAX_COORDINATE}
_POINTS: list[dict[str, Any]] = [
    *({"type": "array", "items": _COORDINATE, "minItems": size, "maxItems": size} for size in (2, 3, 4)),
    {"type": "object", "properties": {"x": _COORDINATE, "y": _COORDINATE}, "required": ["x", "y"]},
]
_LINES = [{"type": "array", "items": point, "minItems": 1, "maxItems": MAX_POINTS} for point in _POINTS]
_PAD_LINE = {"type": "object", "properties": {"points": {"anyOf": _LINES}}, "required": ["points"]}
_STROKE = {"anyOf": [*_LINES, _PAD_LINE]}
_STROKES = {"type": "array", "items": _STROKE, "maxItems": MAX_STROKES}


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


def _form(field: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {FORM: {"schema": {"type": "object", "properties": {field: schema}, "required": [field]}}}


PICTURE_BODY = _body(
    {f"image/{name}": _BINARY for name in ("png", "jpeg", "webp", "tiff", "bmp")}
    | {"application/pdf": _BINARY, "application/octet-stream": _BINARY}
    | _form("file", _BINARY["schema"])
)

BATCH_BODY = _body(_form("files", {"type": "array", "items": _BINARY["schema"], "maxItems": MAX_FILES}))

GLYPHS_BODY = _body({"application/octet-stream": _BINARY})

STROKES_BODY = _body(
    {
        "application/json": {
            "schema": {
                **{"type": "object", "properties": {"strokes": _STROKES}, "required": ["strokes"]},
                "additionalProperties": False,
            },
            "example": {"strokes": [[[30, 25], [85, 25], [55, 100]]]},
        }
    }
)


class _StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DigitSchema(_StrictModel):
    """One digit, as `Digit.to_dict` returns it."""

    label: str = Field(description="The most probable label, whether accepted or not.")
    probability: float = Field(ge=0, le=1)
    accepted: bool
    doubt: str | None = Field(description="Why it is not accepted: two labels, or that it is not a digit.")
    alternatives: list[tuple[str, float]] = Field(description="Labels with their probabilities.")
    box: tuple[int, int, int, int] | None = Field(description="x, y, width, height in pixels.")
    strokes: list[int] | None = Field(description="Indices of its strokes.")


class NumberSchema(_StrictModel):
    """One number, as `Number.to_dict` returns it."""

    text: str = Field(description='Digits and separators; "?" stands for a digit that is not accepted.')
    value: str | None = Field(description="Its value, as a decimal number.")
    confidence: float = Field(ge=0, le=1)
    accepted: bool
    reason: str | None = Field(description="Why it is not accepted.")
    line: int = Field(ge=0, description="Index of its text line.")
    box: tuple[int, int, int, int] | None = Field(description="x, y, width, height in pixels.")
    polygon: list[tuple[float, float]] | None = Field(description="Its corners, clockwise, in pixels.")
    digits: list[DigitSchema]


class IgnoredSchema(_StrictModel):
    """A region of a picture that was not read."""

    box: tuple[int, int, int, int] = Field(description="x, y, width, height in pixels.")
    reason: str


class ReadingSchema(_StrictModel):
    """A reading, as `Reading.to_dict` returns it."""

    version: Literal[1] = Field(alias="schema", description="Version of this schema.")
    text: str = Field(description="The numbers, with a space between them and a newline between lines.")
    confidence: float = Field(ge=0, le=1)
    accepted: bool
    reason: str | None = Field(description="Why the text is empty or not accepted.")
    numbers: list[NumberSchema]
    ignored: list[IgnoredSchema]
    unconstrained: str | None = Field(description="The text read without the constraint.")
    width: int | None = Field(description="Of the picture, in pixels.")
    height: int | None
    model: str
    elapsed_ms: float


class ResultSchema(_StrictModel):
    """The reading of one file, or of one page, of a batch."""

    file: str = Field(description="Its name in the form.")
    page: int | None = Field(description="Page of a file of several, from 1.")
    reading: ReadingSchema | None
    error: str | None = Field(description="Why it cannot be read; one line.")


class BatchSchema(_StrictModel):
    """Readings of all files of a form, in their order."""

    results: list[ResultSchema]


class Classes(_StrictModel):
    """Classification of glyphs."""

    model: str
    classes: list[str] = Field(description="Labels of the probability columns.")
    labels: list[str] = Field(description="Most probable label of each glyph.")
    accepted: list[bool] = Field(description="Whether its probability reaches the model's threshold.")
    probabilities: list[list[float]] = Field(description="One row per glyph.")


class Health(_StrictModel):
    """State of the service."""

    status: Literal["ready"]


class Failure(_StrictModel):
    """An error response."""

    error: str = Field(description="One line.")


def failures(**reasons: str) -> dict[int | str, dict[str, Any]]:
    """Return the error responses of a route: those of every route, and `reasons` by status as _422="..."."""
    known = {
        401: "the token is missing or wrong",
        403: "the request comes from another site",
        500: "internal error",
        **{int(status.strip("_")): reason for status, reason in reasons.items()},
    }
    retry = {"headers": {"Retry-After": {"schema": {"type": "string"}}}}
    return {
        status: {"model": Failure, "description": reason} | (retry if status in (429, 503) else {})
        for status, reason in sorted(known.items())
    }


def describe(app: FastAPI, tokens: bool) -> None:
    """Describe an app at its `openapi_url`; `tokens` says whether it requires a token."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = get_openapi(title="Inkwise", version=__version__, routes=app.routes)
            for operations in app.openapi_schema["paths"].values():
                for operation in operations.values():  # the summary is the first line of the docstring
                    operation["summary"], _, rest = operation.pop("description").partition("\n\n")
                    operation |= {"description": rest} if rest else {}
            if tokens:
                bearer = {"type": "http", "scheme": "bearer"}
                app.openapi_schema["components"]["securitySchemes"] = {"token": bearer}
                app.openapi_schema["security"] = [{"token": []}]
                app.openapi_schema["paths"][HEALTH_PATH]["get"]["security"] = []
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
