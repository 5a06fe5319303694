"""Outages of disk, clock and database: one-line errors, no loss, and resumption."""

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


@pytest.mark.parametrize("fault", [limit_file_size, drop_capabilities])
@pytest.mark.parametrize("kind", [BatchReadingWorkload, DownloadWorkload])
def test_command_reports_unwritable_disk_and_resumes(kind, fault, tmp_path):
    workload = kind(tmp_path)
    with with_fault(fault, tmp_path):
        run = workload.start()
        assert run.wait()
    assert run.failed_cleanly(), run.failure_reason()
    run = workload.start()
    assert run.wait()
    assert (run.failure_reason(), workload.count_missing()) == ("", 0)


def test_undo_follows_insertion_order_when_clock_goes_back(tmp_path, monkeypatch):
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


@pytest.mark.postgres
def test_store_loses_nothing_when_connections_are_cut(postgresql):
    stored, refused, done = [], [], threading.Event()

    def add_samples():
        while not done.is_set():
            try:
                added = store.add(np.zeros((28, 28), np.uint8), writer="anna", source="canvas", label="7")
                stored.append(added.id)
            except StoreError as error:
                refused.append(str(error))

    with Store.open(postgresql) as store, psycopg.connect(postgresql, autocommit=True) as other:
        threads = [threading.Thread(target=add_samples) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            before = len(stored)
            while len(stored) < before + 5:
                assert any(thread.is_alive() for thread in threads)
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        done.set()
        for thread in threads:
            thread.join()
        found = {sample.id for sample in store.samples(writer="anna")}
    assert {*stored} <= found
    assert all("\n" not in line for line in refused)
