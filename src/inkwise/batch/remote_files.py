"""Folders and files here or behind a URL, through the file systems of pyarrow and fsspec."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath

import pyarrow as pa
from fsspec.core import url_to_fs
from pyarrow.fs import FileSelector, FileSystem, FileType, FSSpecHandler, LocalFileSystem, PyFileSystem

from inkwise._util.errors import DataError
from inkwise._util.files import write_bytes
from inkwise.batch import find_files
from inkwise.image import DOCUMENT_SUFFIXES

_URL_SEPARATOR = "://"


@contextmanager
def filesystem_errors(where: str) -> Iterator[None]:
    """Turn what a file system raises into a DataError of one line."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{where}: cannot be used ({' '.join(str(error).split())})") from None


def absolute_path(where: str) -> str:
    """A URL as it is, a path from the root: workers stand elsewhere."""
    return where if _URL_SEPARATOR in where else str(Path(where).absolute())


def without_secrets(url: str) -> str:
    """A URL without its query, and without the key and the secret that may stand before an "@"."""
    if _URL_SEPARATOR not in url:
        return url
    scheme, rest = url.split("?")[0].split(_URL_SEPARATOR, 1)
    head, slash, tail = rest.partition("/")
    return f"{scheme}{_URL_SEPARATOR}{head.rpartition('@')[2]}{slash}{tail}"


@lru_cache  # finding the region of a bucket takes a while
def resolve(where: str) -> tuple[FileSystem, str]:
    """The file system of a URL or a path, and the path in it.

    pyarrow's own file systems come first (s3, gs, abfs, hdfs, file), then those that fsspec knows.

    Raises:
        DataError: there is no such file system, or it cannot be reached.
    """
    if _URL_SEPARATOR not in where:
        return LocalFileSystem(), where
    with filesystem_errors(without_secrets(where)):
        try:
            filesystem, path = FileSystem.from_uri(where)
        except pa.ArrowInvalid:
            try:
                other, path = url_to_fs(where)
            except (ValueError, ImportError) as error:  # not known, or its package is not installed
                raise DataError(f"{without_secrets(where)}: {error}") from None
            filesystem = PyFileSystem(FSSpecHandler(other))
    return filesystem, path


def find_inputs(inputs: Sequence[str]) -> list[tuple[int, str]]:
    """The files that were named, folders opened: which input each comes from, and its name; each once.

    Raises:
        DataError: a URL where nothing is, or no picture and no PDF.
    """
    names: dict[str, int] = {}
    for number, where in enumerate(inputs):
        for name in _list_url(where) if _URL_SEPARATOR in where else find_files([where]):
            names.setdefault(name, number)
    return [(number, name) for name, number in names.items()]


def path_of(name: str) -> str:
    """The path of a file that was found, in the file system of the input it was found in."""
    return name.split(_URL_SEPARATOR, 1)[-1]


def _list_url(url: str) -> Iterator[str]:
    filesystem, path = resolve(url)
    shown, scheme = without_secrets(url), url.split(_URL_SEPARATOR)[0]
    with filesystem_errors(shown):
        kind = filesystem.get_file_info(path).type
        if kind == FileType.File:
            yield f"{scheme}{_URL_SEPARATOR}{path}"
            return
        if kind == FileType.NotFound:
            raise DataError(f"{shown}: no such file, folder or bucket")
        inside = filesystem.get_file_info(FileSelector(path, recursive=True))
    paths = sorted(
        info.path
        for info in inside
        if info.type == FileType.File and PurePosixPath(info.path).suffix.lower() in DOCUMENT_SUFFIXES
    )
    if not paths:
        raise DataError(f"{shown}: no pictures in this folder ({', '.join(DOCUMENT_SUFFIXES)})")
    for found_path in paths:
        yield f"{scheme}{_URL_SEPARATOR}{found_path}"


def atomic_put(filesystem: FileSystem, path: str, content: bytes) -> None:
    """Write a file that is there whole or not at all, in place of one that may be there.

    Raises:
        DataError, OSError: it cannot be written.
    """
    if isinstance(filesystem, LocalFileSystem):
        write_bytes(Path(path), content)
        return
    with filesystem.open_output_stream(path) as stream:  # an object store shows an object when it is whole
        stream.write(content)
