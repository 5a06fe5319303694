"""What is done is kept: as long as the files, the settings and the journal itself are what they were."""

import os

import pytest

from inkwise._util.errors import DataError
from inkwise.batch import PageRow
from inkwise.batch.journal import Journal

SETTINGS = {"version": "1", "model": "a", "--digit": False}


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
    """A journal of a file of three pages: one read, one failed, one not begun."""
    with Journal(table, SETTINGS) as journal:
        assert journal.enter(scan) is None
        journal.count(scan, 3)
        journal.add(row(scan, 1))
        journal.add(row(scan, 2, failed=True))
    return table


def test_what_is_left_is_what_failed_or_was_not_read(begun, scan):
    with Journal(begun, SETTINGS) as journal:
        assert journal.enter(scan) == [2, 3]
        journal.add(row(scan, 3, "3"))
        journal.add(row(scan, 2, "2"))
        assert [(done.values["text"], done.failed) for done in journal.rows()] == [
            ("1", False),
            ("2", False),
            ("3", False),
        ]


def test_a_file_named_twice_is_there_once(begun, scan):
    with Journal(begun, SETTINGS) as journal:
        journal.enter(scan)
        assert journal.enter(scan) == []


def test_a_file_that_has_changed_is_read_again(begun, scan):
    os.utime(scan, ns=(0, 0))
    with Journal(begun, SETTINGS) as journal:
        assert journal.enter(scan) is None
        assert list(journal.rows()) == []


def test_standard_input_is_read_again(table):
    for _ in range(2):
        with Journal(table, SETTINGS) as journal:
            assert journal.enter("-") is None
            journal.count("-", 1)
            journal.add(row("-", 1))


def test_rows_of_files_that_are_not_asked_for_any_more_are_left_out(begun, scan, tmp_path):
    other = tmp_path / "another.png"
    other.write_bytes(b"")
    with Journal(begun, SETTINGS) as journal:
        journal.enter(str(other))
        journal.add(row(str(other), 1))
        assert [done.values["file"] for done in journal.rows()] == [str(other)]


def test_a_journal_that_is_removed_leaves_nothing(table):
    with Journal(table, SETTINGS) as journal:
        journal.remove()
    assert list(table.parent.iterdir()) == []


def refusal(table, settings=SETTINGS):
    with pytest.raises(DataError) as caught:
        Journal(table, settings)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{table}.part: ")


def test_other_settings_are_refused(begun):
    assert refusal(begun, {**SETTINGS, "model": "b", "--digit": True}) == (
        "was begun with another model, --digit; remove it, or name another --out"
    )


def test_two_runs_at_once_are_refused(table):
    with Journal(table, SETTINGS):
        assert refusal(table) == f"{table}: another run is writing this table"
    with Journal(table, SETTINGS):
        pass


@pytest.mark.parametrize("content", [b"three words here", b"SQLite format 3\0" + b"no more" * 20])
def test_what_is_no_journal_is_refused(table, content):
    table.with_name("table.csv.part").write_bytes(content)
    assert refusal(table) == "is no journal of Inkwise, or damaged; remove it, or name another --out"
