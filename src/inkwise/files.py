"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from inkwise.errors import DataError


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Have `write` make a file beside `path`, then move it there in one step.

    Nobody, after a crash or in another process, ever sees half of it.

    Raises:
        DataError: it cannot be written: the disk is full, the folder may not be written to.
    """
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        write(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
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
    taken = {os.path.realpath(source) for source in sources if not isinstance(source, bytes)}
    if os.path.realpath(path) in taken:
        raise DataError(f"{path}: is read, and would be replaced; name another file to write")
