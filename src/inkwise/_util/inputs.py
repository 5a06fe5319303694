"""Input files: only regular files are opened, and only up to a size limit is read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TextIO

from inkwise._util.errors import DataError, InkwiseError

MEGABYTE = 1_000_000

_MAX_LIST = 64 * MEGABYTE  # bytes of a list of numbers
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # without it, opening a pipe waits for a writer; Windows has neither


def open_input(
    path: str | Path, limit: int | None = None, error: type[InkwiseError] = DataError
) -> IO[bytes]:
    """Open a regular file for reading; links are followed.

    Args:
        path: The file.
        limit: Maximum size in bytes; None for a file that is read piece by piece.
        error: Class of the exception.

    Raises:
        InkwiseError: The file cannot be opened, is too large, or is a folder, a pipe or a device.
    """
    try:
        file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NO_WAIT))  # noqa: SIM115
    except IsADirectoryError:
        raise error(f"{path}: is a folder, not a file") from None
    except (OSError, ValueError) as reason:  # ValueError: the name holds a NUL or a lone surrogate
        raise error(f"{path}: cannot be opened ({_words(reason)})") from None
    try:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise error(f"{path}: is a pipe or a device, not a file")
        if limit is not None:
            _check_size(path, status.st_size, limit, error)
    except BaseException:
        file.close()
        raise
    return file


def read_input(path: str | Path, limit: int, error: type[InkwiseError] = DataError) -> bytes:
    """Read a regular file of at most `limit` bytes.

    Raises:
        InkwiseError: As for `open_input`, or the file cannot be read.
    """
    with open_input(path, limit, error) as file, clear_read_errors(path, error):
        content = file.read(limit + 1)  # a file may grow, and files in /proc report no size
    _check_size(path, len(content), limit, error)
    return content


@contextmanager
def clear_read_errors(path: str | Path, error: type[InkwiseError] = DataError) -> Iterator[None]:
    """Turn an OSError while `path` is read into an `error` of one line."""
    try:
        yield
    except OSError as reason:
        raise error(f"{path}: cannot be read ({_words(reason)})") from None


def read_lines(path: Path) -> list[str]:
    """Read the lines of a text file, stripped of white space, without empty lines.

    Raises:
        DataError: The file cannot be read, is not text, or is larger than 64 MB.
    """
    try:
        text = read_input(path, _MAX_LIST).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path}: is not text (UTF-8) with one number a line") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def bounded_lines(file: TextIO, longest: int) -> Iterator[str]:
    """Yield the lines of a text file; InkwiseError if a line has more than `longest` characters."""
    while line := file.readline(longest + 1):
        if len(line) > longest:
            raise InkwiseError(f"is longer than {longest:,} characters")
        yield line


def is_folder(path: str | Path) -> bool:
    """Return whether `path` is a folder; False, unlike `Path.is_dir`, on any error."""
    return os.path.isdir(path)  # noqa: PTH112


def is_file(path: str | Path) -> bool:
    """Return whether `path` is a regular file; False, unlike `Path.is_file`, on any error."""
    return os.path.isfile(path)  # noqa: PTH113


def is_there(path: str | Path) -> bool:
    """Return whether `path` exists; True on an error, which opening the file reports."""
    with suppress(OSError, ValueError):
        return Path(path).exists()
    return True


def _words(reason: Exception) -> str:
    return getattr(reason, "strerror", None) or str(reason)


def _check_size(path: str | Path, size: int, limit: int, error: type[InkwiseError]) -> None:
    if size > limit:
        most = f"{limit // MEGABYTE:,} MB" if limit >= MEGABYTE else f"{limit:,} bytes"
        raise error(f"{path}: is larger than {most}")
