"""The log: a line of JSON on standard error for each event, which never holds what was read."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any


class JsonLinesFormatter(logging.Formatter):
    """Formats a record as JSON: its time, level and message, or in its place the values given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": time, "level": record.levelname.lower(), "pid": record.process}
        line |= getattr(record, "values", None) or {"message": record.getMessage()}
        if record.exc_info and record.exc_info[0]:
            # Where it happened, and of what kind; what an error says may be what somebody sent.
            line["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(line)


def log_to_stderr() -> None:
    """Have this process log so: requests, warnings and errors."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLinesFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("inkwise").setLevel(logging.INFO)
