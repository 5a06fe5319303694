"""Disk, clock and database fail: one line says so, nothing is lost, and it goes on afterwards."""

import threading
from datetime import datetime, timedelta

import numpy as np
import psycopg
import pytest

from benchmarks.robustness.command_workloads import BatchReadingWorkload, DownloadWorkload
from benchmarks.robustness.outages import drop_capabilities, limit_file_size, with_fault
from inkwise._util.errors import StoreError
from inkwise.corrections import Learner, Store
from inkwise.corrections import sample as sample_module
from inkwise.corrections.learner import LabelledAnswer

SEVEN = [[(30, 25), (85, 25), (55, 100)]]


@pytest.mark.parametrize("handicap", [limit_file_size, drop_capabilities])
@pytest.mark.parametrize("kind", [BatchReadingWorkload, DownloadWorkload])
def test_a_disk_that_is_full_or_closed_is_one_line_and_then_it_goes_on(kind, handicap, tmp_path):
    victim = kind(tmp_path)
    with with_fault(handicap, tmp_path):
        run = victim.start()
        assert run.wait()
    assert run.failed_cleanly(), run.failure_reason()
    run = victim.start()
    assert run.wait()
    assert (run.failure_reason(), victim.count_missing()) == ("", 0)


def test_when_the_clock_goes_back_the_last_step_is_still_the_last(tmp_path, monkeypatch):
    class PastDatetime(datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) - timedelta(days=400)

    learner = Learner(f"sqlite:///{tmp_path / 'taught.db'}")
    (first,) = learner.keep("anna", "canvas", [LabelledAnswer("7", SEVEN)])
    monkeypatch.setattr(sample_module, "datetime", PastDatetime)
    (second,) = learner.keep("anna", "canvas", [LabelledAnswer("1", SEVEN)])
    assert second.time < first.time - timedelta(days=300)
    assert learner.read_strokes("anna", SEVEN).text
    store = learner.store
    assert {sample.id for sample in store.samples()} == {first.id, second.id}
    assert store.undo("anna").id == second.id
    assert store.undo("anna").id == first.id
    learner.close()


def test_a_database_whose_connections_are_cut_loses_nothing_that_was_kept(postgresql):
    kept, refused, ended = [], [], threading.Event()

    def teach():
        while not ended.is_set():
            try:
                added = store.add(np.zeros((28, 28), np.uint8), writer="anna", source="canvas", label="7")
                kept.append(added.id)
            except StoreError as error:
                refused.append(str(error))

    with Store.open(postgresql) as store, psycopg.connect(postgresql, autocommit=True) as other:
        teachers = [threading.Thread(target=teach) for _ in range(3)]
        for teacher in teachers:
            teacher.start()
        for _ in range(5):
            before = len(kept)
            while len(kept) < before + 5:
                assert any(teacher.is_alive() for teacher in teachers)
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ended.set()
        for teacher in teachers:
            teacher.join()
        there = {sample.id for sample in store.samples(writer="anna")}
    assert {*kept} <= there
    assert all("\n" not in line for line in refused)
