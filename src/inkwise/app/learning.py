"""Routes that learn in the background, and that look after the versions that come of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import fastapi
import numpy as np
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Response

from inkwise.app.bodies import JsonBytes, RefusedError, answer, fields, refused, writer_of
from inkwise.corrections import Accuracy, Job, JobState, Learner, Sample, Scores
from inkwise.corrections.learning import held_back
from inkwise.corrections.sample import checked_text
from inkwise.recognition import Model

_HIGHEST = 2**31 - 1  # the databases count no further

_Number = Annotated[int, fastapi.Path(ge=1, le=_HIGHEST)]


class LearningJob:
    """The one job of a server; it needs the database only once something is learnt."""

    def __init__(self, learner: Learner, base: Path | None) -> None:
        """Learn from this learner's store, starting from the model file that it began with."""
        self._learner = learner
        self._base = base
        self._lock = threading.Lock()
        self._job: Job | None = None

    def state(self) -> JobState:
        """How it stands."""
        return self._job.state() if self._job else JobState()

    def start(self, writer: str) -> JobState:
        """Begin, if nothing is being learnt."""
        store = self._learner.store
        with self._lock:
            self._job = self._job or Job(store, self._base)
        return self._job.start(writer)

    def cancel(self) -> JobState:
        """End what is running, if anything is."""
        return self._job.cancel() if self._job else JobState()


def routes(learner: Learner, job: LearningJob, heavy: CapacityLimiter) -> APIRouter:
    """Learning and versions; comparing them is `heavy`."""
    router = APIRouter()

    @router.get("/api/learn")
    def state() -> Response:
        return answer(asdict(job.state()))

    @router.post("/api/learn")
    def start(body: JsonBytes) -> Response:
        writer = writer_of(fields(body))
        with refused(409):
            return answer(asdict(job.start(writer)), 202)

    @router.delete("/api/learn")
    def cancel() -> Response:
        return answer(asdict(job.cancel()))

    @router.get("/api/versions")
    def list_(writer: str) -> Response:
        return answer(_list(learner, checked_text("writer", writer)))

    @router.post("/api/versions/promote")
    def promote(body: JsonBytes) -> Response:
        plain = fields(body)
        writer, number, versions = writer_of(plain), plain.get("number"), learner.store.versions
        if type(number) is not int or not 0 <= number <= _HIGHEST:
            raise RefusedError(422, "number is not the number of a version")
        with refused(404):
            versions.promote(writer, number)
        return answer(_list(learner, writer))

    @router.get("/api/versions/compare")
    async def compare(writer: str) -> Response:
        return await to_thread.run_sync(_compare, learner, checked_text("writer", writer), limiter=heavy)

    @router.get("/api/versions/{number}/model.onnx")
    def weights(number: _Number) -> Response:
        versions = learner.store.versions
        with refused(404):
            onnx = versions.weights(number)
        name = f'attachment; filename="inkwise-version-{number}.onnx"'
        return Response(onnx, headers={"Content-Disposition": name}, media_type="application/octet-stream")

    return router


def _list(learner: Learner, writer: str) -> dict[str, Any]:
    versions = learner.store.versions
    return {
        "current": versions.promoted(writer),
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


def _scores(scores: Scores) -> dict[str, Any]:
    return {"mnist": scores.mnist.to_dict(), "own": scores.own.to_dict()}


def _compare(learner: Learner, writer: str) -> Response:
    """Each model alone, without the memory, which knows all of these samples."""
    store = learner.store
    numbers = sorted(version.number for version in store.versions.list(writer))
    models = [learner.base.model, *(Model(store.versions.weights(number), threads=1) for number in numbers)]
    writers, columns = store.writers(), []
    for name in writers:
        samples = [
            sample
            for sample in store.samples(writer=name)
            # What a version learnt from says nothing about it.
            if sample.label is not None and (name != writer or held_back(sample.id))
        ]
        columns.append([_accuracy(model, samples).to_dict() for model in models])
    rows = [list(row) for row in zip(*columns, strict=True)] or [[] for _ in models]
    return answer({"versions": [0, *numbers], "writers": writers, "accuracy": rows})


def _accuracy(model: Model, samples: Sequence[Sample]) -> Accuracy:
    if not samples:
        return Accuracy(0, 0)
    probabilities, _ = model.run(np.stack([sample.glyph for sample in samples]))
    best = np.array(model.labels)[probabilities.argmax(1)]
    return Accuracy(int((best == np.array([sample.label for sample in samples])).sum()), len(samples))
