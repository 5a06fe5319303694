"""Files that may be gzipped, unpacked piece by piece while they are read."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from inkwise._util.errors import DataError
from inkwise._util.inputs import clear_read_errors, open_input

GZIP_ERRORS = (gzip.BadGzipFile, EOFError, zlib.error)
"""What reading damaged gzip data raises."""

_MAGIC = b"\x1f\x8b"


def unpacked(file: IO[bytes]) -> IO[bytes]:
    """The file itself, or where its content is gzip, what that unpacks to."""
    packed = file.read(len(_MAGIC)) == _MAGIC
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[return-value]


@contextmanager
def open_unpacked(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that may be gzipped.

    Raises:
        DataError: it cannot be opened or read, also while the block reads it.
    """
    with open_input(path) as file, clear_read_errors(path):
        try:
            yield unpacked(file)
        except GZIP_ERRORS:
            raise DataError(f"{path}: the gzip data breaks off or is damaged") from None
