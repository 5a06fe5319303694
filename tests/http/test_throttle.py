import logging

import pytest

from inkwise.http import throttle as throttle_module
from inkwise.http.throttle import FewWarnings, Throttle


@pytest.fixture
def clock(monkeypatch):
    """A fake clock; `clock[0]` is its time in seconds."""
    now = [100.0]
    monkeypatch.setattr(throttle_module, "monotonic", lambda: now[0])
    return now


def test_throttle_counts_omitted_events(clock):
    throttle = Throttle(2, seconds=5)
    assert [throttle.allow() for _ in range(5)] == [0, 0, None, None, None]
    clock[0] += 4.9
    assert throttle.allow() is None
    clock[0] += 0.2
    assert [throttle.allow() for _ in range(3)] == [4, 0, None]


def test_filter_limits_warnings_but_not_errors(clock):
    def record(level):
        return logging.LogRecord("name", level, "file", 1, "text", (), None)

    few = FewWarnings()
    levels = [logging.WARNING, logging.WARNING, logging.ERROR, logging.INFO, logging.ERROR]
    assert [few.filter(record(level)) for level in levels] == [True, False, True, False, True]
    clock[0] += 1
    assert few.filter(record(logging.WARNING))
