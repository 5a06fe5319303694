"""Input files: only regular files are opened, and no more of them is read than a limit."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TextIO

from inkwise._util.errors import DataError, InkwiseError

MEGABYTE = 1_000_000

_LINES = 64 * MEGABYTE  # of a list of numbers, in bytes

# Without it, opening a pipe waits for a writer. Windows has neither the flag nor such pipes.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)


def open_input(
    path: str | Path, limit: int | None = None, error: type[InkwiseError] = DataError
) -> IO[bytes]:
    """Open a regular file for reading.

    Args:
        path: the file; links are followed.
        limit: maximum size, in bytes; None for a file that is read piece by piece.
        error: the class of the exception.

    Raises:
        InkwiseError: of the class `error`: the file cannot be opened, is too large, or is a folder, a pipe or
            a device.
    """
    try:
        file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NO_WAIT))  # noqa: SIM115
    except IsADirectoryError:
        raise error(f"{path}: is a folder, not a file") from None
    except (OSError, ValueError) as reason:  # a ValueError: the name holds a NUL, or a lone surrogate
        raise error(f"{path}: cannot be opened ({_words(reason)})") from None
    try:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise error(f"{path}: is a pipe or a device, not a file")
        if limit is not None and status.st_size > limit:
            raise _too_large(path, limit, error)
    except BaseException:
        file.close()
        raise
    return file


def read_input(path: str | Path, limit: int, error: type[InkwiseError] = DataError) -> bytes:
    """The content of a regular file of at most `limit` bytes.

    Raises:
        InkwiseError: of the class `error`: as for `open_input`, or the file cannot be read.
    """
    with open_input(path, limit, error) as file, clear_read_errors(path, error):
        content = file.read(limit + 1)  # it may grow, and those of /proc have no size
    if len(content) > limit:
        raise _too_large(path, limit, error)
    return content


@contextmanager
def clear_read_errors(path: str | Path, error: type[InkwiseError] = DataError) -> Iterator[None]:
    """Turn an OSError while `path` is read into an `error` of one line."""
    try:
        yield
    except OSError as reason:
        raise error(f"{path}: cannot be read ({_words(reason)})") from None


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, stripped of blanks, without empty lines.

    Raises:
        DataError: the file cannot be read, is not text, or is larger than 64 MB.
    """
    try:
        text = read_input(path, _LINES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path}: is not text (UTF-8) with one number a line") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def bounded_lines(file: TextIO, longest: int) -> Iterator[str]:
    """The lines of an open text file, one in memory at a time.

    Raises:
        InkwiseError: a line has more than `longest` characters.
    """
    while line := file.readline(longest + 1):
        if len(line) > longest:
            raise InkwiseError(f"is longer than {longest:,} characters")
        yield line


def is_folder(path: str | Path) -> bool:
    """Whether `path` is a folder; False where that cannot be found out."""
    with suppress(OSError, ValueError):
        return Path(path).is_dir()
    return False


def is_file(path: str | Path) -> bool:
    """Whether `path` is a regular file; False where that cannot be found out."""
    with suppress(OSError, ValueError):
        return Path(path).is_file()
    return False


def is_there(path: str | Path) -> bool:
    """Whether `path` exists; True where that cannot be found out: opening it then says why."""
    with suppress(OSError, ValueError):
        return Path(path).exists()
    return True


def _words(reason: Exception) -> str:
    return getattr(reason, "strerror", None) or str(reason)


def _too_large(path: str | Path, limit: int, error: type[InkwiseError]) -> InkwiseError:
    size = f"{limit // MEGABYTE:,} MB" if limit >= MEGABYTE else f"{limit:,} bytes"
    return error(f"{path}: is larger than {size}")
