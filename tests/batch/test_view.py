"""A terminal is told how far it is; what is piped is told what failed."""

import io

import pytest
from rich.console import Console

from inkwise.batch import BatchDisplay, PageRow


@pytest.fixture
def shown():
    """shown(terminal) shows two of ten files, of 3 and 5 pages, four pages read; what is printed."""

    def show(terminal):
        out = io.StringIO()
        with BatchDisplay(Console(file=out, force_terminal=terminal, width=200), 10) as view:
            view.file(3)
            view.file(5)
            for failed in (False, True, False, False):
                view.row(PageRow({"reason": "a.pdf, page 2: [no] markup"}, failed))
        return out.getvalue()

    return show


def test_files_that_are_not_opened_yet_are_taken_to_be_as_long_as_the_others(shown):
    assert "4/40" in shown(terminal=True)


def test_without_a_terminal_only_failures_are_told(shown):
    assert shown(terminal=False) == "inkwise: a.pdf, page 2: [no] markup\n"
