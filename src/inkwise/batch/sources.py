"""The files that were named, folders opened."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from inkwise._util.inputs import is_folder
from inkwise.image import DOCUMENT_SUFFIXES


def find_files(files: Iterable[str]) -> Iterator[str]:
    """The paths of files, and of what lies in folders by its suffix, one by one in a steady order.

    A folder in which nothing is found, or cannot be looked for, stands for itself: who opens it says why.
    """
    for file in files:
        if not is_folder(file):
            yield file
            continue
        empty = True
        for path in _walk(file):
            empty = False
            yield str(Path(path))
        if empty:
            yield file


def _walk(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        yield folder
        return
    for entry in inside:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path)
        elif Path(entry.name).suffix.lower() in DOCUMENT_SUFFIXES:
            yield entry.path


def file_fingerprint(file: str) -> str:
    """What changes when the file does; empty where that cannot be told."""
    try:
        status = Path(file).stat()
    except (OSError, ValueError):
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"
