"""What the options say about a number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inkwise._util.inputs import read_lines
from inkwise._util.text import parse_bounds


def constraint_options(
    length: str | None, pattern: str | None, range: str | None, check: str | None, vocabulary: Path | None
) -> dict[str, Any] | None:
    """What `Constraint.from_dict` takes, or None where nothing is known.

    Raises:
        InkwiseError: a length or range is none.
        DataError: the vocabulary cannot be read.
    """
    values = {
        "length": None if length is None else parse_bounds("--length", length),
        "pattern": pattern,
        "range": None if range is None else parse_bounds("--range", range),
        "check": check,
        "vocabulary": None if vocabulary is None else read_lines(vocabulary),
    }
    return {key: value for key, value in values.items() if value is not None} or None
