"""Routes that learn in the background, and that look after the versions that come of it."""

from __future__ import annotations

import threading
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import fastapi
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Response

from inkwise.app.limits import MAX_INTEGER
from inkwise.app.requests import JsonBody, parse_writer, store_errors_as
from inkwise.corrections import FineTuningJob, FineTuningState, Learner, VersionScores
from inkwise.corrections.learning_jobs import compare_versions
from inkwise.corrections.sample import validate_field
from inkwise.http.bodies import RequestError, json_response, parse_json_object

_Number = Annotated[int, fastapi.Path(ge=1, le=MAX_INTEGER)]


class LazyFineTuningJob:
    """The one job of a server; it needs the database only once something is learnt."""

    def __init__(self, learner: Learner, base: str | Path | None) -> None:
        """Learn from this learner's store, starting from the model that it began with."""
        self._learner = learner
        self._base = base
        self._lock = threading.Lock()
        self._job: FineTuningJob | None = None

    def state(self) -> FineTuningState:
        """How it stands."""
        return self._job.state() if self._job else FineTuningState()

    def start(self, writer: str) -> FineTuningState:
        """Begin, if nothing is being learnt."""
        store = self._learner.store
        with self._lock:
            self._job = self._job or FineTuningJob(store, self._base)
        return self._job.start(writer)

    def cancel(self) -> FineTuningState:
        """End what is running, if anything is."""
        return self._job.cancel() if self._job else FineTuningState()


def routes(learner: Learner, job: LazyFineTuningJob, heavy: CapacityLimiter) -> APIRouter:
    """Learning and versions; comparing them is `heavy`."""
    router = APIRouter()

    @router.get("/api/learn")
    def state() -> Response:
        return json_response(asdict(job.state()))

    @router.post("/api/learn")
    def start(body: JsonBody) -> Response:
        writer = parse_writer(parse_json_object(body))
        with store_errors_as(409):
            return json_response(asdict(job.start(writer)), 202)

    @router.delete("/api/learn")
    def cancel() -> Response:
        return json_response(asdict(job.cancel()))

    @router.get("/api/versions")
    def list_(writer: str) -> Response:
        return json_response(_list(learner, validate_field("writer", writer)))

    @router.post("/api/versions/promote")
    def promote(body: JsonBody) -> Response:
        plain = parse_json_object(body)
        writer, number, versions = parse_writer(plain), plain.get("number"), learner.store.versions
        if type(number) is not int or not 0 <= number <= MAX_INTEGER:
            raise RequestError(422, "number is not the number of a version")
        with store_errors_as(404):
            if number:
                versions.open_model(number, threads=1)  # a damaged one does not take a good one's place
            versions.promote(writer, number)
        return json_response(_list(learner, writer))

    @router.get("/api/versions/compare")
    async def compare_(writer: str) -> Response:
        return await to_thread.run_sync(_compare, learner, validate_field("writer", writer), limiter=heavy)

    @router.get("/api/versions/{number}/model.onnx")
    def weights(number: _Number) -> Response:
        versions = learner.store.versions
        with store_errors_as(404):
            onnx = versions.weights(number)
        name = f'attachment; filename="inkwise-version-{number}.onnx"'
        return Response(onnx, headers={"Content-Disposition": name}, media_type="application/octet-stream")

    return router


def _list(learner: Learner, writer: str) -> dict[str, Any]:
    versions = learner.store.versions
    return {
        "current": versions.promoted(writer),
        "damage": learner.damage(writer),
        "versions": [
            {
                **asdict(version),
                "time": version.time.isoformat(),
                "before": _scores(version.before),
                "after": _scores(version.after),
                "worse": version.after.worse_than(version.before),
            }
            for version in versions.list(writer)
        ],
    }


def _scores(scores: VersionScores) -> dict[str, Any]:
    return {"mnist": scores.mnist.to_dict(), "own": scores.own.to_dict()}


def _compare(learner: Learner, writer: str) -> Response:
    comparison = compare_versions(learner.store, writer, learner.base.model)
    accuracy = [[each.to_dict() for each in row] for row in comparison.accuracy]
    return json_response({**vars(comparison), "accuracy": accuracy})
