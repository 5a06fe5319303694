"""Rate limits of log records, so that no client can fill a disk."""

from __future__ import annotations

import logging
from time import monotonic


class Throttle:
    """Allows a number of events per period, and counts the omitted ones."""

    def __init__(self, count: int, seconds: float = 1.0) -> None:
        """Allow `count` events in any period of `seconds`."""
        self._count, self._seconds = count, seconds
        self._allowed = self._omitted = 0
        self._began = -seconds

    def allow(self) -> int | None:
        """Return how many events were omitted since the last allowed one; None if this one is omitted."""
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
    """Passes one record a second below the level of errors, since any client can cause such records."""

    def __init__(self) -> None:
        """Pass the first record."""
        super().__init__()
        self._throttle = Throttle(1)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log a record."""
        return record.levelno >= logging.ERROR or self._throttle.allow() is not None
