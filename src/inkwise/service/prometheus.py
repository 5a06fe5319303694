"""What Prometheus asks for: of one process, or of all that share a folder."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder of several processes: prometheus_client's own, set before its import."""

_SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SIZE_BUCKETS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counts of one process."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "inkwise_requests", "Requests by path and status.", ["path", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "inkwise_request_seconds",
            "From the head of a request to the end of its answer.",
            ["path"],
            buckets=_SECONDS_BUCKETS,
            registry=self._registry,
        )
        self._digits = Counter("inkwise_digits", "Digits that were read.", registry=self._registry)
        self._batch_requests = Histogram(
            "inkwise_batch_requests",
            "Requests whose glyphs went through the model together.",
            buckets=_SIZE_BUCKETS,
            registry=self._registry,
        )
        self._batch_glyphs = Histogram(
            "inkwise_batch_glyphs",
            "Glyphs that went through the model together.",
            buckets=_SIZE_BUCKETS,
            registry=self._registry,
        )

    def request(self, path: str, status: int, seconds: float, digits: int) -> None:
        """A request was answered."""
        self._requests.labels(path, status).inc()
        self._seconds.labels(path).observe(seconds)
        self._digits.inc(digits)

    def batch(self, requests: int, glyphs: int) -> None:
        """So many requests with so many glyphs make a batch."""
        self._batch_requests.observe(requests)
        self._batch_glyphs.observe(glyphs)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it; of several processes, whichever is asked, the sums."""
        registry = self._registry
        if MULTIPROCESS_VARIABLE in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
