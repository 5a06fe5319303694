"""A few kills of each kind of work: nothing acknowledged is lost, and every start is clean."""

import random

import pytest

from benchmarks.robustness.kill_tests import run_kill_test
from benchmarks.robustness.kill_workloads import KINDS
from benchmarks.robustness.server_workloads import AppWorkload, ServerWorkload

SLOW = {"learning", "learning-twice"}  # seconds each time; the benchmark `faults` has them


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in SLOW])
def test_nothing_acknowledged_is_lost(kind, tmp_path):
    victim = KINDS[kind](tmp_path)
    toll = run_kill_test(victim, 2, random.Random(0))
    assert toll.problems == []
    assert (toll.tried, toll.survived, toll.lost) == (2, 2, 0)
    if isinstance(victim, ServerWorkload):
        assert victim.acknowledged


@pytest.fixture
def app(tmp_path):
    """An app to which some answers were acknowledged."""
    app = AppWorkload(tmp_path)
    run = app.start()
    while app.acknowledged < 3:
        assert not run.wait(0.05)
    run.kill()
    return app


def test_what_is_lost_is_counted(app, tmp_path):
    assert app.count_missing() == 0
    for path in tmp_path.glob("taught.db*"):
        path.unlink()
    assert app.count_missing() == app.acknowledged
