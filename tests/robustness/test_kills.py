"""A few kills of each kind of work: nothing acknowledged is lost, and every start is clean."""

import random

import pytest
from people import ServerWorkload
from servers import AppWorkload
from sieges import run_kill_test
from victims import KINDS

SLOW = {"learning", "learning-twice"}  # seconds each time; `benchmarks/faults.py` has them


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in SLOW])
def test_kill_loses_nothing_acknowledged(kind, tmp_path):
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


def test_lost_answers_are_counted(app, tmp_path):
    assert app.count_missing() == 0
    for path in tmp_path.glob("taught.db*"):
        path.unlink()
    assert app.count_missing() == app.acknowledged
