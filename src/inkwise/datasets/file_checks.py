"""Reading of data set files: gzip decompression, and one error message for damaged files."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from inkwise._util.errors import DataError
from inkwise._util.inputs import clear_read_errors, open_input

GZIP_ERRORS = (gzip.BadGzipFile, EOFError, zlib.error)
"""Exceptions raised while damaged gzip data is read."""

_GZIP_MAGIC = b"\x1f\x8b"


def damaged(path: str | Path, expected: str) -> DataError:
    """Build the error for a file whose content cannot be decoded."""
    return DataError(f"{path}: expected {expected}; the file is damaged or of another type")


def decompressed(file: IO[bytes]) -> IO[bytes]:
    """Return the file itself, or a decompressing reader if its content is gzip."""
    is_gzip = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if is_gzip else file  # type: ignore[return-value]


@contextmanager
def open_decompressed(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that may be gzipped.

    Raises:
        DataError: the file cannot be opened, or cannot be read inside the block.
    """
    with open_input(path) as file, clear_read_errors(path):
        try:
            yield decompressed(file)
        except GZIP_ERRORS:
            raise damaged(path, "gzip data") from None
