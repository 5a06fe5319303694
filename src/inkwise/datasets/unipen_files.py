"""Sources of UNIPEN's files: a folder, a .zip or .tar archive, Zenodo."""

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
from inkwise.datasets.file_checks import damaged
from inkwise.datasets.unipen_format import DamageError

DOI = "doi:10.5281/zenodo.1195803"
ARCHIVE = "unipen-CDROM-train_r01_v07.tgz"
CATEGORIES = {"1a": "digits", "1b": "upper case", "1c": "lower case", "1d": "symbols", "7": "strings of text"}

Files = dict[str, Callable[[], bytes]]  # by names such as "data/1a/abc/x.dat" and "include/abc/x.doc"

_WANTED = re.compile(rf"(?:^|/)((?:data/(?:{'|'.join(CATEGORIES)})|include)/.*)", re.DOTALL)
_HEADER_TYPES = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_MAX_FILE_BYTES = 16 << 20  # per file; UNIPEN's have some 60 KB
_MAX_TOTAL_BYTES = 4 << 30  # of all files; UNIPEN has 0.5 GB
_MAX_FILES = 200_000  # per archive; UNIPEN has some 40,000
_MAX_HEADER_BYTES = 1 << 16  # of a long name or other metadata before a member of a tar archive


def fetch_archive(folder: Path) -> Path:
    """Download UNIPEN's archive (156 MB) from Zenodo to a folder and check the MD5 that Zenodo states.

    Raises:
        DataError: it is not available.
    """
    make_directory(folder)
    zenodo = pooch.create(path=folder, base_url=DOI)
    try:
        zenodo.load_registry_from_doi()
        return Path(zenodo.fetch(ARCHIVE))
    except (OSError, ValueError, KeyError) as error:
        changed = isinstance(error, ValueError | KeyError)
        reason = "file list or MD5 differs" if changed else type(error).__name__
        raise DataError(
            f"UNIPEN is not available from {DOI} ({reason}); "
            "with its folder or archive at PATH: inkwise data get unipen --from PATH"
        ) from error


@contextmanager
def open_files(path: Path) -> Iterator[Files]:
    """Open UNIPEN's files, at any depth of a folder, a .zip or a .tar of any compression.

    Nothing is extracted under its own name: the members of an archive go into one unnamed temporary file.
    Reading a file raises DamageError if it is unreadable or too large.

    Raises:
        DataError: `path` is neither, is damaged, or has more than 200,000 files or 4 GB.
    """
    if is_folder(path):
        with clear_read_errors(path):
            files: Files = {
                name: partial(_read_file, file)
                for file in path.rglob("*")
                if (name := _wanted_name(file.relative_to(path).as_posix())) and is_file(file)
            }
        yield files
    else:
        with tempfile.TemporaryFile() as store:
            yield _store_members(path, store)


def _store_members(path: Path, store: IO[bytes]) -> Files:
    files: Files = {}
    try:
        for number, (name, stream) in enumerate(_members(path)):
            if number == _MAX_FILES:
                raise DataError(f"{path}: contains more than {_MAX_FILES:,} files")
            if wanted := _wanted_name(name):
                start = store.tell()
                while chunk := stream.read(1 << 20):
                    store.write(chunk)
                    if store.tell() > _MAX_TOTAL_BYTES:
                        raise DataError(f"{path}: contains more than {_MAX_TOTAL_BYTES >> 30} GB")
                files[wanted] = partial(_read_stored, store, start, store.tell() - start)
    except DataError:
        raise
    except Exception as error:  # zipfile, tarfile and the codecs raise many types for damage and passwords
        if isinstance(error, OSError) and error.errno:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from error
        raise damaged(path, "a .zip or .tgz archive") from error
    return files


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the name and the open content of each file in an archive."""
    with open_input(path) as file:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                for info in archive.infolist():
                    if not info.is_dir():
                        with archive.open(info) as content:
                            yield info.filename, content
            return
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r|*", tarinfo=_BoundedTarInfo) as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isfile() else None  # no links, no devices
                if stream is not None:
                    yield member.name, stream


class _BoundedTarInfo(tarfile.TarInfo):
    """Rejects long headers, which tarfile would keep in memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type in _HEADER_TYPES and member.size > _MAX_HEADER_BYTES:
            raise tarfile.ReadError("header too long")
        return member


def _wanted_name(name: str) -> str | None:
    match = _WANTED.search(name)
    return match[1] if match else None


def _read_file(path: Path) -> bytes:
    try:
        with open_input(path) as file:
            return _check_size(file.read(_MAX_FILE_BYTES + 1))
    except (DataError, OSError) as error:
        raise DamageError("unreadable") from error


def _read_stored(store: IO[bytes], start: int, size: int) -> bytes:
    store.seek(start)
    return _check_size(store.read(min(size, _MAX_FILE_BYTES + 1)))


def _check_size(data: bytes) -> bytes:
    if len(data) > _MAX_FILE_BYTES:
        raise DamageError("too large")
    return data
