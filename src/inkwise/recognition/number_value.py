"""Values of written numbers: signs, thousands separators, decimal points and commas."""

from __future__ import annotations

import re
from decimal import Decimal

from inkwise._util.text import digits_of

_CLOSING = re.compile(r"[.,]?[-=/]+$")  # after an amount: 12.- 12,-- 12= 12/
_FRAME = "#*=€$£ "  # currency marks and signs that guard an amount
_HALF = "½"


def parse_value(text: str, decimal: str | None = None) -> Decimal | None:
    """Return the value of a written number; None if it is none, such as a date, or if it is ambiguous.

    Of a point and a comma, the last one is decimal. One alone is decimal unless three digits follow, as in
    1.250, which may be 1250: that is ambiguous without a hint. What occurs more than once, and an apostrophe,
    separates groups of three. Currency marks, a percent sign and closing lines are left out.

    Args:
        text: digits and separators; `^` stands before raised digits.
        decimal: "." or ",": the decimal separator of the writer; the other one separates groups.
    """
    core = text.strip(_FRAME).removesuffix("%")
    sign = core[:1] if core[:1] in ("-", "+") and (digits_of(core) or _HALF in core) else ""
    core = _CLOSING.sub("", core[len(sign) :].strip(_FRAME)).strip(_FRAME).removesuffix(".")
    half = core.endswith(_HALF)
    core = core.removesuffix(_HALF)
    if not core and half:
        core = "0"
    number = _plain(core.replace("^", decimal or "^"), decimal)
    if number is None or (half and "." in number):
        return None
    value = Decimal(f"{number}.5" if half else number)  # arithmetic would round to 28 digits
    return value.copy_negate() if sign == "-" else value


def plain_value(value: Decimal | None) -> str | None:
    """Return a value as text without an exponent."""
    return None if value is None else format(value, "f")


def _plain(core: str, decimal: str | None) -> str | None:
    """Return digits with at most one point; None if the text is ambiguous or none."""
    if not re.fullmatch(r"[0-9]+(?:[.,'^][0-9]+)*|[.,][0-9]+", core):
        return None
    marks = [mark for mark in core if not mark.isdigit()]
    point = _decimal_mark(core, marks, decimal)
    if point is None:
        return None
    whole, _, fraction = core.rpartition(point) if point else (core, "", "")
    groups = re.split(r"[.,']", whole)
    if len({*marks} - {point}) > 1 or (point and (marks.count(point) > 1 or not fraction.isdigit())):
        return None
    if len(groups) > 1 and (any(len(group) != 3 for group in groups[1:]) or not 1 <= len(groups[0]) <= 3):
        return None
    return f"{''.join(groups) or '0'}.{fraction}" if point else "".join(groups)


def _decimal_mark(core: str, marks: list[str], decimal: str | None) -> str | None:
    """Return the decimal mark of a number, "" without one; None if it is ambiguous."""
    if "^" in marks:
        return "^"
    if decimal is not None:
        return decimal if decimal in marks else ""
    kinds = [mark for mark in dict.fromkeys(marks) if mark != "'"]
    if not kinds:
        return ""
    last = marks[-1]
    if last == "'":
        return None
    if marks.count(last) > 1:
        return ""
    groups = re.split(r"[.,']", core)
    if len(marks) == 1 and len(groups[-1]) == 3 and 1 <= len(groups[0]) <= 3 and groups[0].strip("0"):
        return None
    return last
