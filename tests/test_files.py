"""Atomic files and folders, synced to disk, and locks."""

import errno
import os
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from inkwise._util.errors import DataError
from inkwise._util.files import (
    atomic_file,
    check_not_a_source,
    locked,
    make_directory,
    new_folder,
    write_text,
)


def test_atomic_file_creates_and_replaces(tmp_path):
    path = tmp_path / "a.txt"
    for text in ("one", "two"):
        with atomic_file(path) as part:
            part.write_text(text)
        assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def _full(part):
    part.write_text("ha")
    raise OSError(errno.ENOSPC, "No space left on device")


def _killed(part):
    part.write_text("ha")
    raise KeyboardInterrupt


@pytest.mark.parametrize(("write", "error"), [(_full, DataError), (_killed, KeyboardInterrupt)])
def test_atomic_file_keeps_the_old_file_on_an_error(tmp_path, write, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), atomic_file(path) as part:
        write(part)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path], "nothing is left behind"


def test_write_error_names_the_file_and_the_reason(tmp_path):
    full = r"^.*a\.txt: cannot be written \(No space left on device\)$"
    with pytest.raises(DataError, match=full), atomic_file(tmp_path / "a.txt") as part:
        _full(part)
    with pytest.raises(DataError, match=r"a\.txt: cannot be written \(No such file or directory\)$"):
        write_text(tmp_path / "none" / "a.txt", "")
    (tmp_path / "a.txt").write_text("no folder")
    with pytest.raises(DataError, match=r"b\.txt: cannot be written \(Not a directory\)$"):
        write_text(tmp_path / "a.txt" / "b.txt", "")


def test_write_text_follows_links_and_rejects_devices(tmp_path):
    link, target = tmp_path / "link", tmp_path / "a.txt"
    link.symlink_to(target)
    write_text(link, "one")
    assert (link.readlink(), target.read_text()) == (target, "one")
    link.unlink()
    link.symlink_to("/dev/null")  # a link, since a failing test would replace the device
    with pytest.raises(DataError, match=r"link: cannot be written \(is a folder or a device\)$"):
        write_text(link, "one")


def test_make_directory_creates_or_raises(tmp_path):
    for _ in range(2):
        make_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "c").write_text("no folder")
    with pytest.raises(DataError, match=r"c: cannot be made \(File exists\)$"):
        make_directory(tmp_path / "c")


def test_write_text_keeps_the_permissions_of_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one")
    path.chmod(0o600)
    write_text(path, "two")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("two", 0o600)


@pytest.fixture
def synced(monkeypatch):
    """The renames and the names of synced files and folders, in order."""
    calls = []

    def fsync(handle, real=os.fsync):
        name = Path(f"/proc/self/fd/{handle}").readlink().name
        calls.append("part" if name.endswith(".part") else name)
        real(handle)

    def rename(part, target, real=Path.replace):
        calls.append("rename")
        return real(part, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", rename)
    monkeypatch.setattr(Path, "rename", rename)
    return calls


def test_write_text_syncs_file_then_renames_then_syncs_folder(tmp_path, synced):
    write_text(tmp_path / "a.txt", "one")
    assert synced == ["part", "rename", tmp_path.name]


def test_new_folder_syncs_files_then_renames_then_syncs_parent(tmp_path, synced):
    with new_folder(tmp_path / "out") as part:
        _two_files(part)
    assert synced == ["a.txt", "part", "b.txt", "sub", "rename", tmp_path.name]


def test_make_directory_syncs_the_parents(tmp_path, synced):
    make_directory(tmp_path / "a" / "b")
    assert sorted(synced) == sorted(["a", tmp_path.name])


@pytest.mark.parametrize("error", [errno.EINVAL, errno.ENOTSUP])
def test_file_system_without_folder_sync_is_written(tmp_path, monkeypatch, error):
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: _fail_for_folder(handle, error, real))
    write_text(tmp_path / "a.txt", "one")
    assert (tmp_path / "a.txt").read_text() == "one"


