"""Routes for fine-tuning in the background, and for the model versions that come of it."""

from __future__ import annotations

import threading
from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Path, Response

from inkwise.app.requests import MAX_INTEGER, PromoteBody, Writer, WriterBody, store_errors_as
from inkwise.corrections import FineTuningJob, FineTuningState, Learner, VersionScores
from inkwise.corrections.learning_jobs import compare_versions
from inkwise.http.bodies import json_body, json_response


class LazyFineTuningJob:
    """The one job of a server; it opens the database when the first fine-tuning starts."""

    def __init__(self, learner: Learner, base: str | FilePath | None) -> None:
        """Fine-tune on the samples of this learner's store, starting from its base model."""
        self._learner, self._base = learner, base
        self._lock = threading.Lock()
        self._job: FineTuningJob | None = None

    def state(self) -> FineTuningState:
        """Return the state of the newest run."""
        return self._job.state() if self._job else FineTuningState()

    def start(self, writer: str) -> FineTuningState:
        """Start a run unless one is under way."""
        store = self._learner.store
        with self._lock:
            self._job = self._job or FineTuningJob(store, self._base)
        return self._job.start(writer)

    def cancel(self) -> FineTuningState:
        """Cancel the run under way, if there is one."""
        return self._job.cancel() if self._job else FineTuningState()


def routes(learner: Learner, job: LazyFineTuningJob, heavy: CapacityLimiter) -> APIRouter:
    """Return the routes; versions are compared by the `heavy` threads."""
    router = APIRouter()

    @router.get("/api/learn")
    def state() -> Response:
        return json_response(asdict(job.state()))

    @router.post("/api/learn")
    def start(body: Annotated[WriterBody, json_body(WriterBody)]) -> Response:
        with store_errors_as(409):
            return json_response(asdict(job.start(body.writer)), 202)

    @router.delete("/api/learn")
    def cancel() -> Response:
        return json_response(asdict(job.cancel()))

    @router.get("/api/versions")
    def list_versions(writer: Writer) -> Response:
        return _versions_response(learner, writer)

    @router.post("/api/versions/promote")
    def promote(body: Annotated[PromoteBody, json_body(PromoteBody)]) -> Response:
        versions = learner.store.versions
        with store_errors_as(404):
            if body.number:
                versions.open_models(body.number, threads=1)  # a damaged one must not replace a good one
            versions.promote(body.writer, body.number)
        return _versions_response(learner, body.writer)

    @router.get("/api/versions/compare")
    async def compare(writer: Writer) -> Response:
        comparison = await to_thread.run_sync(
            lambda: compare_versions(learner.store, writer, learner.base.model), limiter=heavy
        )
        accuracy = [[each.to_dict() for each in row] for row in comparison.accuracy]
        return json_response({**vars(comparison), "accuracy": accuracy})

    @router.get("/api/versions/{number}/model.onnx")
    def weights(number: Annotated[int, Path(ge=1, le=MAX_INTEGER)]) -> Response:
        versions = learner.store.versions
        with store_errors_as(404):
            onnx = versions.weights(number)
        name = f'attachment; filename="inkwise-version-{number}.onnx"'
        return Response(onnx, headers={"Content-Disposition": name}, media_type="application/octet-stream")

    return router


def _versions_response(learner: Learner, writer: str) -> Response:
    versions = learner.store.versions
    listed: list[dict[str, Any]] = [
        {
            **asdict(version),
            "time": version.time.isoformat(),
            "before": _scores(version.before),
            "after": _scores(version.after),
            "worse": version.after.worse_than(version.before),
        }
        for version in versions.list(writer)
    ]
    return json_response(
        {"current": versions.promoted(writer), "damage": learner.damage(writer), "versions": listed}
    )


def _scores(scores: VersionScores) -> dict[str, Any]:
    return {name: accuracy.to_dict() for name, accuracy in vars(scores).items()}
