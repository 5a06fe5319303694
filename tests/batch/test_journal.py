"""The journal keeps finished rows while the files, the settings and the journal itself are unchanged."""

import os
from dataclasses import dataclass

import pytest

from inkwise._util.errors import DataError
from inkwise.batch import BatchOptions, Journal, PageRow


@dataclass(frozen=True)
class Options(BatchOptions):
    """Options whose settings need no model."""

    def settings(self):
        return {"version": "1", "model": self.model, "--expect": self.expect}


def open_journal(table, options=Options()):
    return Journal(table, options, ".csv")


@pytest.fixture
def table(tmp_path):
    return tmp_path / "table.csv"


@pytest.fixture
def scan(tmp_path):
    path = tmp_path / "scan.pdf"
    path.write_bytes(b"anything")
    return str(path)


def row(file, page, text="1", failed=False):
    return PageRow({"file": file, "page": page, "text": text}, failed)


@pytest.fixture
def begun(table, scan):
    """The table of a journal with a file of three pages: one read, one failed, one not read."""
    with open_journal(table) as journal:
        assert journal.enter(scan) is None
        journal.count(scan, 3)
        journal.add(row(scan, 1))
        journal.add(row(scan, 2, failed=True))
    return table


def test_enter_returns_pages_that_failed_or_were_not_read(begun, scan):
    with open_journal(begun) as journal:
        assert journal.enter(scan) == [2, 3]
        journal.add(row(scan, 3, "3"))
        journal.add(row(scan, 2, "2"))
        assert [(done.values["text"], done.failed) for done in journal.rows()] == [
            ("1", False),
            ("2", False),
            ("3", False),
        ]


def test_enter_returns_no_pages_for_a_file_entered_before(begun, scan):
    with open_journal(begun) as journal:
        journal.enter(scan)
        assert journal.enter(scan) == []


def test_enter_forgets_a_file_that_has_changed(begun, scan):
    os.utime(scan, ns=(0, 0))
    with open_journal(begun) as journal:
        assert journal.enter(scan) is None
        assert list(journal.rows()) == []


def test_enter_never_knows_standard_input(table):
    for _ in range(2):
        with open_journal(table) as journal:
            assert journal.enter("-") is None
            journal.count("-", 1)
            journal.add(row("-", 1))


def test_rows_omits_files_that_were_not_entered(begun, scan, tmp_path):
    other = tmp_path / "another.png"
    other.write_bytes(b"")
    with open_journal(begun) as journal:
        journal.enter(str(other))
        journal.add(row(str(other), 1))
        assert [done.values["file"] for done in journal.rows()] == [str(other)]


def test_finish_leaves_only_the_table(table, scan):
    with open_journal(table) as journal:
        journal.finish()
    assert sorted(path.name for path in table.parent.iterdir()) == ["scan.pdf", "table.csv"]


def rejection(table, options=Options()):
    with pytest.raises(DataError) as caught:
        open_journal(table, options)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{table}.part: ")


def test_journal_rejects_other_settings(begun):
    assert rejection(begun, Options("b", expect="digit")) == (
        "was started with another model, --expect; remove it, or name another --out"
    )


def test_journal_rejects_a_second_run(table):
    with open_journal(table):
        assert rejection(table) == f"{table}: another run is writing this table"
    with open_journal(table):
        pass


@pytest.mark.parametrize("content", [b"three words here", b"SQLite format 3\0" + b"no more" * 20])
def test_journal_rejects_another_file_in_its_place(table, content):
    table.with_name("table.csv.part").write_bytes(content)
    assert rejection(table) == "is not a journal of Inkwise, or damaged; remove it, or name another --out"
