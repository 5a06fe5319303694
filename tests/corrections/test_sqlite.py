"""SQLite files: their modes, the write-ahead log, and backups."""

import os
import shutil
import sqlite3
import threading
import time
from contextlib import closing, contextmanager

import numpy as np
import pytest
from sqlalchemy import Engine, event

from inkwise._util.errors import DataError, StoreError
from inkwise.corrections import Accuracy, Store, VersionScores, database

SCORES = VersionScores(mnist=Accuracy(9_965, 10_000), own=Accuracy(27, 33))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "taught.db"


@pytest.fixture
def open_store(file, glyph):
    """Open the database and add samples: open_store(samples=1)."""

    def open_store(samples=0):
        store = Store.open(f"sqlite:///{file}")
        for _ in range(samples):
            store.add(glyph, writer="anna", source="canvas", label="7")
        return store

    return open_store


@pytest.fixture
def default_folder(tmp_path, monkeypatch):
    """The folder of the default database."""
    monkeypatch.setattr(database.platformdirs, "user_data_dir", lambda name: str(tmp_path / name))
    return tmp_path / "inkwise"


@pytest.fixture
def open_umask():
    """Set a umask that denies nothing."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path):
    return path.stat().st_mode & 0o777


def kept(file, folder):
    """Return the number of samples in a copy of the database file alone."""
    copy = shutil.copy(file, folder / "copy.db")
    with closing(sqlite3.connect(copy)) as connection:
        return connection.execute("SELECT count(*) FROM samples").fetchone()[0]


def until(true):
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "timeout"
        time.sleep(0.01)


# Modes


@pytest.mark.usefixtures("open_umask")
def test_new_database_files_are_private(file, open_store):
    with open_store(samples=1):
        modes = {path.name: mode(path) for path in file.parent.iterdir()}
    assert modes == {"taught.db": 0o600, "taught.db-wal": 0o600, "taught.db-shm": 0o600}


@pytest.mark.usefixtures("open_umask")
def test_file_is_private_before_sqlite_opens_it(file, open_store):
    modes = []

    def look(*_):
        modes.append(mode(file))

    event.listen(Engine, "do_connect", look)
    try:
        open_store().close()
    finally:
        event.remove(Engine, "do_connect", look)
    assert set(modes) == {0o600}


@pytest.mark.usefixtures("open_umask")
def test_file_behind_a_uri_or_a_link_is_private(tmp_path):
    Store.open(f"sqlite:///file:{tmp_path / 'a%20b.db'}?uri=true").close()
    (tmp_path / "link.db").symlink_to(tmp_path / "target.db")
    Store.open(f"sqlite:///{tmp_path / 'link.db'}").close()
    assert mode(tmp_path / "a b.db") == mode(tmp_path / "target.db") == 0o600


def test_read_only_uri_creates_no_file(tmp_path):
    with pytest.raises(StoreError, match="unable to open database file"):
        Store.open(f"sqlite:///file:{tmp_path / 'none.db'}?mode=ro&uri=true")
    assert list(tmp_path.iterdir()) == []


def test_existing_file_keeps_its_mode(file, open_store):
    open_store().close()
    file.chmod(0o640)
    open_store().close()
    assert mode(file) == 0o640


@pytest.mark.usefixtures("open_umask")
def test_default_folder_is_private(default_folder):
    Store.open().close()
    assert (mode(default_folder), mode(default_folder / "corrections.db")) == (0o700, 0o600)


def test_existing_files_in_the_default_folder_become_private(default_folder):
    Store.open().close()
    default_folder.chmod(0o755)
    names = ("corrections.db", "corrections.db-wal", "corrections.db-shm")
    for name in names:
        (default_folder / name).touch()
        (default_folder / name).chmod(0o644)
    (default_folder / "notes.txt").touch(0o644)
    with Store.open():
        modes = [mode(default_folder / name) for name in names]
    assert modes == [0o600] * 3
    assert (mode(default_folder), mode(default_folder / "notes.txt")) == (0o755, 0o644)


def test_linked_database_in_the_default_folder_keeps_its_mode(default_folder, tmp_path):
    Store.open(f"sqlite:///{tmp_path / 'shared.db'}").close()
    (tmp_path / "shared.db").chmod(0o660)
    default_folder.mkdir()
    (default_folder / "corrections.db").symlink_to(tmp_path / "shared.db")
    Store.open().close()
    assert mode(tmp_path / "shared.db") == 0o660


# The write-ahead log


def log_size(file):
    return file.with_name(file.name + "-wal").stat().st_size


def test_checkpoint_moves_a_write_into_the_file(file, open_store, tmp_path, monkeypatch):
    monkeypatch.setattr(database, "CHECKPOINT_DELAY", 0.05)
    with open_store(samples=3) as store:
        until(lambda: log_size(file) == 0)
        assert kept(file, tmp_path) == 3
        store.delete(store.samples()[0].id)
        assert log_size(file) > 0
        until(lambda: log_size(file) == 0)


@contextmanager
def reading(file):
    """Hold a read transaction on the present state."""
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM samples").fetchone()
        yield


def test_reader_delays_the_checkpoint_but_no_writer(file, open_store, tmp_path, monkeypatch):
    monkeypatch.setattr(database, "CHECKPOINT_DELAY", 0.05)
    monkeypatch.setattr(database, "CONNECT_TIMEOUT", 600.0)  # a thread that waited would not end
    tries = []
    checkpoint = database.WriteAheadLog.checkpoint
    monkeypatch.setattr(
        database.WriteAheadLog, "checkpoint", lambda log: tries.append(log) or checkpoint(log)
    )
    with open_store(samples=1) as store:
        with reading(file):
            store.label(store.samples()[0].id, "1")
            now = len(tries)
            until(lambda: len(tries) > now + 3)
            store.label(store.samples()[0].id, "2")
        until(lambda: log_size(file) == 0)
        store.undo("anna")
    assert kept(file, tmp_path) == 1


def test_timer_runs_only_after_a_write(open_store, monkeypatch):
    monkeypatch.setattr(database, "CHECKPOINT_DELAY", 0.05)
    with open_store(samples=1) as store:
        assert any(isinstance(thread, threading.Timer) for thread in threading.enumerate())
        until(lambda: not any(isinstance(thread, threading.Timer) for thread in threading.enumerate()))
        store.samples()
        assert not any(isinstance(thread, threading.Timer) for thread in threading.enumerate())


def test_close_empties_the_log_though_others_have_the_database_open(file, open_store, tmp_path):
    with open_store():
        open_store(samples=3).close()
        assert (kept(file, tmp_path), log_size(file)) == (3, 0)


def test_open_moves_the_log_of_a_killed_process_into_the_file(file, open_store, tmp_path):
    with open_store(samples=3):
        for name in ("taught.db", "taught.db-wal"):
            shutil.copy(file.with_name(name), file.with_name(f"left-{name}"))
    left = file.with_name("left-taught.db")
    with Store.open(f"sqlite:///{left}"):
        assert kept(left, tmp_path) == 3


# Backups


@pytest.fixture
def numbered():
    """Make glyphs that differ: numbered(7)."""

    def numbered(number):
        glyph = np.zeros((28, 28), np.uint8)
        glyph[4, :2] = number // 256, number % 256
        return glyph

    return numbered


def test_backup_during_writes_holds_every_acknowledged_sample(file, open_store, tmp_path, numbered):
    acknowledged, stop = [], threading.Event()
    with open_store() as store:
        version = store.versions.add("anna", b"weights", 10, SCORES, SCORES, promote=True)

        def write():
            while not stop.is_set():
                sample = store.add(numbered(len(acknowledged)), writer="anna", source="canvas", label="7")
                acknowledged.append(sample.id)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(5):
                until(lambda number=number: len(acknowledged) >= 10 * (number + 1))
                before = {*acknowledged}
                path = tmp_path / f"backup-{number}.db"
                count = store.backup(path)
                with closing(sqlite3.connect(path)) as connection:
                    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                assert mode(path) == 0o600
                with Store.open(f"sqlite:///{path}") as restored:
                    assert before <= {sample.id for sample in restored.samples()}
                    assert restored.count() == count
                    assert restored.versions.list("anna") == [version]
                    assert restored.versions.weights(version.number) == b"weights"
                    assert restored.undo("anna").deleted, "the backup holds the steps"
        finally:
            stop.set()
            writer.join()
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"taught.db", *(f"backup-{number}.db" for number in range(5))}


def test_restored_backup_is_the_database(file, open_store, tmp_path):
    with open_store(samples=2) as store:
        store.backup(tmp_path / "backup.db")
        open_store(samples=1).close()
    shutil.copy(tmp_path / "backup.db", file)
    with open_store(samples=1) as store:
        assert store.count() == 3
    assert mode(file) == 0o600


def test_backup_is_one_file_that_opens_read_only(file, open_store, tmp_path):
    with open_store(samples=2) as store:
        store.backup(tmp_path / "backup.db")
    with closing(sqlite3.connect(tmp_path / "backup.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    with Store.open(f"sqlite:///file:{tmp_path / 'backup.db'}?mode=ro&immutable=1&uri=true") as backup:
        assert backup.count() == 2


def test_backup_rejects_an_existing_file(file, open_store, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear Anna")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with open_store(samples=1) as store:
        for path in (tmp_path / "letter.txt", tmp_path / "dangling", tmp_path, file):
            with pytest.raises(StoreError, match=f"^{path}: exists already; name a new file$"):
                store.backup(path)
        with pytest.raises(DataError, match=r"none/backup\.db: cannot be written \(No such file"):
            store.backup(tmp_path / "none" / "backup.db")
    assert (tmp_path / "letter.txt").read_text() == "Dear Anna"


def test_backup_of_a_damaged_database_writes_nothing(file, open_store, tmp_path):
    open_store(samples=100).close()
    with closing(sqlite3.connect(file)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'steps'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with file.open("rb+") as content:
        content.seek((root - 1) * size)
        content.write(b"\xff" * size)
    with open_store() as store, pytest.raises(StoreError, match="is not written: the database is damaged"):
        store.backup(tmp_path / "backup.db")
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == []


def test_backup_on_a_full_disk_leaves_no_file(open_store, tmp_path, monkeypatch):
    connect = sqlite3.connect

    def full(path):
        connection = connect(path)
        connection.execute("PRAGMA max_page_count = 5")
        return connection

    with open_store(samples=100) as store:
        monkeypatch.setattr(sqlite3, "connect", full)
        with pytest.raises(StoreError, match=r"backup\.db: cannot be written \(database or disk is full\)"):
            store.backup(tmp_path / "backup.db")
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == []


def test_backup_of_postgresql_names_pg_dump(postgresql, tmp_path):
    with Store.open(postgresql) as store, pytest.raises(StoreError, match=r"its own tool, pg_dump$"):
        store.backup(tmp_path / "backup.db")
    assert list(tmp_path.iterdir()) == []
