"""What the options say about a number."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from inkwise.errors import InkwiseError
from inkwise.files import read_lines


def constraint(
    length: str | None, pattern: str | None, range: str | None, check: str | None, vocabulary: Path | None
) -> dict[str, Any] | None:
    """What `Constraint.from_dict` takes, or None where nothing is known.

    Raises:
        InkwiseError: a length or range is none.
        DataError: the vocabulary cannot be read.
    """
    values = {
        "length": None if length is None else _bounds("--length", length),
        "pattern": pattern,
        "range": None if range is None else _bounds("--range", range),
        "check": check,
        "vocabulary": None if vocabulary is None else read_lines(vocabulary),
    }
    return {key: value for key, value in values.items() if value is not None} or None


def _bounds(option: str, text: str) -> list[int]:
    """The least and the most of "4-6", or of "4"."""
    bounds = re.fullmatch(r"(\d{1,1000})(?:-(\d{1,1000}))?", text, re.ASCII)
    if bounds is None:
        raise InkwiseError(f"{option} {text!r}: write a number, or the least and the most, as 4-6")
    return [int(bounds[1]), int(bounds[2] or bounds[1])]
