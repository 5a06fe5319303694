"""Where UNIPEN's files are: in a folder, in an archive that is never unpacked by name, at Zenodo."""

from __future__ import annotations

import re
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Self

import pooch

from inkwise._util.errors import DataError
from inkwise._util.files import make_directory
from inkwise._util.inputs import clear_read_errors, is_file, is_folder, open_input
from inkwise.datasets.unipen_format import DamageError

DOI = "doi:10.5281/zenodo.1195803"
ARCHIVE = "unipen-CDROM-train_r01_v07.tgz"
CATEGORIES = {"1a": "digits", "1b": "upper case", "1c": "lower case", "1d": "symbols", "7": "strings of text"}

Files = dict[str, Callable[[], bytes]]  # by names such as "data/1a/abc/x.dat" and "include/abc/x.doc"

_WANTED = re.compile(rf"(?:^|/)((?:data/(?:{'|'.join(CATEGORIES)})|include)/.*)", re.DOTALL)
_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_MAX_FILE_BYTES = 16 << 20  # bytes of one file; UNIPEN's have some 60 KB
_MAX_TOTAL_BYTES = 4 << 30  # bytes of all; UNIPEN has 0.5 GB
_MOST_FILES = 200_000  # in an archive; UNIPEN has some 40,000
_LONGEST_HEADER = 1 << 16  # bytes of a long name, or of other facts, in front of a member of a tar archive


def fetch_archive(folder: Path) -> Path:
    """UNIPEN's archive (156 MB) from Zenodo, kept in ``folder``, checked by the MD5 that Zenodo states.

    Raises DataError if it cannot be had.
    """
    make_directory(folder)
    zenodo = pooch.create(path=folder, base_url=DOI)
    try:
        zenodo.load_registry_from_doi()
        return Path(zenodo.fetch(ARCHIVE))
    except (OSError, ValueError, KeyError) as error:
        refused = isinstance(error, ValueError | KeyError)
        reason = "another list of files or MD5 than expected" if refused else type(error).__name__
        raise DataError(
            f"UNIPEN cannot be had from {DOI} ({reason}); "
            "with its folder or archive at PATH: inkwise data get unipen --from PATH"
        ) from error


@contextmanager
def open_files(path: Path) -> Iterator[Files]:
    """UNIPEN's files in a folder, a .zip or a .tar of any compression, wherever in it they lie.

    Nothing is unpacked by its name: what an archive holds goes into one nameless temporary file. Reading a
    file raises DamageError if that fails. Raises DataError if ``path`` is neither, is damaged, or holds more
    than 4 GB.
    """
    if is_folder(path):
        with clear_read_errors(path):
            files: Files = {
                name: partial(_read_file, file)
                for file in path.rglob("*")
                if (name := _wanted(file.relative_to(path).as_posix())) and is_file(file)
            }
        yield files
        return
    with tempfile.TemporaryFile() as store:
        yield _stored(path, store)


def _stored(path: Path, store: IO[bytes]) -> Files:
    files: Files = {}
    try:
        for number, (name, stream) in enumerate(_members(path)):
            if number == _MOST_FILES:
                raise DataError(f"{path}: holds more than {_MOST_FILES:,} files, which UNIPEN does not")
            wanted = _wanted(name)
            if wanted:
                start = store.tell()
                while chunk := stream.read(1 << 20):
                    store.write(chunk)
                    if store.tell() > _MAX_TOTAL_BYTES:
                        raise DataError(
                            f"{path}: holds more than {_MAX_TOTAL_BYTES >> 30} GB, which UNIPEN does not"
                        )
                files[wanted] = partial(_read_stored, store, start, store.tell() - start)
    except DataError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from error
        # zipfile, tarfile and what they unpack with have a word each for damage, and for a password.
        raise DataError(f"{path}: is no sound .zip or .tgz") from error
    return files


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The name and the open content of each file in an archive."""
    with open_input(path) as file:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                for info in archive.infolist():
                    if not info.is_dir():
                        with archive.open(info) as content:
                            yield info.filename, content
            return
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r|*", tarinfo=_Member) as tape:
            for member in tape:
                stream = tape.extractfile(member) if member.isfile() else None  # no links, no devices
                if stream is not None:
                    yield member.name, stream


class _Member(tarfile.TarInfo):
    """A member of a tar archive; tarfile would hold headers of any length in memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """From a block of 512 bytes."""
        member = super().frombuf(buf, encoding, errors)
        if member.type in _HEADERS and member.size > _LONGEST_HEADER:
            raise tarfile.ReadError("a header is too long")
        return member


def _wanted(name: str) -> str | None:
    match = _WANTED.search(name)
    return match[1] if match else None


def _read_file(path: Path) -> bytes:
    try:
        with open_input(path) as file:
            return _decompress(file.read(_MAX_FILE_BYTES + 1))
    except (DataError, OSError) as error:
        raise DamageError("unreadable") from error


def _read_stored(store: IO[bytes], start: int, size: int) -> bytes:
    store.seek(start)
    return _decompress(store.read(min(size, _MAX_FILE_BYTES + 1)))


def _decompress(data: bytes) -> bytes:
    if len(data) > _MAX_FILE_BYTES:
        raise DamageError("too large")
    return data
