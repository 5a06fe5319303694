"""Validation of text, and escaping for spreadsheets."""

import pytest

from inkwise._util.errors import InkwiseError
from inkwise._util.text import escape_formula, parse_bounds, unescape_formula, validate_text


def test_validate_text_strips():
    assert validate_text("label", "  æ ø ", 32) == "æ ø"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (7, "label is int, not text"),
        ("x" * 33, "label has 33 characters; at most 32 are possible"),
        ("a\nb", r"label 'a\\nb' holds a control character"),
        ("\u202e7", r"label '\\u202e7' holds a control character"),
        (" ", "label is empty"),
    ],
)
def test_validate_text_rejects(text, reason):
    with pytest.raises(InkwiseError, match=f"^{reason}$"):
        validate_text("label", text, 32)


@pytest.mark.parametrize("label", ["7", "", "=1+1", "-", "'", "'=", "@a", "it's"])
def test_escape_formula_round_trip(label):
    cell = escape_formula(label)
    assert not cell.startswith(("=", "+", "-", "@", "\t"))
    assert unescape_formula(cell) == label
    assert (cell == label) == (not label.startswith(("=", "-", "@", "'")))


@pytest.mark.parametrize(("text", "pair"), [("4", [4, 4]), ("4-6", [4, 6]), ("007-10", [7, 10])])
def test_parse_bounds(text, pair):
    assert parse_bounds("length", text) == pair


@pytest.mark.parametrize("text", ["", "4-", "-6", "4–6", "four", "4-5-6", "٤", " 4"])
def test_parse_bounds_rejects(text):
    with pytest.raises(InkwiseError, match="write a number, or the least and the most, as 4-6"):
        parse_bounds("length", text)
