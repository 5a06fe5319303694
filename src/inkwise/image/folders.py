"""Pictures in folders, and the pages of many files one after the other."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from inkwise._util.errors import ImageError
from inkwise._util.inputs import is_folder
from inkwise._util.text import natural_key
from inkwise.image.decode import DOCUMENT_SUFFIXES, Document
from inkwise.image.sources import FileSource, ImageSource, wrong_type_error

_MAX_NAMES = 5  # of skipped files, in a message

_log = logging.getLogger(__name__)


def find_files(files: Iterable[str]) -> Iterator[str]:
    """Yield the paths of files, and of the pictures and PDFs in folders, in natural order: img2 before img10.

    A folder that contains none, or cannot be listed, is yielded itself; opening it raises the error.
    """
    for file in files:
        found = (path for path, is_read in _walk(file) if is_read) if is_folder(file) else iter((file,))
        first = next(found, None)
        yield file if first is None else first
        yield from found


def find_skipped(files: Iterable[str]) -> list[str]:
    """Return the paths in folders, hidden files excepted, that `find_files` skips."""
    found = ((file, *entry) for file in files if is_folder(file) for entry in _walk(file))
    return [
        str(Path(path).relative_to(folder))
        for folder, path, is_read in found
        if not is_read and not Path(path).name.startswith(".")
    ]


def no_pictures_error(folder: str) -> ImageError:
    """Return the error for a folder that contains no picture and no PDF, or cannot be listed."""
    readable = os.access(folder, os.R_OK | os.X_OK)
    reason = ", ".join(DOCUMENT_SUFFIXES) if readable else "Permission denied"
    return ImageError(f"{folder}: no pictures in this folder ({reason})")


def skipped_message(skipped: list[str]) -> str:
    """Return one line that counts skipped files and names the first ones."""
    names = ", ".join(skipped[:_MAX_NAMES]) + (", …" if len(skipped) > _MAX_NAMES else "")
    return f"{len(skipped):,} file{'s' if len(skipped) > 1 else ''} skipped: {names}"


def iterate_images(images: Iterable[ImageSource] | ImageSource) -> Iterator[ImageSource]:
    """Yield pictures; those of folders, and the pages of PDFs and TIFFs, as grey arrays (H, W) uint8.

    Skipped files of folders are counted and named in a warning of the log.

    Raises:
        ImageError: an input is not a picture, cannot be opened, or is a folder without any.
    """
    is_one = isinstance(images, Image.Image) or _is_file(images)
    if not is_one and not isinstance(images, Iterable):
        raise wrong_type_error(images)
    sources: Iterator[Any] = iter([images] if is_one else images)  # type: ignore[arg-type]
    for image in sources:
        if not _is_file(image):
            yield image
            continue
        for file in _files_of(image):
            with Document(file) as document:
                for number in range(1, len(document) + 1):
                    yield document.page(number)


def _is_file(source: Any) -> bool:
    return isinstance(source, str | os.PathLike | bytes | bytearray | memoryview) or hasattr(source, "read")


def _files_of(source: FileSource) -> Iterator[FileSource]:
    """Yield the files of a folder, or the file itself."""
    if not isinstance(source, str | os.PathLike) or not is_folder(folder := os.fsdecode(source)):
        yield source
        return
    if skipped := find_skipped([folder]):
        _log.warning("%s", skipped_message(skipped))
    for path in find_files([folder]):
        if is_folder(path):
            raise no_pictures_error(path)
        yield path


def _walk(folder: str) -> Iterator[tuple[str, bool]]:
    """Yield the files of a folder and its sub-folders, and whether each is read; links to folders are not.

    A folder that cannot be listed is yielded itself.
    """
    try:
        with os.scandir(folder) as entries:
            inside = sorted(entries, key=lambda entry: natural_key(entry.name))
    except OSError:
        yield str(Path(folder)), True
        return
    for entry in inside:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path)
        else:
            yield str(Path(entry.path)), Path(entry.name).suffix.lower() in DOCUMENT_SUFFIXES
