"""Output files that no crash and no other process can damage: atomic writes and locks."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from inkwise._util.errors import DataError

_WAIT = 30.0  # seconds to wait for a lock; a file takes less than one to write, the plots of a search some
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EACCES}  # network, FUSE, no read permission
_FOLDER_EXISTS = {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}  # errors of a rename; EEXIST on Windows
_EXISTS = "exists already; name a new folder"


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`; on success, sync the file made there and rename it to `path`.

    Other processes, and a restart after a crash or a power failure, see the old file or the new one. Symbolic
    links are followed, and the new file gets the permissions of the old one. An OSError of the block is
    reported as a failure to write `path`.

    Raises:
        DataError: The file cannot be written: full disk, missing folder, no permission, not a regular file.
    """
    target = resolve_output(path)
    if target.exists() and not target.is_file():
        raise DataError(f"{path}: cannot be written (is a folder or a device)")
    part = _part(target)
    try:
        with _write_errors(path):
            yield part
            _sync_file(part)
            if target.exists():
                shutil.copymode(target, part)
            part.replace(target)
            _sync_folder(target.parent)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write bytes as an `atomic_file`."""
    with atomic_file(path) as part:
        part.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write text in UTF-8 as an `atomic_file`; line ends are written as they are."""
    write_bytes(path, text.encode())


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder next to `folder`; on success, sync its files and rename it to `folder`.

    Missing parent folders are created. A folder cannot be replaced in one step, and an existing one may hold
    files of the user, so `folder` must not exist, not even as an empty folder.

    Raises:
        DataError: `folder` exists, or it cannot be written.
    """
    target = resolve_output(folder)
    if target.exists():
        raise DataError(f"{folder}: {_EXISTS}")
    make_directory(target.parent)
    part = _part(target)
    try:
        with _write_errors(folder):
            part.mkdir()
            yield part
            for name, _, files in os.walk(part):
                for file in files:
                    _sync_file(Path(name, file))
                _sync_folder(Path(name))
            try:
                part.rename(target)
            except OSError as error:
                if error.errno in _FOLDER_EXISTS:  # Another process made it meanwhile.
                    raise DataError(f"{folder}: {_EXISTS}") from None
                raise
            _sync_folder(target.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def locked(path: Path, busy: str = "another process is writing it", wait: float = _WAIT) -> Iterator[None]:
    """Hold the lock of a shared file or folder, which one thread of one process at a time can hold.

    The kernel locks a hidden file, `.NAME.lock` next to a file or `.lock` in a folder, and unlocks it when
    the process ends in any way. The hidden file is removed at the end; one that SIGKILL left behind is used
    again. Network file systems lock between machines if they support locks: NFS does unless mounted with
    `nolock` or `local_lock`.

    Args:
        path: The file, which need not exist, or an existing folder.
        busy: What the error says when another process holds the lock.
        wait: Maximum time to wait for the lock, in seconds; no limit if negative.

    Raises:
        DataError: Another process holds the lock, or the lock file cannot be written.
    """
    from filelock import FileLock, Timeout  # It takes 0.1 s to import, and most commands need no lock.

    target = resolve_output(path)
    file = target / ".lock" if target.is_dir() else target.with_name(f".{target.name}.lock")
    lock = FileLock(file, timeout=wait, fallback_to_soft=False)
    with _write_errors(path):
        # FileLock would wait instead of reporting that it cannot create the file.
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o644))
        try:
            lock.acquire()
        except Timeout:
            raise DataError(f"{path}: {busy}") from None
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes it on release.
            file.unlink()  # Whoever waits for the removed file notices and opens a new one.
        lock.release()


def make_directory(folder: Path) -> None:
    """Create a folder and its missing parents, and sync their entries to disk.

    Raises:
        DataError: It cannot be created: a file has this name, the disk is full, no permission.
    """
    try:
        new = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for each in new:
            _sync_folder(each.parent)
    except OSError as error:
        raise DataError(f"{folder}: cannot be made ({error.strerror})") from None


def resolve_output(path: Path) -> Path:
    """Follow the links of an output path, which need not exist.

    Raises:
        DataError: It cannot be looked up: the name is too long, a link leads to itself, a folder is closed.
    """
    target = Path(os.path.realpath(path))
    with _write_errors(path), suppress(FileNotFoundError):
        target.stat()
    return target


def check_not_a_source(path: Path, sources: Iterable[str | Path | bytes]) -> None:
    """Check that an output file is none of the input files; links are followed, bytes are ignored.

    Raises:
        DataError: `path` is one of the sources.
    """
    target = os.path.realpath(path)
    if any(os.path.realpath(source) == target for source in sources if not isinstance(source, bytes)):
        raise DataError(f"{path}: is read, and would be replaced; name another file to write")


def _part(target: Path) -> Path:
    """Return a hidden name in the same folder, which no other process uses."""
    return target.with_name(f".{uuid.uuid4().hex}.part")  # short, for targets with long names


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Sync the entries of a folder to disk, so that a rename survives a power failure."""
    if os.name == "nt":  # Windows cannot open folders; NTFS journals renames itself.
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    """Turn an OSError into a DataError of one line that names `path`."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None
