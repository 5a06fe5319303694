"""SQLite beneath the store: a private file, its settings, its write-ahead log, and copies of it."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError

from inkwise._util.database_url import CONNECT_TIMEOUT
from inkwise._util.errors import StoreError
from inkwise._util.files import atomic_file
from inkwise.corrections.rows import decode_text

CHECKPOINT_AFTER = 2.0
"""Seconds from a write until the database file holds it: a burst of writes is moved there at once."""


def create_private(url: URL) -> None:
    """Create the file of a new database with mode 0600; SQLite would leave the mode to the umask.

    SQLite gives its -wal and -shm files the mode of the database file. An existing file stays as it is, and
    SQLite reports why a file cannot be created.
    """
    path = str(url.database)
    if path.startswith("file:") and "uri" in url.query:
        if url.query.get("mode", "rwc") != "rwc":
            return  # SQLite creates no file in the other modes
        path = unquote(urlsplit(path).path)
    with suppress(OSError):
        os.close(os.open(os.path.realpath(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def make_private(path: Path) -> None:
    """Take the access of group and others from a database file and the files beside it.

    Links are left alone: what they point to was shared on purpose.
    """
    for suffix in ("", "-wal", "-shm", "-journal"):
        file = path.with_name(path.name + suffix)
        with suppress(OSError):
            mode = file.lstat().st_mode
            if stat.S_ISREG(mode) and mode & 0o077:
                file.chmod(stat.S_IMODE(mode) & 0o700)


def set_up(connection: DBAPIConnection, record: Any) -> None:
    """Prepare a new connection: write-ahead log, commits that survive a power cut, foreign keys."""
    connection.isolation_level = None  # Python's driver must not begin transactions: Database does
    connection.text_factory = decode_text
    until = time.monotonic() + CONNECT_TIMEOUT
    for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        while True:
            try:
                connection.execute(f"PRAGMA {setting}")
                break
            except sqlite3.OperationalError as error:
                # SQLite itself does not wait where two change the journal of a new database at once.
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.01)


class WriteAheadLog:
    """Moves commits from the write-ahead log into the database file, so that the file alone is complete.

    A timer runs only while there is something to move. A checkpoint waits for nobody, and several processes
    may run them on the same database. Afterwards the log is empty: a log with content would be applied to a
    backup that is copied to the database's place.
    """

    def __init__(self, engine: Engine) -> None:
        """Use connections of this engine."""
        self._engine = engine
        self._running = threading.RLock()  # held during a checkpoint
        self._lock = threading.Lock()  # guards what follows, and is never held for long: writers take it
        self._timer: threading.Timer | None = None
        self._closed = False

    def checkpoint_later(self) -> None:
        """Run a checkpoint in `CHECKPOINT_AFTER` seconds, unless one is due already."""
        with self._lock, suppress(RuntimeError):  # no thread can be started: the commit counts all the same
            if self._timer is None and not self._closed:
                timer = threading.Timer(CHECKPOINT_AFTER, self._due)
                timer.daemon = True
                timer.start()
                self._timer = timer

    def checkpoint(self) -> bool:
        """Run a checkpoint now.

        Returns:
            Whether another one is needed: a reader or a writer kept this one from being complete.
        """
        failures = suppress(SQLAlchemyError, sqlite3.Error)
        with self._running, failures, closing(self._engine.raw_connection()) as connection:
            cursor = connection.cursor()
            # Without a timeout: waiting for a reader, it would keep all writers waiting.
            cursor.execute("PRAGMA busy_timeout = 0")
            try:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                ((busy, _, _),) = cursor.fetchall()
                return bool(busy)
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {round(1000 * CONNECT_TIMEOUT)}")
        return False  # a read-only database, a full disk: nothing is lost, and the next write tries again

    def close(self) -> None:
        """Run a last checkpoint, after one that is under way; none follows."""
        with self._lock:
            self._closed = True
            if self._timer:
                self._timer.cancel()
        self.checkpoint()

    def _due(self) -> None:
        with self._running:
            with self._lock:
                self._timer = None  # commits from now on need another one
                closed = self._closed
            again = not closed and self.checkpoint()
        if again:
            self.checkpoint_later()


def copy(source: sqlite3.Connection, path: Path) -> None:
    """Copy the database that a connection sees into a new file: complete, checked, with mode 0600.

    Args:
        source: in a transaction, which fixes the state that is copied; others may go on writing.
        path: must not exist; it appears in one step.

    Raises:
        StoreError: the database is damaged, or cannot be copied.
        DataError: the file cannot be written.
    """
    if os.path.lexists(path):
        raise StoreError(f"{path}: exists already; name a new file")
    try:
        with atomic_file(path) as part:
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with closing(sqlite3.connect(part)) as target:
                source.backup(target)
                # One file, without a log beside it, which can be opened from a read-only folder as well.
                target.execute("PRAGMA journal_mode = DELETE")
                if (found := target.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
                    found = found.splitlines()[0]
                    raise StoreError(f"{path}: is not written: the database is damaged ({found})")
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be written ({error})") from None
