"""The progress and the failures that the batch loop shows."""

import io

import pytest
from rich.console import Console
from shades import Shades, pdf

from inkwise.batch import Backend, BatchSummary, LocalBackend, PageRow, batch_loop, read_batch
from inkwise.batch.batch_loop import RowSink


class FourOfTenFiles(Backend):
    """Ten files, of which one and a half are read: four pages, one of which failed."""

    def __init__(self):
        super().__init__(10)

    def rows(self):
        for failed in (False, True, False, False):
            self.files_read += 3 / 8
            yield PageRow({"reason": "a.pdf, page 2: [no] markup"}, failed)


@pytest.mark.parametrize(
    ("terminal", "shown"), [(True, " 4 pages "), (False, "inkwise: a.pdf, page 2: [no] markup\n")]
)
def test_read_batch_shows_progress_on_a_terminal_and_failures_elsewhere(terminal, shown):
    out = io.StringIO()
    assert read_batch(
        FourOfTenFiles(), Console(file=out, force_terminal=terminal, width=200)
    ) == BatchSummary(4, 1, 0, 0)
    assert shown in out.getvalue()
    assert terminal or out.getvalue() == shown


def test_local_progress_counts_pages_as_fractions_of_their_files(tmp_path):
    pdf(tmp_path / "a.pdf", [0, 50, 100])
    pdf(tmp_path / "b.pdf", [150])
    (tmp_path / "c.png").write_text("no picture")
    backend = LocalBackend([str(tmp_path)], Shades())
    assert backend.files == 3
    assert [backend.files_read for _ in backend.rows()] == pytest.approx([1 / 3, 2 / 3, 1, 2, 3])


class EnteredOnce(RowSink):
    """Knows no page counts, and a file that was entered before has nothing left."""

    def __init__(self):
        self.entered = set()

    def enter(self, file):
        if file in self.entered:
            return []
        self.entered.add(file)
        return None


def test_file_that_is_named_twice_is_read_once_while_it_is_still_open(monkeypatch):
    def in_processes(backend, options, jobs):
        task = backend.take()
        yield task, 1
        assert backend.take() is None
        yield task, PageRow({"reason": None}, failed=False)

    monkeypatch.setattr(batch_loop, "read_in_processes", in_processes)
    backend = LocalBackend(["a.png", "a.png"], Shades(), EnteredOnce(), jobs=2)
    assert [backend.files_read for _ in backend.rows()] == [2]


def test_process_that_dies_before_it_counts_the_pages_costs_one_row(monkeypatch):
    def in_processes(backend, options, jobs):
        yield backend.take(), PageRow({"reason": "killed"}, failed=True)

    monkeypatch.setattr(batch_loop, "read_in_processes", in_processes)
    backend = LocalBackend(["a.pdf"], Shades(), EnteredOnce(), jobs=2)
    assert [row.failed for row in backend.rows()] == [True]
    assert backend.files_read == 1


@pytest.mark.parametrize(
    ("values", "accepted"),
    [
        ({"numbers": [{"accepted": True}, {"accepted": False}], "accepted": False}, [True, False]),
        ({"numbers": [{"accepted": True}, {"accepted": True}], "accepted": False}, [False, False]),
        ({"numbers": [], "accepted": False}, []),
        ({"fit": 0.0, "age": "", "age_accepted": False}, []),
        (
            {
                **{"fit": 0.9, "age": "7", "age_accepted": True, "sum": "", "sum_accepted": False},
                **{"date_accepted": "", "date_accepted_accepted": False},
                "fields": {
                    "age": {"reason": None},
                    "sum": {"reason": "not a digit"},
                    "date_accepted": {"reason": "no ink was found"},
                },
            },
            [True, False],
        ),
    ],
)
def test_summary_counts_numbers_and_filled_fields(values, accepted):
    row = PageRow(values, failed=False)
    assert row.accepted == accepted
    assert BatchSummary().add(row) == BatchSummary(1, 0, len(accepted), accepted.count(False))
