"""Tables under review: doubtful items, answers, and the corrected rows."""

import json
import subprocess
import sys
from math import prod

import pytest

from inkwise._util.errors import ConflictError, DataError, InkwiseError
from inkwise.batch import BatchOptions
from inkwise.review import ReviewedTable


def digit(label, probability=0.99, box=(0, 0, 10, 20)):
    accepted = probability > 0.9
    doubt = None if accepted else f"{label} or 0" if probability > 0.3 else "not a digit"
    return {
        "label": label,
        "probability": probability,
        "accepted": accepted,
        "doubt": doubt,
        "box": list(box),
    }


def number(text, *digits, line=0, reason="1 of 2 not sure"):
    boxes = [each["box"] for each in digits]
    left, right = min(box[0] for box in boxes), max(box[0] + box[2] for box in boxes)
    top, bottom = min(box[1] for box in boxes), max(box[1] + box[3] for box in boxes)
    accepted = "?" not in text
    return {
        "text": text,
        "confidence": prod(each["probability"] for each in digits),
        "accepted": accepted,
        "reason": None if accepted else reason,
        "line": line,
        "polygon": [[left, top], [right, top], [right, bottom], [left, bottom]],
        "digits": list(digits),
    }


def page(file, text, numbers, confidence=0.5, reason="1 of 3 numbers not sure"):
    values = {"text": text, "confidence": confidence, "accepted": "?" not in text, "numbers": numbers}
    return {"file": file, "page": 1, **values, "reason": reason, "unconstrained": None, "model": "test"}


def entry(reason, *digits, unconstrained=None):
    corners = [[0, 0], [60, 0], [60, 20], [0, 20]]
    return {"digits": list(digits), "unconstrained": unconstrained, "reason": reason, "corners": corners}


PAGES = [
    page(
        "a.png",
        "12\n3? 4",
        [
            number("12", digit("1"), digit("2")),
            number("3?", digit("3", box=(0, 40, 10, 20)), digit("5", 0.4), line=1),
            number("4", digit("4"), line=1),
        ],
    ),
    page("b.png", "8", [number("8", digit("8", 0.95))], 0.95, None),
    page("c.png", "", [], 0.0, "no ink was found"),
    {
        "file": "d.png",
        "page": 1,
        "text": "",
        "confidence": 0.0,
        "accepted": False,
        "reason": "d.png: is damaged",
    },
]
SHEET = {
    **{"file": "s.pdf", "page": 2, "meter": "0?4", "meter_confidence": 0.3, "meter_accepted": False},
    **{"code": "7", "code_confidence": 0.97, "code_accepted": True, "more": "", "more_confidence": 0.0},
    **{"more_accepted": False, "fit": 0.9, "reason": "meter: cell 2: not a digit; more: no ink: nothing"},
    "fields": {
        "meter": entry("cell 2: not a digit", digit("0"), digit("1", 0.2), digit("4")),
        "code": entry(None, digit("7", 0.97)),
        "more": entry("no ink was found"),
    },
}


@pytest.fixture
def table(tmp_path):
    """Return a function that writes rows as a table and returns its path."""

    def write(rows):
        path = tmp_path / "table.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def doubtful(review, threshold):
    return [(item.place, item.read, item.guess) for item in review.items if item.doubtful(threshold)]


def test_items_of_pages_are_their_numbers(table):
    review = ReviewedTable(table(PAGES))
    assert doubtful(review, 0) == [("2", "3?", "35")]
    assert doubtful(review, 0.96) == [("2", "3?", "35"), ("1", "8", "8")]
    assert review.items[1].corners == [[0, 0], [10, 0], [10, 60], [0, 60]]
    assert review.unread == 1


def test_items_of_forms_are_fields_with_ink(table):
    review = ReviewedTable(table([SHEET]))
    assert doubtful(review, 0) == [("meter", "0?4", "0?4")]
    assert [(item.place, item.single) for item in review.items] == [("meter", False), ("code", True)]
    assert review.unread == 0


