"""`inkwise read` of documents, page by page, and into tables."""

import csv
import io
import json
import re

import openpyxl
import pytest
from PIL import Image


def pdf_of(*pictures):
    first, *others = map(Image.fromarray, pictures)
    file = io.BytesIO()
    first.save(file, "PDF", save_all=True, append_images=others)
    return file.getvalue()


@pytest.fixture
def scans(tmp_path, seven, number):
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(pdf_of(seven, number))
    Image.fromarray(seven).save(
        folder / "b.tif", save_all=True, append_images=[Image.fromarray(number), Image.fromarray(seven)]
    )
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    return folder


PAGES = [("a.pdf", 1, "7"), ("a.pdf", 2, "714"), ("b.tif", 1, "7"), ("b.tif", 2, "714"), ("b.tif", 3, "7")]


def test_each_page_is_a_line_of_json(inkwise, scans):
    status, out, err = inkwise("read", scans)
    *rows, broken = map(json.loads, out.splitlines())
    assert [(row["file"], row["page"], row["text"]) for row in rows] == [
        (str(scans / file), page, text) for file, page, text in PAGES
    ]
    assert (status, broken["page"]) == (1, 1)
    assert err == f"inkwise: {scans / 'broken.pdf'}: the PDF is damaged, cut off or empty\n"


def test_a_terminal_names_the_further_pages(inkwise, scans, monkeypatch):
    monkeypatch.chdir(scans)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _, out, _ = inkwise("read", "a.pdf")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines()
    assert [line.split("  ")[0].strip() for line in lines] == ["file", "a.pdf", "a.pdf, page 2"]


def test_a_table_of_all_pages(inkwise, scans, tmp_path):
    status, out, err = inkwise("read", scans, "--out", tmp_path / "table.csv", "--jobs", 2)
    with (tmp_path / "table.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["file", "page", "text", "confidence", "accepted", "reason"]
    *done, broken = rows
    assert [(row[0], int(row[1]), row[2]) for row in done] == [
        (str(scans / file), page, text) for file, page, text in PAGES
    ]
    assert broken[5] == f"{scans / 'broken.pdf'}: the PDF is damaged, cut off or empty"
    assert (status, out, err) == (1, "", f"inkwise: {broken[5]}\n")


def test_the_ending_tells_the_format_and_standard_input_is_a_document_too(inkwise, tmp_path, seven, number):
    table = tmp_path / "table.xlsx"
    assert inkwise("read", "-", "--out", table, stdin=pdf_of(seven, number)) == (0, "", "")
    rows = list(openpyxl.load_workbook(table).active.values)
    assert [row[:3] for row in rows] == [("file", "page", "text"), ("-", 1, "7"), ("-", 2, "714")]


def test_json_wins_over_the_ending(inkwise, tmp_path, scans):
    inkwise("read", "--digit", scans / "a.pdf", "--json", "--out", tmp_path / "table.txt")
    rows = [json.loads(line) for line in (tmp_path / "table.txt").read_text().splitlines()]
    assert [(row["page"], len(row["digits"])) for row in rows] == [(1, 1), (2, 1)]


def test_a_bar_keeps_out_of_what_is_piped(inkwise, tmp_path, seven, monkeypatch):
    for number in range(21):
        Image.fromarray(seven).save(tmp_path / f"{number:02}.png")
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    _, out, err = inkwise("read", tmp_path)
    assert [json.loads(line)["text"] for line in out.splitlines()] == ["7"] * 21
    assert "21/21" in err
