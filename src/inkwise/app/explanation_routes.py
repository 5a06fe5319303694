"""The route that explains an answer: the ink that decided, the feature maps, and the most similar glyphs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Response
from numpy.typing import NDArray
from pydantic import BeforeValidator

from inkwise.app.requests import Label, WriterBody
from inkwise.corrections import Learner
from inkwise.corrections.sample import decode_glyph, encode_image
from inkwise.http.bodies import json_body, json_response
from inkwise.recognition.explanation import explain_answer

_SIMILAR = 8  # glyphs in one row of the page
_MIN_LEAD = 1.0  # nats; with less the two answers are about as likely, and any ink decides
_NO_RESPONSE = 1e-6  # strongest response of a layer below which its maps are empty


class ExplainBody(WriterBody):
    """A glyph and the answer to it; None is the most likely one."""

    glyph: Annotated[Any, BeforeValidator(decode_glyph)]
    answer: Label | None = None
    letters: bool = False


def routes(learner: Learner, heavy: CapacityLimiter) -> APIRouter:
    """Return the route; its `heavy` threads are others than those that read strokes."""
    router = APIRouter()

    @router.post("/api/explain")
    async def explain(body: Annotated[ExplainBody, json_body(ExplainBody)]) -> Response:
        def respond() -> Response:
            recognizer = learner.recognizer(body.writer, letters=body.letters)
            found = explain_answer(recognizer, body.glyph, body.answer)
            maps = recognizer.model.feature_maps(body.glyph)
            known = learner.known_glyphs(body.writer, letters=body.letters)
            similar = known.most_similar(body.glyph, _SIMILAR) if body.glyph.any() else []
            share = 100 * found.influence / max(found.lead, _MIN_LEAD)
            return json_response(
                {
                    "answer": found.answer,
                    "runner_up": found.runner_up,
                    "lead": round(found.lead, 2),
                    "influence": np.clip(np.rint(share), -100, 100).astype(int).ravel().tolist(),
                    "maps": [_map_dict(layer) for layer in maps],
                    "similar": [asdict(each) | {"glyph": encode_image(each.glyph)} for each in similar],
                }
            )

        return await to_thread.run_sync(respond, limiter=heavy)

    return router


def _map_dict(layer: NDArray[np.float32]) -> dict[str, Any]:
    """Return the maps of a layer (c, h, w) as bytes, 255 for its strongest response."""
    scaled = np.rint(255 * layer / max(float(layer.max()), _NO_RESPONSE)).astype(np.uint8)
    return {"shape": list(layer.shape), "data": encode_image(scaled)}
