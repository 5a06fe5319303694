"""Batches read on this machine: every page is in the table once, after errors, kills and Ctrl-C too."""

import csv
import multiprocessing
import os
import signal
import threading
import time

import pytest
from PIL import Image
from shades import BROKEN, DEADLY, FailingStart, Shades, pdf, read

from inkwise._util.errors import DataError, InkwiseError
from inkwise.batch.page_rows import file_fingerprint


@pytest.fixture
def table(tmp_path):
    return tmp_path / "table.csv"


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    return folder


def rows(table):
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def texts(table):
    return [row["text"] for row in rows(table)]


def test_table_has_the_order_of_files_and_pages(scans, table):
    (scans / "b").mkdir()
    pdf(scans / "a.pdf", range(100, 105))
    pdf(scans / "b" / "a.PDF", range(110, 113))
    Image.new("L", (40, 60), 120).save(scans / "c.png")
    assert read([scans, scans / "c.png"], Shades(), table, jobs=2) == 0
    assert [(row["file"], row["page"], row["text"]) for row in rows(table)] == [
        *((str(scans / "a.pdf"), str(n + 1), str(100 + n)) for n in range(5)),
        *((str(scans / "b" / "a.PDF"), str(n + 1), str(110 + n)) for n in range(3)),
        (str(scans / "c.png"), "1", "120"),
    ]
    assert sorted(path.name for path in table.parent.iterdir()) == ["scans", "table.csv"]


def test_unreadable_pages_get_a_row_with_the_reason(scans, table):
    pdf(scans / "a.pdf", [100, DEADLY, 101, BROKEN, 102])
    (scans / "b.pdf").write_bytes(b"%PDF-1.7 and no more")
    (scans / "c.png").write_bytes(b"")
    pdf(scans / "d.pdf", [DEADLY])
    pdf(scans / "e.pdf", [103])
    (scans.parent / "empty").mkdir()
    assert read([scans.parent / "empty", scans, "none.png"], Shades(), table, jobs=2) == 7
    assert texts(table) == ["", "100", "", "101", "", "102", "", "", "", "103", ""]
    reasons = [row["reason"].removeprefix(str(scans)) for row in rows(table) if row["reason"]]
    crash = "the process that read it was killed or crashed (exit code -9); was there memory enough?"
    assert reasons.pop(0).startswith(f"{scans.parent}/empty: no pictures in this folder (.png, ")
    assert reasons == [
        f"/a.pdf, page 2: {crash}",
        "/a.pdf, page 4: cannot be read (RuntimeError: two lines)",
        "/b.pdf: the PDF is damaged, cut off or empty",
        "/c.png: is empty (0 bytes)",
        f"/d.pdf, page 1: {crash}",
        "none.png: cannot be opened (No such file or directory)",
    ]


def until(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("timeout after 30 seconds")


def lines(log):
    return log.read_text().split() if log.exists() else []


def test_rerun_after_a_kill_reads_the_missing_pages_only(scans, table, tmp_path):
    pdf(scans / "a.pdf", range(100, 130))
    pdf(scans / "b.pdf", range(130, 140))
    log = tmp_path / "log"
    run = multiprocessing.get_context("spawn").Process(
        target=read, args=([scans], Shades(log=str(log), seconds=0.1), table, 2)
    )
    run.start()
    until(lambda: len(lines(log)) > 8)
    os.kill(run.pid, signal.SIGKILL)
    run.join()
    before = len(lines(log))
    assert before < 40
    assert not table.exists()
    assert read([scans], Shades(log=str(log)), table, jobs=2) == 0
    assert texts(table) == [str(shade) for shade in range(100, 140)]
    assert len(lines(log)) <= 40 + 2 + 2  # pages that were read at the kill, and after it
    assert set(lines(log)) == set(texts(table))


def test_second_run_of_one_table_is_rejected(scans, table, tmp_path):
    pdf(scans / "a.pdf", range(100, 120))
    log = tmp_path / "log"
    run = multiprocessing.get_context("spawn").Process(
        target=read, args=([scans], Shades(log=str(log), seconds=0.1), table, 1)
    )
    run.start()
    until(lambda: lines(log))
    with pytest.raises(DataError, match=r"table\.csv: another run is writing this table$"):
        read([scans], Shades(), table)
    run.join()
    assert run.exitcode == 0
    assert texts(table) == [str(shade) for shade in range(100, 120)]
    assert sorted(path.name for path in table.parent.iterdir()) == ["log", "scans", "table.csv"]


def test_ctrl_c_keeps_finished_rows_and_reports_their_number(scans, table, tmp_path):
    pdf(scans / "a.pdf", range(100, 130))
    log = tmp_path / "log"

    def interrupt():
        until(lambda: len(lines(log)) > 4)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(InkwiseError, match=r"stopped; pages read: \d+; rerun the same command to resume"):
        read([scans], Shades(log=str(log), seconds=0.1), table)
    thread.join()
    assert len(lines(log)) < 30
    assert multiprocessing.active_children() == []
    read([scans], Shades(log=str(log)), table)
    assert texts(table) == [str(shade) for shade in range(100, 130)]
    assert len(lines(log)) <= 30 + 1


def test_rerun_opens_a_file_again_that_could_not_be_opened(scans, table, tmp_path, monkeypatch):
    broken = scans / "a.pdf"
    broken.write_bytes(b"%PDF-1.7 and no more")
    monkeypatch.setattr("inkwise.batch.journal.atomic_file", lambda *_: signal.raise_signal(signal.SIGINT))
    with pytest.raises(InkwiseError, match="stopped; pages read: 1; rerun the same command to resume"):
        read([scans], Shades(), table)
    monkeypatch.undo()
    before = file_fingerprint(str(broken))
    monkeypatch.setattr("inkwise.batch.journal.file_fingerprint", lambda _: before)
    pdf(broken, [100, 101])
    assert read([scans], Shades(), table) == 0
    assert texts(table) == ["100", "101"]


def test_processes_that_cannot_start_end_the_run(scans, table):
    pdf(scans / "a.pdf", [100])
    with pytest.raises(InkwiseError, match=r"a process ended before it could read \(exit code 7\)"):
        read([scans], FailingStart(), table)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none/table.csv", "none/table.csv: cannot be written"),
        ("scans", "scans: cannot be written"),
        ("/dev/null", "/dev/null: cannot be written"),
        ("scans/a.pdf", "scans/a.pdf: is read, and would be replaced"),
    ],
)
def test_invalid_table_path_is_rejected_before_reading(scans, tmp_path, name, reason):
    pdf(scans / "a.pdf", [100])
    with pytest.raises(DataError) as caught:
        read([scans], FailingStart(), tmp_path / name)
    assert reason in str(caught.value)
