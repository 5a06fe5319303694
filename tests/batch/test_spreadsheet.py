"""XLSX tables: text and numbers, marks of doubt, best guesses."""

import openpyxl
import pytest

from inkwise._util.errors import DataError
from inkwise.batch import BatchOptions, write_xlsx
from inkwise.batch.spreadsheet import best_guess
from inkwise.recognition.reading import NO_INK

COLUMNS = [*BatchOptions(expect="number").columns]


def digits(labels):
    return [{"label": label, "doubt": "not a digit" if label == "x" else None} for label in labels]


def field(labels, unconstrained=None, reason=None):
    return {"digits": digits(labels), "unconstrained": unconstrained, "reason": reason}


def row(text, *, file="a.png", reason=None, labels=""):
    number = {"text": text, "digits": digits(labels or text)}
    values = (file, 1, text, None, 0.9979, reason is None, reason)
    return {**dict(zip(COLUMNS, values, strict=True)), "numbers": [number]}


@pytest.fixture
def sheet(tmp_path):
    def write(rows, columns=COLUMNS):
        write_xlsx(lambda: rows, tmp_path / "table.xlsx", columns)
        return openpyxl.load_workbook(tmp_path / "table.xlsx").active

    return write


def test_header_is_frozen_and_filtered(sheet):
    made = sheet([row("7"), row("8")])
    names = ["file", "page", "text", "text guess", "value", "reason", "confidence", "accepted"]
    assert [cell.value for cell in made[1]] == names
    assert (made.freeze_panes, made.auto_filter.ref) == ("A2", "A1:H3")
    assert made["A1"].font.bold
    assert made.column_dimensions["A"].width > made.column_dimensions["B"].width


def test_details_are_folded_at_the_end(sheet):
    columns = ["file", "page", "age", "age_confidence", "age_accepted", "fit", "reason"]
    made = sheet([dict(zip(columns, ("a.png", 1, "7", 0.99, True, 0.9, None), strict=True))], columns)
    shown = ["file", "page", "age", "age guess", "reason"]
    folded = ["age_confidence", "age_accepted", "fit"]
    assert [cell.value for cell in made[1]] == shown + folded
    assert [cell.value for cell in made[2]] == ["a.png", 1, 7, None, None, 0.99, True, 0.9]
    groups = made.column_dimensions
    assert (groups["F"].min, groups["F"].max, groups["F"].hidden, groups["F"].outlineLevel) == (6, 8, True, 1)
    assert not groups["E"].hidden


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("7", 7, "0"),
        ("-12.50", -12.5, "0.00"),
        ("0.5", 0.5, "0.0"),
        ("014752", "014752", "General"),
        ("12,50", "12,50", "General"),
        ("7\n8", "7\n8", "General"),
        ("1234567890123456", "1234567890123456", "General"),
    ],
)
def test_text_of_a_number_becomes_a_number(sheet, text, value, shown):
    cell = sheet([row(text)])["C2"]
    assert (cell.value, cell.number_format) == (value, shown)


def test_column_with_a_code_is_text(sheet):
    made = sheet([row("314752"), row("014752"), row("31?752", reason="1 or 4", labels="314752")])
    assert [cell.value for cell in made["C"]] == ["text", "314752", "014752", "31?752"]
    assert made["D4"].value == "314752"
    assert [cell.value for cell in made["B"]] == ["page", 1, 1, 1]


def test_other_text_is_no_formula_and_has_no_control_characters(sheet):
    made = sheet([row("=1+1", file="=cmd()"), row("7", file="bell\a.png"), row("7", file="12")])
    assert {made[place].data_type for place in ("A2", "C2", "A4")} == {"s"}
    assert made["A3"].value == "bell\N{REPLACEMENT CHARACTER}.png"


def test_doubtful_cells_are_marked_and_have_a_guess(sheet):
    sure, doubtful = sheet([row("71"), row("7?", reason="1 or 7", labels="71")]).iter_rows(min_row=2)
    assert [cell.value for cell in (*sure[2:4], *doubtful[2:4])] == [71, None, "7?", 71]
    assert [cells[2].fill.start_color.rgb[-6:] for cells in (sure, doubtful)] == ["000000", "FFF2CC"]
    assert doubtful[5].value == "1 or 7"


def test_empty_field_of_a_form_is_not_marked(sheet):
    columns = ["age", "age_confidence", "age_accepted"]
    cells = [("", field("", reason=NO_INK)), ("", field("", reason="not a digit")), ("?", field("7"))]
    rows = [
        dict(zip(columns, (text, 0.5, False), strict=True)) | {"fields": {"age": entry}}
        for text, entry in cells
    ]
    made = sheet([*rows, dict(zip(columns, ("", 0.0, False), strict=True)) | {"fields": {}}], columns)
    colours = [made[f"A{row}"].fill.start_color.rgb[-6:] for row in (2, 3, 4, 5)]
    assert colours == ["000000", "FFF2CC", "FFF2CC", "000000"]
    assert [made[place].value for place in ("B2", "B4")] == [None, 7]


@pytest.mark.parametrize(
    ("values", "column", "guess"),
    [
        (
            {"text": "1?\n3 ?.50", "numbers": [("1?", "12"), ("3", "3"), ("?.50", "750")]},
            "text",
            "12\n3 7.50",
        ),
        ({"text": "5 ?", "numbers": [("3", "3"), ("?", "9")]}, "text", "5 9"),
        ({"text": "?", "numbers": []}, "text", "?"),
        ({"text": "1?", "numbers": [("1?", "1x")]}, "text", "1?"),
        ({"text": "1?", "numbers": [("1?", "12")], "unconstrained": "72"}, "text", "72"),
        ({"sum": "4?", "fields": {"sum": field("42")}}, "sum", "42"),
        ({"sum": "4?2", "fields": {"sum": field("42")}}, "sum", "4?2"),
        ({"sum": "4?", "fields": {"sum": field("42", "47")}}, "sum", "47"),
    ],
)
def test_best_guess_is_what_the_ink_says(values, column, guess):
    if "numbers" in values:
        numbers = [{"text": text, "digits": digits(labels)} for text, labels in values["numbers"]]
        values = {**values, "numbers": numbers}
    assert best_guess(values, column) == guess


def test_more_rows_than_a_sheet_has_are_rejected(sheet, monkeypatch):
    monkeypatch.setattr("inkwise.batch.spreadsheet._MAX_ROWS", 4)
    with pytest.raises(DataError, match=r"XLSX holds 3 rows at most; write \.csv or \.parquet"):
        sheet([row("7")] * 4)
