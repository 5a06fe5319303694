"""Regular expressions of usual numbers: amounts of money, dates, times, phone numbers."""

from __future__ import annotations

from inkwise._util.errors import InkwiseError

_DATE_PARTS = {
    "d": "(0?[1-9]|[12][0-9]|3[01])",
    "m": "(0?[1-9]|1[0-2])",
    "y": "((19|20)?[0-9][0-9])",
}
_PHONE_GROUP = r"(\d+|\(\d+\))"


def amount_pattern(decimal: str | None = None) -> str:
    """Return the pattern of an amount of money: 12.50, 1'250,-, $ 12, #300#.

    Args:
        decimal: the decimal separator; None is a point or a comma.

    Raises:
        InkwiseError: `decimal` is neither a point nor a comma.
    """
    points = {".": r"\.", ",": ",", None: "[.,]"}
    if decimal not in points:
        raise InkwiseError(f"decimal: expected '.' or ',', got {decimal!r}")
    point, groups = points[decimal], {".": "[, ']", ",": "[. ']", None: "[., ']"}[decimal]
    whole = rf"(\d+|\d{{1,3}}({groups}\d{{3}})+)"
    cents = rf"({point}\d\d|\^\d\d|{point}?[-=/]{{1,3}})"
    return rf"[$€£#*=]{{0,2}} ?-?{whole}{cents}? ?[$€£#*=]{{0,2}}"


def date_pattern(order: str = "dmy") -> str:
    """Return the pattern of a date, its parts separated by points, slashes or dashes.

    Args:
        order: of day, month and year: "dmy", "mdy" or "ymd", for example; "dm" has no year.

    Raises:
        InkwiseError: `order` is none.
    """
    if len(order) < 2 or len({*order}) != len(order) or not {*order} <= {*_DATE_PARTS}:
        raise InkwiseError(f"date: expected an order such as 'dmy', got {order!r}")
    parts = [_DATE_PARTS[part] for part in order]
    return "|".join(separator.join(parts) for separator in (r"\. ?", "/", "-"))


TIME_PATTERN = "([01]?[0-9]|2[0-3])[:.][0-5][0-9]([:.][0-5][0-9])?"
"""A time of the day: 7:30, 19.45, 23:59:59."""

PHONE_PATTERN = rf"\+?{_PHONE_GROUP}([ ./-]{{0,2}}{_PHONE_GROUP})*"
"""A phone number with brackets, dashes, slashes and points."""

NAMED_PATTERNS = {
    "amount": amount_pattern(),
    **{"date": date_pattern(), "date-mdy": date_pattern("mdy"), "date-ymd": date_pattern("ymd")},
    "time": TIME_PATTERN,
    "phone": PHONE_PATTERN,
}
"""Patterns that a constraint may name."""
