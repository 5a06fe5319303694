"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from inkwise.errors import DataError

_LARGEST = 64_000_000  # bytes of a list of numbers


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Have `write` make a file beside `path`, then move it there in one step.

    Nobody, after a crash or in another process, ever sees half of it. Links are followed.

    Raises:
        DataError: it cannot be written: the disk is full, the folder is closed, there is a device.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise DataError(f"{path}: cannot be written (is a folder or a device)")
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        write(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where there is none yet.

    Raises:
        DataError: it cannot be made: there is a file of this name, the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot be made ({error.strerror})") from None


def check_apart(path: Path, sources: Iterable[str | Path | bytes]) -> None:
    """Refuse to write to a file that is read; bytes are none.

    Raises:
        DataError: `path` is one of the sources, links followed.
    """
    target = os.path.realpath(path)
    if any(os.path.realpath(source) == target for source in sources if not isinstance(source, bytes)):
        raise DataError(f"{path}: is read, and would be replaced; name another file to write")


def read_lines(path: Path) -> list[str]:
    """The lines of a text file without the blanks around them, empty ones left out.

    Raises:
        DataError: it cannot be opened, is no text, or larger than 64 MB.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise DataError(f"{path}: is larger than 64 MB")
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be opened ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: is not text (UTF-8) with one number a line") from None
    return [line.strip() for line in text.splitlines() if line.strip()]
