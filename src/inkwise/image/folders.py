"""Pictures in folders, and the pages of many files one after the other."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkwise._util.errors import ImageError
from inkwise._util.inputs import is_folder
from inkwise._util.text import natural_key
from inkwise.image.decode import DOCUMENT_SUFFIXES, Document
from inkwise.image.sources import ImageSource, wrong_type_error

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

    What is skipped in folders is named in warnings of the log: other files, and what cannot be decoded.

    Raises:
        ImageError: an input is not a picture, cannot be decoded, or is a folder without any that can.
    """
    is_one = isinstance(images, Image.Image) or _is_file(images) or getattr(images, "ndim", 0) == 2
    if not is_one and not isinstance(images, Iterable):
        raise wrong_type_error(images)
    sources: Iterator[Any] = iter([images] if is_one else images)  # type: ignore[arg-type]
    for image in sources:
        if not _is_file(image):
            yield image
        elif isinstance(image, str | os.PathLike) and is_folder(folder := os.fsdecode(image)):
            yield from _pages_in_folder(folder)
        else:
            with Document(image) as document:
                for number in range(1, len(document) + 1):
                    yield document.page(number)


def _is_file(source: Any) -> bool:
    return isinstance(source, str | os.PathLike | bytes | bytearray | memoryview) or hasattr(source, "read")


def _pages_in_folder(folder: str) -> Iterator[NDArray[np.uint8]]:
    """Yield the pages of all files in a folder that can be decoded."""
    if skipped := find_skipped([folder]):
        _log.warning("%s", skipped_message(skipped))
    errors: list[ImageError] = []
    count = 0
    for path in find_files([folder]):
        if is_folder(path):
            raise no_pictures_error(path)
        with _skipping(errors), Document(path) as document:
            for number in range(1, len(document) + 1):
                page = None
                with _skipping(errors):
                    page = document.page(number)
                if page is not None:
                    count += 1
                    yield page
    if errors and not count:
        raise errors[0]


@contextmanager
def _skipping(errors: list[ImageError]) -> Iterator[None]:
    """Log an ImageError and append it to `errors`."""
    try:
        yield
    except ImageError as error:
        _log.warning("skipped: %s", error)
        errors.append(error)


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
