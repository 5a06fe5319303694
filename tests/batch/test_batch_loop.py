"""The progress and the failures that the batch loop shows."""

import io

import pytest
from rich.console import Console

from inkwise.batch import Backend, BatchSummary, PageRow, read_batch


class FourOfTenFiles(Backend):
    """Ten files, of which two were opened, with 3 and 5 pages; yields four rows, one of them failed."""

    def __init__(self):
        super().__init__(10)

    def rows(self):
        self.count_file(3)
        self.count_file(5)
        for failed in (False, True, False, False):
            yield PageRow({"reason": "a.pdf, page 2: [no] markup"}, failed)


@pytest.mark.parametrize(
    ("terminal", "shown"), [(True, "4/40"), (False, "inkwise: a.pdf, page 2: [no] markup\n")]
)
def test_read_batch_shows_expected_pages_on_a_terminal_and_failures_elsewhere(terminal, shown):
    out = io.StringIO()
    assert read_batch(
        FourOfTenFiles(), Console(file=out, force_terminal=terminal, width=200)
    ) == BatchSummary(4, 1, 0, 0)
    assert shown in out.getvalue()
    assert terminal or out.getvalue() == shown


def test_expected_pages_ignores_files_without_pages_left():
    backend = FourOfTenFiles()
    assert backend.expected_pages == 10
    backend.count_file(0)
    assert backend.expected_pages == 9
    backend.count_file(4)
    assert backend.expected_pages == 4 + 8 * 4


@pytest.mark.parametrize(
    ("values", "accepted"),
    [
        ({"numbers": [{"accepted": True}, {"accepted": False}], "accepted": False}, [True, False]),
        ({"numbers": [], "accepted": False}, []),
        ({"age": "7?", "age_accepted": False, "sum": "", "sum_accepted": True, "accepted": False}, [False]),
    ],
)
def test_summary_counts_numbers_and_filled_fields(values, accepted):
    row = PageRow(values, failed=False)
    assert row.accepted == accepted
    assert BatchSummary().add(row) == BatchSummary(1, 0, len(accepted), accepted.count(False))
