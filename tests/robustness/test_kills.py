"""Two kills of each workload: no acknowledged item is lost, and every restart succeeds."""

import random

import pytest

from benchmarks.robustness.kill_tests import run_kill_test
from benchmarks.robustness.kill_workloads import KINDS
from benchmarks.robustness.server_workloads import AppWorkload, ServerWorkload

SLOW = {"learning", "learning-twice"}  # covered by the benchmark `faults`


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in SLOW])
def test_workload_loses_nothing_after_kills(kind, tmp_path):
    workload = KINDS[kind](tmp_path)
    tally = run_kill_test(workload, 2, random.Random(0))
    assert tally.problems == []
    assert (tally.tried, tally.survived, tally.lost) == (2, 2, 0)
    if isinstance(workload, ServerWorkload):
        assert workload.acknowledged


@pytest.fixture
def app(tmp_path):
    """A killed app that had acknowledged some samples."""
    app = AppWorkload(tmp_path)
    run = app.start()
    while app.acknowledged < 3:
        assert not run.wait(0.05)
    run.kill()
    return app


def test_count_missing_counts_lost_samples(app, tmp_path):
    assert app.count_missing() == 0
    for path in tmp_path.glob("taught.db*"):
        path.unlink()
    assert app.count_missing() == app.acknowledged