def test_failed_folder_sync_is_an_error(tmp_path, monkeypatch):
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: _fail_for_folder(handle, errno.EIO, real))
    with pytest.raises(DataError, match=r"a\.txt: cannot be written \(Input/output error\)$"):
        write_text(tmp_path / "a.txt", "one")


def _fail_for_folder(handle, error, real):
    if stat.S_ISDIR(os.fstat(handle).st_mode):
        raise OSError(error, os.strerror(error))
    real(handle)


def _two_files(*folders):
    for folder in folders:
        (folder / "sub").mkdir(parents=True)
        (folder / "a.txt").write_text("one")
        (folder / "sub" / "b.txt").write_text("two")


def test_new_folder_creates_its_parents(tmp_path):
    with new_folder(tmp_path / "new" / "out") as part:
        _two_files(part)
    assert (tmp_path / "new" / "out" / "sub" / "b.txt").read_text() == "two"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out"]


@pytest.mark.parametrize("files", [[], ["other.txt"]])
def test_new_folder_rejects_an_existing_folder(tmp_path, files):
    for name in files:
        (tmp_path / name).write_text("of the user")
    with pytest.raises(DataError, match=r": exists already; name a new folder$"), new_folder(tmp_path):
        pytest.fail("the block is not entered")
    assert [path.name for path in tmp_path.iterdir()] == files


def test_new_folder_keeps_a_folder_that_appears_meanwhile(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(DataError, match=r"out: exists already; name a new folder$"), new_folder(out) as part:
        _two_files(part, out)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt", "b.txt", "out", "sub"]


@pytest.mark.parametrize(("write", "error"), [(_full, DataError), (_killed, KeyboardInterrupt)])
def test_failed_new_folder_leaves_nothing(tmp_path, write, error):
    with pytest.raises(error), new_folder(tmp_path / "out") as part:
        write(part / "a.txt")
    assert not list(tmp_path.iterdir())


def test_check_not_a_source_rejects_input_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("data")
    (tmp_path / "link.csv").symlink_to("a.csv")
    check_not_a_source(tmp_path / "b.csv", ["a.csv", b"bundled", tmp_path])
    for path in (tmp_path / "a.csv", tmp_path / "link.csv"):
        with pytest.raises(DataError, match=r"\.csv: is read, and would be replaced; name another file"):
            check_not_a_source(path, [b"bundled", "a.csv"])


_HOLD = """
import sys
from pathlib import Path
from inkwise._util.files import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""

_COUNT = """
import sys
from pathlib import Path
from inkwise._util.files import locked, write_text
path = Path(sys.argv[1])
for _ in range(50):
    with locked(path):
        write_text(path, str(int(path.read_text()) + 1))
"""


@contextmanager
def holder(path):
    """Hold the lock in another process."""
    command = [sys.executable, "-c", _HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"locked\n"
        yield process
        process.stdin.close()


@pytest.mark.parametrize("name", ["a.txt", "."])
def test_lock_excludes_another_process_until_released(tmp_path, name):
    path = tmp_path / name
    with holder(path), pytest.raises(DataError) as caught, locked(path, "is in use", wait=0.1):
        pass
    assert str(caught.value) == f"{path}: is in use"
    with locked(path, wait=0):
        assert [each.name for each in tmp_path.iterdir()] == [".a.txt.lock" if name == "a.txt" else ".lock"]
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_lock_of_a_killed_process_is_free(tmp_path):
    path = tmp_path / "a.txt"
    with holder(path) as process:
        process.kill()
        process.wait()
        with locked(path, wait=0):
            pass
    assert not list(tmp_path.iterdir())


def test_lock_that_cannot_be_created_raises_one_line(tmp_path):
    (tmp_path / "a.txt").write_text("not a folder")
    with (
        pytest.raises(DataError, match=r"b\.txt: cannot be written \(.*\)$"),
        locked(tmp_path / "a.txt" / "b.txt"),
    ):
        pass


def test_lock_counts_correctly_across_processes(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("0")
    processes = [subprocess.Popen([sys.executable, "-c", _COUNT, str(path)]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert path.read_text() == "200"
    assert list(tmp_path.iterdir()) == [path]
