"""Files and folders on this machine or behind a URL, through the file systems of pyarrow and fsspec."""

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
from inkwise._util.text import natural_key
from inkwise.image import DOCUMENT_SUFFIXES, find_files

URL_SEPARATOR = "://"


@contextmanager
def filesystem_errors(name: str) -> Iterator[None]:
    """Turn errors of a file system into a DataError of one line."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{name}: cannot be used ({' '.join(str(error).split())})") from None


def absolute_path(where: str) -> str:
    """Return a URL unchanged and a path made absolute, since workers have other working folders."""
    return where if URL_SEPARATOR in where else str(Path(where).absolute())


def without_secrets(url: str) -> str:
    """Return a URL without its query and without the credentials before "@"."""
    if URL_SEPARATOR not in url:
        return url
    scheme, rest = url.split("?")[0].split(URL_SEPARATOR, 1)
    head, slash, tail = rest.partition("/")
    return f"{scheme}{URL_SEPARATOR}{head.rpartition('@')[2]}{slash}{tail}"


@lru_cache  # to find the region of a bucket takes a while
def resolve(where: str) -> tuple[FileSystem, str]:
    """Return the file system of a URL or path, and the path in it.

    The file systems of pyarrow (s3, gs, abfs, hdfs, file) take precedence over those of fsspec.

    Raises:
        DataError: The file system is unknown or cannot be reached.
    """
    if URL_SEPARATOR not in where:
        return LocalFileSystem(), where
    with filesystem_errors(without_secrets(where)):
        try:
            filesystem, path = FileSystem.from_uri(where)
        except pa.ArrowInvalid:
            try:
                other, path = url_to_fs(where)
            except (ValueError, ImportError) as error:  # unknown, or its package is not installed
                raise DataError(f"{without_secrets(where)}: {error}") from None
            filesystem = PyFileSystem(FSSpecHandler(other))
    return filesystem, path


def find_inputs(inputs: Sequence[str]) -> list[tuple[int, str]]:
    """Find the files of inputs, as `find_files` does, behind URLs too; each file once.

    Returns:
        For each file the number of its input and its name.

    Raises:
        DataError: A URL does not exist, or its folder contains no image and no PDF.
    """
    names: dict[str, int] = {}
    for number, where in enumerate(inputs):
        for name in _list_url(where) if URL_SEPARATOR in where else find_files([where]):
            names.setdefault(name, number)
    return [(number, name) for name, number in names.items()]


def _list_url(url: str) -> list[str]:
    filesystem, path = resolve(url)
    name = without_secrets(url)
    with filesystem_errors(name):
        kind = filesystem.get_file_info(path).type
        if kind == FileType.NotFound:
            raise DataError(f"{name}: no such file, folder or bucket")
        if kind == FileType.File:
            paths = [path]
        else:
            found = (
                info.path
                for info in filesystem.get_file_info(FileSelector(path, recursive=True))
                if info.type == FileType.File and PurePosixPath(info.path).suffix.lower() in DOCUMENT_SUFFIXES
            )
            paths = sorted(found, key=natural_key)
    if not paths:
        raise DataError(f"{name}: no pictures in this folder ({', '.join(DOCUMENT_SUFFIXES)})")
    return [f"{url.split(URL_SEPARATOR)[0]}{URL_SEPARATOR}{path}" for path in paths]


def atomic_put(filesystem: FileSystem, path: str, content: bytes) -> None:
    """Write a file whole or not at all, in place of an existing one.

    Raises:
        DataError, OSError: It cannot be written.
    """
    if isinstance(filesystem, LocalFileSystem):
        write_bytes(Path(path), content)
        return
    with filesystem.open_output_stream(path) as stream:  # an object store shows complete objects only
        stream.write(content)