def test_numbers_of_a_page_that_is_rejected_as_a_whole_are_doubtful(table):
    numbers = [number("12", digit("1"), digit("2")), number("4", digit("4"))]
    row = {**page("a.png", "12 4", numbers, reason="ink beside a number was not read"), "accepted": False}
    review = ReviewedTable(table([row]))
    assert doubtful(review, 0) == [("1", "12", "12"), ("2", "4", "4")]
    assert {item.reason for item in review.items} == {"ink beside a number was not read"}
    review.confirm(review.items[0], "12")
    (half,) = review.corrected()
    assert (half["accepted"], half["reason"]) == (False, "ink beside a number was not read")
    review.confirm(review.items[1], "9")
    (whole,) = review.corrected()
    assert (whole["text"], whole["accepted"], whole["reason"]) == ("12 9", True, None)


@pytest.mark.parametrize(
    ("answer", "value"), [("72.50", "72.50"), ("1.250", None), ("12.50", "12.50"), ("", None)]
)
def test_value_of_a_number_follows_its_answer(table, answer, value):
    row = page("a.png", "12.50", [number("12.50", *map(digit, "1250"))], reason=None)
    review = ReviewedTable(table([{**row, "value": "12.50"}]))
    review.confirm(review.items[0], answer)
    (corrected,) = review.corrected()
    assert (corrected["text"], corrected["value"]) == (answer, value)
    assert review.columns == [*BatchOptions(expect="number").columns, "reviewed"]


@pytest.mark.parametrize(
    ("text", "digits", "unconstrained", "guess"),
    [
        ("1?2", [digit("1"), digit("4", 0.5), digit("2")], None, "142"),
        ("1?.?0", [digit("1"), digit("4", 0.5), digit("5", 0.1), digit("0")], None, "14.?0"),
        ("14?", [digit("1"), digit("4"), digit("2", 0.1)], "14", "14?"),
        ("14?", [digit("1"), digit("4"), digit("2", 0.5)], "147", "147"),
        ("142", [digit("1"), digit("4"), digit("2")], "147", "147"),
        ("4", [digit("4")], "9", "9"),
        ("?", [digit("4", 0.1)], None, "?"),
        ("1?2", [digit("1"), digit("2")], None, "1?2"),
        ("12/3", [digit("1"), digit("2"), digit("3")], "12/3", "12/3"),
        ("", [], "147", "147"),
    ],
)
def test_guess_is_what_the_ink_says(table, text, digits, unconstrained, guess):
    sheet = {**SHEET, "code": text, "fields": {"code": entry(None, *digits, unconstrained=unconstrained)}}
    (item,) = ReviewedTable(table([sheet])).items
    assert (item.read, item.guess, item.single) == (text, guess, len(digits) == len(guess) == 1)


def test_corrected_replaces_answered_numbers_of_pages(table):
    review = ReviewedTable(table(PAGES))
    review.confirm(review.items[1], "36")
    review.confirm(review.items[3], "")
    first, second, *rest = review.corrected()
    assert (first["text"], first["accepted"], first["reason"]) == ("12\n36 4", True, None)
    assert first["confidence"] == pytest.approx(0.99**3, abs=1e-4)
    assert first["reviewed"] == {"2": "3?"}
    assert (second["text"], second["confidence"], second["reviewed"]) == ("", 1.0, {"1": "8"})
    assert [row["reviewed"] for row in rest] == [{}, {}]


def test_corrected_replaces_answered_fields_and_keeps_other_reasons(table):
    review = ReviewedTable(table([SHEET]))
    review.confirm(review.items[0], "094")
    (row,) = review.corrected()
    assert (row["meter"], row["meter_confidence"], row["meter_accepted"]) == ("094", 1.0, True)
    assert row["reason"] == "more: no ink was found"
    assert review.columns[-3:] == ["fit", "reason", "reviewed"]


