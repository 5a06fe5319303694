"""Limits on how much is logged, so that no client can fill a disk."""

from __future__ import annotations

import logging
from time import monotonic


class Throttle:
    """Allows an event so many times a period, and counts those it did not allow."""

    def __init__(self, count: int, seconds: float = 1.0) -> None:
        """Allow `count` events in any period of `seconds`."""
        self._count, self._seconds = count, seconds
        self._allowed = self._omitted = 0
        self._began = -seconds

    def allow(self) -> int | None:
        """Whether one more event is allowed.

        Returns:
            The number of events omitted since the last one that was allowed; None if this one is not allowed.
        """
        now = monotonic()
        if now - self._began >= self._seconds:
            self._began, self._allowed = now, 0
        if self._allowed == self._count:
            self._omitted += 1
            return None
        self._allowed += 1
        omitted, self._omitted = self._omitted, 0
        return omitted


class FewWarnings(logging.Filter):
    """Passes one record a second of those below the level of errors; anybody can cause such a record."""

    def __init__(self) -> None:
        """Pass the first."""
        super().__init__()
        self._throttle = Throttle(1)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log a record."""
        return record.levelno >= logging.ERROR or self._throttle.allow() is not None
