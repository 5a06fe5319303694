"""Text from outside: validated on input, safe for spreadsheets on output; JSON with finite numbers only."""

from __future__ import annotations

import difflib
import json
import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from inkwise._util.errors import InkwiseError

DIGITS = "0123456789"

MAX_LABEL_LENGTH = 32

NOT_A_DIGIT = "not a digit"
"""Label of non-digits, and the reason for rejecting them."""

_MAX_INTEGER_LENGTH = 20  # characters of a 64-bit integer with its sign
_JOINERS = {0x200C: None, 0x200D: None}  # zero-width, but some scripts and emoji need them
_REJECTED_CATEGORIES = ("Cc", "Cf", "Cs")  # control, invisible, and surrogates, which UTF-8 cannot encode
_FORMULA_PREFIXES = ("=", "+", "-", "@", "\t")  # a spreadsheet runs a cell that starts with one
_ESCAPED_PREFIXES = (*_FORMULA_PREFIXES, "'")


def digits_of(text: str) -> str:
    """Return the digits 0 to 9 of a text."""
    return "".join(character for character in text if character in DIGITS)


def validate_text(what: str, text: object, longest: int) -> str:
    """Return the text without the white space around it.

    Raises:
        InkwiseError: `text` is not text, is empty or too long, or holds a control character.
    """
    if not isinstance(text, str):
        raise InkwiseError(f"{what} is {type(text).__name__}, not text")
    if len(text) > longest:
        raise InkwiseError(f"{what} has {len(text):,} characters; at most {longest} are possible")
    if not {*map(unicodedata.category, text.translate(_JOINERS))}.isdisjoint(_REJECTED_CATEGORIES):
        raise InkwiseError(f"{what} {text!a} holds a control character")
    if not text.strip():
        raise InkwiseError(f"{what} is empty")
    return text.strip()


def parse_bounds(what: str, text: str) -> list[int]:
    """Parse the minimum and the maximum of "4-6", or of "4".

    Raises:
        InkwiseError: The text has another form.
    """
    written = re.fullmatch(r"(\d{1,1000})(?:-(\d{1,1000}))?", text, re.ASCII)
    if written is None:
        raise InkwiseError(f"{what} {text!r}: write a number, or the least and the most, as 4-6")
    return [int(written[1]), int(written[2] or written[1])]


def parse_json(text: str | bytes) -> Any:
    """Parse JSON whose numbers are finite and whose integers have 64 bits.

    Raises:
        ValueError: The text is not JSON, is nested too deep, or holds another number.
    """
    try:
        return json.loads(text, parse_constant=_reject, parse_float=_finite, parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _reject(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError("a number is too large")
    return number


def _integer(text: str) -> int:
    if len(text) > _MAX_INTEGER_LENGTH or not -(2**63) <= (number := int(text)) < 2**63:
        raise ValueError("a number is too large")
    return number


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Return a key that sorts names by the numbers in them: img2 before img10."""
    parts = re.split(
        r"(\d+)", name, flags=re.ASCII
    )  # text and numbers take turns, so that keys are comparable
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], name


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """End of an error message about an unknown name: the closest known names, or all if none is close."""
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else f"; there are: {', '.join(known)}"


def escape_formula(label: str) -> str:
    """Put an apostrophe before a label that a spreadsheet would run, or that begins with an apostrophe."""
    return f"'{label}" if label.startswith(_ESCAPED_PREFIXES) else label


def unescape_formula(cell: str) -> str:
    """Return the label that `escape_formula` escaped."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_ESCAPED_PREFIXES) else cell


def to_valid_utf8(text: str) -> str:
    """Escape what UTF-8 cannot hold, such as a file name in another encoding."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
