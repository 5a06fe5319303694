"""What the service takes and gives, as its OpenAPI describes it."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field

from inkwise import __version__
from inkwise.http.bodies import MAX_POINTS, MAX_STROKES
from inkwise.preprocessing.strokes import MAX_COORDINATE
from inkwise.service.middleware import HEALTH_PATH

_IMAGE_TYPES = (
    "application/octet-stream",
    "image/png",
    "image/jpeg",
    "image/webp",
    "image/tiff",
    "image/bmp",
)
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_COORDINATE = {"type": "number", "minimum": -MAX_COORDINATE, "maximum": MAX_COORDINATE}
_POINT = {"type": "array", "items": _COORDINATE, "minItems": 2, "maxItems": 2}
_STROKE = {"type": "array", "items": _POINT, "minItems": 1, "maxItems": MAX_POINTS}
_STROKES = {"type": "array", "items": _STROKE, "maxItems": MAX_STROKES}


class _StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DigitSchema(_StrictModel):
    """One digit, as `DigitSchema.to_dict` has it."""

    label: str = Field(description="The best guess, also where it is not accepted.")
    probability: float = Field(ge=0, le=1)
    accepted: bool
    doubt: str | None = Field(description="Why it is not accepted: two labels, or that it is no digit.")
    alternatives: list[tuple[str, float]] = Field(description="Labels and their probabilities.")
    box: tuple[int, int, int, int] | None = Field(description="x, y, width, height in pixels.")
    strokes: list[int] | None = Field(description="The numbers of its strokes.")


class ReadingSchema(_StrictModel):
    """What was read, as `ReadingSchema.to_dict` has it."""

    text: str = Field(description='"?" stands for a digit that is not accepted.')
    confidence: float = Field(ge=0, le=1)
    accepted: bool
    digits: list[DigitSchema]
    reason: str | None = Field(description="Why the text is empty or not accepted.")
    unconstrained: str | None = Field(description="What was read without what is known of the number.")
    model: str
    elapsed_ms: float


class Classes(_StrictModel):
    """What glyphs are."""

    model: str
    classes: list[str] = Field(description="The labels of the columns of probabilities.")
    labels: list[str] = Field(description="Of each glyph the likeliest label.")
    accepted: list[bool] = Field(description="Whether its probability reaches the model's threshold.")
    probabilities: list[list[float]] = Field(description="Of each glyph a row.")


class Health(_StrictModel):
    """Whether requests are taken."""

    status: Literal["ready"]


class Failure(_StrictModel):
    """Why there is no answer."""

    error: str = Field(description="One line.")


def failures(**reasons: str) -> dict[int | str, dict[str, Any]]:
    """Of a route: its failures by status, as _422="the reason"; and those of every route."""
    known = {
        401: "the token is missing or wrong",
        403: "the request comes from another site",
        500: "something went wrong",
        **{int(status.strip("_")): reason for status, reason in reasons.items()},
    }
    found: dict[int | str, dict[str, Any]] = {
        status: {"model": Failure, "description": reason} for status, reason in sorted(known.items())
    }
    for status in (429, 503):
        if status in found:
            found[status]["headers"] = {"Retry-After": {"schema": {"type": "string"}}}
    return found


IMAGE_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": dict.fromkeys(_IMAGE_TYPES, _BYTES)},
}

STROKES_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"strokes": _STROKES},
                    "required": ["strokes"],
                },
                "example": {"strokes": [[[30, 25], [85, 25], [55, 100]]]},
            }
        },
    }
}

GLYPHS_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/octet-stream": _BYTES}},
}


def describe(app: FastAPI, tokens: bool) -> None:
    """Have an app describe itself at its `openapi_url`; `tokens` says whether it demands one."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = get_openapi(title="Inkwise", version=__version__, routes=app.routes)
            if tokens:
                bearer = {"type": "http", "scheme": "bearer"}
                app.openapi_schema["components"]["securitySchemes"] = {"token": bearer}
                app.openapi_schema["security"] = [{"token": []}]
                app.openapi_schema["paths"][HEALTH_PATH]["get"]["security"] = []
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
