"""Texts from outside: checked on their way in, harmless for spreadsheets on their way out."""

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

_DIGITS = 20  # characters of an integer of 64 bits, with its sign

NOT_A_DIGIT = "not a digit"
"""The label of samples that are no digit, and what is said of what is read as none."""

_ZERO_WIDTH_JOINERS = {
    0x200C: None,
    0x200D: None,
}  # invisible, but some scripts and emoji cannot be written without
_FORMULA_PREFIXES = "=+-@\t"  # what a spreadsheet takes for the beginning of a formula


def validate_text(what: str, text: object, longest: int) -> str:
    """The text without the blanks around it.

    Raises:
        InkwiseError: it is no text, empty, longer than so many characters, or holds a control character.
    """
    if not isinstance(text, str):
        raise InkwiseError(f"{what} is {type(text).__name__}, not text")
    if len(text) > longest:
        raise InkwiseError(f"{what} has {len(text):,} characters; at most {longest} are possible")
    # Cc: control characters; Cf: invisible ones; Cs: halves of a pair, which no UTF-8 can hold.
    if any(
        unicodedata.category(character) in ("Cc", "Cf", "Cs")
        for character in text.translate(_ZERO_WIDTH_JOINERS)
    ):
        raise InkwiseError(f"{what} {text!a} holds a control character")
    if not text.strip():
        raise InkwiseError(f"{what} is empty")
    return text.strip()


def parse_bounds(what: str, text: str) -> list[int]:
    """The least and the most of "4-6", or of "4".

    Raises:
        InkwiseError: it is written otherwise.
    """
    written = re.fullmatch(r"(\d{1,1000})(?:-(\d{1,1000}))?", text, re.ASCII)
    if written is None:
        raise InkwiseError(f"{what} {text!r}: write a number, or the least and the most, as 4-6")
    return [int(written[1]), int(written[2] or written[1])]


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text, where every number is finite, as JSON demands, and integers have 64 bits.

    Raises:
        ValueError: the text is not JSON, is nested too deep, or has another number.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError("a number is too large")
    return number


def _integer(text: str) -> int:
    if len(text) > _DIGITS or not -(2**63) <= (number := int(text)) < 2**63:
        raise ValueError("a number is too large")
    return number


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """End of an error message about an unknown name: the closest known names, or all if none is close."""
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else f"; there are: {', '.join(known)}"


def escape_formula(label: str) -> str:
    """An apostrophe before what a spreadsheet would run, and before one that is the label's own."""
    return f"'{label}" if label.startswith((*_FORMULA_PREFIXES, "'")) else label


def unescape_formula(cell: str) -> str:
    """The label that `escape_formula` gave this cell for."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*_FORMULA_PREFIXES, "'")) else cell
