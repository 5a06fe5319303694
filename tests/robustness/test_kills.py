"""A few kills of each kind of work: nothing acknowledged is lost, and every start is clean."""

import random

import pytest
from sieges import run_kill_test
from victims import KINDS, AppWorkload, Exporting

CHEAP = ("answering", "downloading", "training")


@pytest.mark.parametrize("kind", CHEAP)
def test_nothing_acknowledged_is_lost(kind, tmp_path):
    victim = KINDS[kind](tmp_path)
    toll = run_kill_test(victim, 2, random.Random(0))
    assert toll.problems == []
    assert (toll.tried, toll.survived, toll.lost) == (2, 2, 0)
    if isinstance(victim, AppWorkload):
        assert victim.acknowledged


def test_every_page_is_there_once_however_often_it_was_killed(tmp_path):
    toll = run_kill_test(KINDS["reading"](tmp_path), 2, random.Random(0))
    assert (toll.problems, toll.survived, toll.lost) == ([], 2, 0)


def test_an_export_is_there_whole_or_not_at_all(tmp_path):
    victim = Exporting(tmp_path, samples=500)
    toll = run_kill_test(victim, 6, random.Random(0))
    assert (toll.problems, toll.survived, toll.lost) == ([], 6, 0)
    assert list(tmp_path.glob("export-*")), "the last one came to its end"


def test_what_is_lost_is_counted(tmp_path):
    app = AppWorkload(tmp_path)
    run = app.start()
    while app.acknowledged < 3:
        assert not run.wait(0.05)
    run.kill()
    assert app.count_missing() == 0
    for path in tmp_path.glob("taught.db*"):
        path.unlink()
    assert app.count_missing() == app.acknowledged
