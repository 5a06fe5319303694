"""Routes for the state of a writer, the accuracy over time, and accuracy tests."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from inkwise._util.errors import InkwiseError
from inkwise.app.answers import score
from inkwise.app.requests import UPLOAD_BYTES, Writer
from inkwise.corrections import Learner
from inkwise.corrections.accuracy import accuracy_test
from inkwise.corrections.learning_jobs import MIN_SAMPLES, install_commands
from inkwise.http.bodies import MAX_POINTS, json_response


def routes(learner: Learner) -> APIRouter:
    """Return the routes; they change nothing."""
    router = APIRouter()

    @router.get("/api/state")
    def state(writer: Writer, letters: bool = False) -> Response:
        store, recognizer = learner.store, learner.recognizer(writer, letters=letters)
        return json_response(
            {
                "writers": store.writers(),
                "labels": recognizer.labels,
                "digits": learner.base.labels,
                "letters": not learner.base.model.reads_letters,
                "model": recognizer.model.name,
                "version": store.versions.promoted(writer),
                "damage": learner.damage(writer),
                "accuracy": score(store, writer),
                "samples": store.count(writer=writer),
                "stored": store.stored(writer),
                "labelled": store.count(writer=writer, labelled=True, of_digits=True),
                "install": install_commands(),
                "learn_from": MIN_SAMPLES,
                "limits": {"points": MAX_POINTS, "upload_bytes": UPLOAD_BYTES},
            }
        )

    @router.get("/api/progress")
    def progress(writer: Writer) -> Response:
        store = learner.store
        confusion = store.confusion(writer)
        return json_response(
            {
                "accuracy": score(store, writer),
                "curve": store.answers(writer),
                "confusion": {"labels": confusion.labels, "counts": confusion.counts.tolist()},
                "writers": [{"writer": name, "accuracy": score(store, name)} for name in store.writers()],
            }
        )

    @router.get("/api/trial")
    def trial(writer: Writer, since: datetime | None = None, width: float = 0.05) -> Response:
        since = since or datetime.now(UTC)  # without a time a new test begins
        try:
            since = since if since.tzinfo is None else since.astimezone(UTC)
        except OverflowError:
            raise InkwiseError("since is out of range") from None
        now = accuracy_test(learner.store, writer, since, width, learner.base.labels)
        return json_response(
            {**now.accuracy.to_dict(), "done": now.done, "ask": now.ask, "since": since.isoformat()}
        )

    return router
