"""Logs as JSON Lines on standard error, and metrics for Prometheus; neither contains what was read."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
import traceback
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from inkwise.http.middleware import CLIENT_CLOSED, RequestRecord
from inkwise.http.throttle import Throttle

_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's variable, which it reads at import

_SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SIZE_BUCKETS = (1, 2, 4, 8, 16, 32, 64)
_DROPPED_PER_SECOND = 10  # logged requests per second that have no valid token, or no response

_logger = logging.getLogger("inkwise.service")


@contextmanager
def shared_metrics() -> Iterator[None]:
    """Add up the metrics of the processes that are started within the block, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="inkwise-") as folder:
        os.environ[_FOLDER_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[_FOLDER_VARIABLE]


class Metrics:
    """Counts and times of one process."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "inkwise_requests", "Requests by path and status.", ["path", "status"], registry=registry
        )
        self._seconds = Histogram(
            "inkwise_request_seconds",
            "Time from the head of a request to the end of its response.",
            ["path"],
            buckets=_SECONDS_BUCKETS,
            registry=registry,
        )
        self._digits = Counter("inkwise_digits", "Digits read.", registry=registry)
        self._batch_requests, self._batch_glyphs = (
            Histogram(f"inkwise_batch_{unit}", text, buckets=_SIZE_BUCKETS, registry=registry)
            for unit, text in (
                ("requests", "Requests per model batch."),
                ("glyphs", "Glyphs per model batch."),
            )
        )

    def request(self, path: str, status: int, seconds: float, digits: int) -> None:
        """Count a request."""
        self._requests.labels(path, status).inc()
        self._seconds.labels(path).observe(seconds)
        self._digits.inc(digits)

    def batch(self, requests: int, glyphs: int) -> None:
        """Count a batch of the model."""
        self._batch_requests.observe(requests)
        self._batch_glyphs.observe(glyphs)

    def text(self) -> bytes:
        """Return the metrics in Prometheus' text format; those of several processes are added up."""
        registry = self._registry
        if _FOLDER_VARIABLE in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


class RequestLog:
    """Logs and counts each request."""

    def __init__(self, metrics: Metrics, paths: Collection[str]) -> None:
        """Count requests by these paths, all other paths as one."""
        self._metrics, self._paths = metrics, paths
        self._dropped = Throttle(_DROPPED_PER_SECOND)

    def __call__(self, record: RequestRecord) -> None:
        """Log a request that has ended."""
        seconds, status = time.perf_counter() - record.began, record.status or CLIENT_CLOSED
        path = record.path if record.path in self._paths else "other"
        self._metrics.request(path, status, seconds, record.digits)
        dropped = not record.authorized or status == CLIENT_CLOSED  # a client can send any number of these
        if (omitted := self._dropped.allow() if dropped else 0) is None:
            return
        values = {
            "id": record.id,
            "method": record.method,
            "path": record.path[:80],
            "status": status,
            "ms": round(1000 * seconds, 2),
            "bytes": record.bytes,
            "digits": record.digits,
            "token": record.token,
        }
        _logger.info("request", extra={"values": values | ({"omitted": omitted} if omitted else {})})


class JsonLinesFormatter(logging.Formatter):
    """Formats a record as JSON: time, level, process, and the message or the `values` given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": moment, "level": record.levelname.lower(), "pid": record.process}
        line |= getattr(record, "values", None) or {"message": record.getMessage()}
        if record.exc_info and record.exc_info[0]:
            # Class and place of an exception; its message may contain what a client sent.
            line["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(line)


def log_to_stderr() -> None:
    """Log requests, warnings and errors of this process as JSON Lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLinesFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("inkwise").setLevel(logging.INFO)