UNREAD = {**SHEET, "meter": "", "code": "", "reason": "s.pdf: is damaged"}
del UNREAD["fields"]


def test_unread_page_that_is_left_out_keeps_its_reason(table):
    review = ReviewedTable(table([UNREAD | {"meter_confidence": 0.0, "meter_accepted": False}]))
    for item in review.items:
        review.confirm(item, "")
    (row,) = review.corrected()
    assert (row["meter"], row["meter_confidence"], row["meter_accepted"]) == ("", 0.0, False)
    assert row["reason"] == "s.pdf: is damaged"
    assert row["reviewed"] == dict.fromkeys(["meter", "code", "more"], "")


@pytest.mark.parametrize("more", [{}, {"fields": {}, "reason": "does not match the form 'card'"}])
def test_fields_of_unread_pages_of_forms_can_be_typed_in(table, more):
    review = ReviewedTable(table([SHEET, UNREAD | more]))
    blank = review.items[2:]
    assert [(item.place, item.guess, item.corners, item.doubtful(0)) for item in blank] == [
        (place, "", None, True) for place in ("meter", "code", "more")
    ]
    assert (blank[0].reason, review.unread) == ((UNREAD | more)["reason"], 0)
    review.confirm(blank[0], "471")
    _, row = review.corrected()
    assert (row["meter"], row["meter_accepted"], row["code_accepted"]) == ("471", True, True)
    assert row["reason"] == (UNREAD | more)["reason"], "fields are missing"
    for item in blank[1:]:
        review.confirm(item, "")
    _, row = review.corrected()
    assert (row["code"], row["code_confidence"], row["reason"]) == ("", 1.0, None)
    assert row["reviewed"] == {"meter": "", "code": "", "more": ""}


def test_answers_survive_reopening_and_other_readings(table):
    path = table(PAGES)
    review = ReviewedTable(path)
    review.confirm(review.items[1], "36")
    review.confirm(review.items[1], "39", before="36")
    again = ReviewedTable(path)
    assert [again.confirmed(item) for item in again.items] == [None, "39", None, None]
    table([PAGES[0]])
    assert ReviewedTable(path).confirmed(ReviewedTable(path).items[1]) == "39"
    table([{**PAGES[1], "text": "?", "numbers": [number("?", digit("8", 0.2))]}])
    other = ReviewedTable(path)
    other.confirm(other.items[0], "3")
    table(PAGES)
    assert ReviewedTable(path).confirmed(ReviewedTable(path).items[1]) == "39"


def test_two_reviews_keep_the_answers_of_both(table):
    path = table(PAGES)
    one, other = ReviewedTable(path), ReviewedTable(path)
    one.confirm(one.items[1], "36")
    other.confirm(other.items[3], "9")
    one.confirm(one.items[0], "12")
    assert [*map(ReviewedTable(path).confirmed, one.items)] == ["12", "36", None, "9"]
    assert [row["reviewed"] for row in other.corrected()] == [{"1": "12", "2": "3?"}, {"1": "8"}, {}, {}]
    assert sorted(each.name for each in path.parent.iterdir()) == ["table.jsonl", "table.jsonl.review"]


_CONFIRM = """
import sys
from pathlib import Path
from inkwise.review import ReviewedTable
review = ReviewedTable(Path(sys.argv[1]))
for item in review.items[int(sys.argv[2])::2]:
    review.confirm(item, item.file)
"""


def test_two_processes_lose_no_answer(table):
    path = table([page(str(place), "8", [number("8", digit("8"))]) for place in range(60)])
    processes = [subprocess.Popen([sys.executable, "-c", _CONFIRM, path, start]) for start in "01"]
    assert [process.wait() for process in processes] == [0, 0]
    review = ReviewedTable(path)
    assert [*map(review.confirmed, review.items)] == [item.file for item in review.items]


