"""Values of written numbers: decimal marks, groups of thousands, signs, closing lines."""

from decimal import Decimal

import pytest

from inkwise.recognition.number_value import parse_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1250", "1250"),
        ("007", "7"),
        ("12.50", "12.50"),
        ("12,5", "12.5"),
        ("0.125", "0.125"),
        (".5", "0.5"),
        ("-7", "-7"),
        ("-½", "-0.5"),
        ("-2½", "-2.5"),
        ("1" * 30, "1" * 30),
        ("-0.0000001", "-0.0000001"),
        ("+3.5", "3.5"),
        ("1,250.00", "1250.00"),
        ("1.250,00", "1250.00"),
        ("1'250.50", "1250.50"),
        ("1'250", "1250"),
        ("1.250.000", "1250000"),
        ("1234.567", "1234.567"),
        ("$12.50", "12.50"),
        ("12,50€", "12.50"),
        ("$-12", "-12"),
        ("#1250#", "1250"),
        ("*12.-", "12"),
        ("12,--", "12"),
        ("12=", "12"),
        ("12.", "12"),
        ("85%", "85"),
        ("12^50", "12.50"),
        ("2½", "2.5"),
        ("½", "0.5"),
    ],
)
def test_value_of_written_number(text, value):
    assert parse_value(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?2",
        "1.250",
        "12/5",
        "31.12.26",
        "12:30",
        "(12)",
        "12.50.5",
        "1.25'0",
        "1,25,0.5",
        "5+3",
        "-",
        "1½2",
    ],
)
def test_value_is_none_where_it_is_ambiguous_or_no_number(text):
    assert parse_value(text) is None


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1.250", ".", "1.250"),
        ("1.250", ",", "1250"),
        ("1,250", ",", "1.250"),
        ("12^50", ",", "12.50"),
        ("12,50", ".", None),
        ("1.250,5", ".", None),
    ],
)
def test_hint_names_the_decimal_mark(text, decimal, value):
    assert parse_value(text, decimal) == (None if value is None else Decimal(value))
