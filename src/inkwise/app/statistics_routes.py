"""Routes that say how things stand: at the start, over time, and in a trial."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from inkwise._util.errors import InkwiseError
from inkwise.app.limits import UPLOAD_BYTES
from inkwise.corrections import Learner
from inkwise.corrections.learning_jobs import FEWEST, what_is_missing
from inkwise.corrections.sample import checked_text
from inkwise.corrections.trial import trial
from inkwise.http.bodies import POINTS, answer


def routes(learner: Learner) -> APIRouter:
    """Figures; they change nothing."""
    router = APIRouter()

    @router.get("/api/state")
    def state(writer: str) -> Response:
        writer, store = checked_text("writer", writer), learner.store
        recognizer = learner.recognizer(writer)
        return answer(
            {
                "writers": store.writers(),
                "labels": recognizer.labels,
                "digits": learner.base.labels,
                "model": recognizer.model.name,
                "version": store.versions.promoted(writer),
                "damage": learner.damage(writer),
                "accuracy": store.accuracy(writer).to_dict(),
                "samples": store.count(writer=writer),
                "labelled": store.count(writer=writer, labelled=True),
                "learn": what_is_missing(),
                "learn_from": FEWEST,
                "limits": {"points": POINTS, "upload_bytes": UPLOAD_BYTES},
            }
        )

    @router.get("/api/progress")
    def progress(writer: str) -> Response:
        writer, store = checked_text("writer", writer), learner.store
        confusion = store.confusion(writer)
        return answer(
            {
                "accuracy": store.accuracy(writer).to_dict(),
                "curve": store.answers(writer),
                "confusion": {"labels": confusion.labels, "counts": confusion.counts.tolist()},
                "writers": [
                    {"writer": name, "accuracy": store.accuracy(name).to_dict()} for name in store.writers()
                ],
            }
        )

    @router.get("/api/trial")
    def trial_(writer: str, since: datetime | None = None, width: float = 0.05) -> Response:
        since = since or datetime.now(UTC)  # without one a trial begins
        try:
            since = since if since.tzinfo is None else since.astimezone(UTC)
        except OverflowError:
            raise InkwiseError("since is out of range") from None
        now = trial(learner.store, checked_text("writer", writer), since, width, learner.base.labels)
        plain = {**now.accuracy.to_dict(), "done": now.done, "ask": now.ask, "since": since.isoformat()}
        return answer(plain)

    return router