def test_confirm_replaces_no_unseen_answer(table):
    path = table(PAGES)
    one, other = ReviewedTable(path), ReviewedTable(path)
    one.confirm(one.items[1], "36")
    with pytest.raises(ConflictError, match=r"^a\.png, page 1, 2: somebody else answered 36 meanwhile$"):
        other.confirm(other.items[1], "39")
    assert other.confirmed(other.items[1]) == "36", "the other answer is shown now"
    other.confirm(other.items[1], "36")
    other.confirm(other.items[1], "", before="36")
    with pytest.raises(ConflictError, match="somebody else answered no number meanwhile"):
        one.confirm(one.items[1], "39", before="36")
    assert ReviewedTable(path).confirmed(one.items[1]) == ""


def test_confirm_keeps_answers_edited_by_hand(table):
    review = ReviewedTable(table(PAGES))
    review.confirm(review.items[1], "36")
    review.path.write_text(review.path.read_text().replace("36", "37"))
    review.confirm(review.items[3], "9")
    assert ReviewedTable(review.table).confirmed(review.items[1]) == "37"
    review.path.write_text("not JSON")
    with pytest.raises(DataError, match=r"table\.jsonl\.review: is not JSON Lines"):
        review.confirm(review.items[0], "12")
    assert review.path.read_text() == "not JSON"


@pytest.mark.parametrize("text", ["1 2", "1?", "1\n2", "1" * 101, "\x07"])
def test_confirm_rejects_other_texts(table, text):
    review = ReviewedTable(table(PAGES))
    with pytest.raises(InkwiseError):
        review.confirm(review.items[0], text)
    assert not review.path.exists()


def test_corrected_rejects_a_changed_table(table):
    review = ReviewedTable(table(PAGES))
    table([SHEET])
    with pytest.raises(DataError, match="has changed; start the review again"):
        review.corrected()


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("no.jsonl", None, "cannot be opened"),
        ("table.csv", "file,page\n", "CSV has no positions of numbers"),
        ("table.jsonl", "Dear Anna", "is not JSON Lines"),
        (".", None, "is a folder, not a file"),
        ("", None, "is a folder, not a file"),
        ("x" * 300, None, "cannot be opened .File name too long"),
        ("table.jsonl", '{"page": ' + "9" * 10_000 + "}", "is not JSON Lines"),
        ("table.jsonl", '{"page": ' + "9" * 100 + "}", "is not JSON Lines"),
        ("table.jsonl", '{"confidence": NaN}', "is not JSON Lines"),
        ("table.jsonl", '{"confidence": 1e999}', "is not JSON Lines"),
        ("table.jsonl", "[" * 100_000, "is not JSON Lines"),
        ("table.jsonl", "1" * 16_000_001, "is not JSON Lines"),
        ("table.jsonl", "[1]", "line 1 is not a JSON object"),
        ("table.jsonl", json.dumps({**PAGES[0], "text": "99"}), "line 1 is not a row of inkwise read --out"),
        ("table.jsonl", json.dumps({**SHEET, "fields": {"no": entry(None)}}), "line 1 is not a row"),
    ],
)
def test_table_rejects_other_files(tmp_path, name, text, error):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=error):
        ReviewedTable(tmp_path / name)


def test_table_rejects_a_corrected_table(tmp_path, table):
    again = tmp_path / "again.jsonl"
    again.write_text("".join(json.dumps(row) + "\n" for row in ReviewedTable(table(PAGES)).corrected()))
    with pytest.raises(DataError, match=r"again.jsonl: is a corrected table; review the original table"):
        ReviewedTable(again)


def test_table_rejects_damaged_answers(table):
    path = table(PAGES)
    path.with_name("table.jsonl.review").write_text('{"file": "a.png"}\n')
    with pytest.raises(DataError, match=r"table.jsonl.review: line 1 is damaged"):
        ReviewedTable(path)
