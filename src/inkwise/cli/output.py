"""Lines on standard output and standard error that no name of a file can break."""

from __future__ import annotations

import codecs
import io
import json
import sys

from inkwise._util.errors import one_line


def print_line(text: str, *, err: bool = False) -> None:
    """Print exactly one line, with escapes for what is not printable."""
    print(one_line(text), file=sys.stderr if err else sys.stdout, flush=True)


def escape_unencodable() -> None:
    """Have standard output and standard error escape what their encoding lacks, in place of an exception."""
    codecs.register_error("inkwise", _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="inkwise")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """As JSON does it, so that what is JSON stays so."""
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
