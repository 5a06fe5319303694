"""The database behind the store: an SQLite file or PostgreSQL, its transactions, migrations and backups."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import platformdirs
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from inkwise._util.database_url import CONNECT_TIMEOUT, parse_url, redacted_name
from inkwise._util.errors import StoreError
from inkwise._util.files import atomic_file

CHECKPOINT_DELAY = 2.0
"""Seconds from a write to the checkpoint that moves it, and the writes after it, into the database file."""

_ADVISORY_LOCK = 1229867095  # arbitrary number, the same for every Inkwise on a PostgreSQL database


class Database:
    """Read and write transactions; every error is a StoreError of one line.

    A write waits until no other process writes: SQLite allows one writer, and PostgreSQL takes an advisory
    lock, so that undo steps are numbered in the order of the commits.
    """

    def __init__(self, url: str | None) -> None:
        """Open a database; create its tables, or migrate them to this version.

        Args:
            url: sqlite:///FILE or postgresql://USER@HOST/NAME; None is a file in the user's data folder.

        Raises:
            StoreError: The database cannot be opened, or a newer Inkwise made it.
        """
        parsed = _default_url() if url is None else parse_url(url)
        self.name = redacted_name(parsed)
        self.url = parsed.render_as_string(hide_password=False)
        self._engine = _engine(parsed)
        self._writing = self._engine.execution_options(inkwise_writes=True)
        self._log = WriteAheadLog(self._engine) if parsed.get_backend_name() == "sqlite" else None
        try:
            with self._database_errors():
                self._migrate()
            if self._log:
                self._log.checkpoint()  # the new tables, and what a killed process left in the log
        except StoreError:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Begin a transaction that sees one state of the database."""
        with self._database_errors(), Session(self._engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Begin a transaction that is on disk when the block ends, and is rolled back if it raises."""
        with (
            self._database_errors(),
            Session(self._writing, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session
        if self._log:
            self._log.checkpoint_later()

    def copy(self, session: Session, path: Path) -> None:
        """Copy the state that a session of `read` sees after its first query to a new file, mode 0600.

        Raises:
            StoreError: The file exists, the database is damaged, or it is not SQLite.
            DataError: The file cannot be written.
        """
        source = session.connection().connection.driver_connection
        if not isinstance(source, sqlite3.Connection):
            raise StoreError(f"{self.name}: PostgreSQL is backed up with its own tool, pg_dump")
        if os.path.lexists(path):
            raise StoreError(f"{path}: exists already; name a new file")
        try:
            with atomic_file(path) as part:
                _create_private(part)
                with closing(sqlite3.connect(part)) as target:
                    source.backup(target)
                    # A single file without a log can be opened from a read-only folder.
                    target.execute("PRAGMA journal_mode = DELETE")
                    if (found := target.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
                        reason = found.splitlines()[0]
                        raise StoreError(f"{path}: is not written: the database is damaged ({reason})")
        except sqlite3.Error as error:
            raise StoreError(f"{path}: cannot be written ({error})") from None

    def close(self) -> None:
        """Close all connections; an SQLite file is then complete without its log."""
        if self._log:
            self._log.close()
        self._engine.dispose()

    def _migrate(self) -> None:
        config = Config()
        folder = Path(__file__).parent / "migrations"
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        script = ScriptDirectory.from_config(config)
        newest = script.get_current_head()
        with self._engine.connect() as connection:
            present = MigrationContext.configure(connection).get_current_revision()
        if present == newest:
            return  # takes no write lock, so a read-only database can be opened
        if present not in {None, *(revision.revision for revision in script.walk_revisions())}:
            raise StoreError(
                f"{self.name}: made by a newer Inkwise (its schema is {present}, this one knows {newest}):"
                " update Inkwise"
            )
        with self._writing.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def _database_errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
            raise StoreError(f"{self.name}: {reason}") from error


def data_folder(database: str | None) -> Path:
    """Return the folder of a database file, for other files of the app.

    The user's data folder has the default database, and belongs to one on a server or named by a URI.
    """
    url = None if database is None else parse_url(database)
    if url is None or url.get_backend_name() != "sqlite" or str(url.database).startswith("file:"):
        return Path(platformdirs.user_data_dir("inkwise"))
    return Path(str(url.database)).absolute().parent


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        _create_file(url)
        engine = create_engine(url, connect_args={"timeout": CONNECT_TIMEOUT})
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        waits = {"connect_timeout": int(CONNECT_TIMEOUT), "tcp_user_timeout": int(1000 * CONNECT_TIMEOUT)}
        engine = create_engine(
            url, connect_args=waits, pool_pre_ping=True
        )  # a server restart cuts connections
        event.listen(engine, "begin", _begin_postgresql)
    return engine


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _is_write(connection) else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    # Times are read as text: ISO is the notation that Python parses, whatever the server's default.
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{CONNECT_TIMEOUT}s'; SET LOCAL datestyle = ISO")
    if _is_write(connection):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")


def _is_write(connection: Connection) -> bool:
    return "inkwise_writes" in connection.get_execution_options()


def _set_up_sqlite(connection: DBAPIConnection, record: Any) -> None:
    """Prepare a new connection: write-ahead log, durable commits, foreign keys, deletion that overwrites."""
    connection.isolation_level = None  # the driver must not begin transactions; the listeners do
    # Bytes that are not UTF-8 become lone surrogates, so that they fail no query.
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    until = time.monotonic() + CONNECT_TIMEOUT
    for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        while True:
            try:
                connection.execute(f"PRAGMA {setting}")
                break
            except sqlite3.OperationalError as error:
                # SQLite's own timeout does not cover processes that set the journal mode of a new file.
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.01)


def _default_url() -> URL:
    folder = Path(platformdirs.user_data_dir("inkwise"))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made ({error.strerror})") from None
    path = folder / "corrections.db"
    _make_private(path)  # earlier versions left the mode to the umask
    return URL.create("sqlite", database=str(path))


def _create_file(url: URL) -> None:
    """Create the file of a new database with mode 0600, which SQLite also gives its -wal and -shm files.

    An existing file keeps its mode, and SQLite reports why a file cannot be created.
    """
    path = str(url.database)
    if path.startswith("file:") and "uri" in url.query:
        if url.query.get("mode", "rwc") != "rwc":
            return  # SQLite creates no file in the other modes
        path = unquote(urlsplit(path).path)
    with suppress(OSError):
        _create_private(os.path.realpath(path))


def _create_private(path: str | Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _make_private(path: Path) -> None:
    """Remove the permissions of group and others from a database file and the files beside it.

    Links are skipped: their targets were shared on purpose.
    """
    for suffix in ("", "-wal", "-shm", "-journal"):
        file = path.with_name(path.name + suffix)
        with suppress(OSError):
            mode = file.lstat().st_mode
            if stat.S_ISREG(mode) and mode & 0o077:
                file.chmod(stat.S_IMODE(mode) & 0o700)


class WriteAheadLog:
    """Moves commits from SQLite's write-ahead log into the database file, so that the file alone is complete.

    A timer runs only while the log holds commits. A checkpoint waits for no reader or writer, and several
    processes may run checkpoints on one database. It empties the log, since SQLite would apply a leftover log
    to a backup that is copied over the database file.
    """

    def __init__(self, engine: Engine) -> None:
        """Use connections of this engine."""
        self._engine = engine
        self._running = threading.RLock()  # held during a checkpoint
        self._lock = threading.Lock()  # guards the attributes below; held briefly, since writers take it
        self._timer: threading.Timer | None = None
        self._closed = False

    def checkpoint_later(self) -> None:
        """Run a checkpoint in `CHECKPOINT_DELAY` seconds, unless one is scheduled already."""
        with self._lock, suppress(RuntimeError):  # no thread can be started; the commit is safe all the same
            if self._timer is None and not self._closed:
                timer = threading.Timer(CHECKPOINT_DELAY, self._run_timer)
                timer.daemon = True
                timer.start()
                self._timer = timer

    def checkpoint(self) -> bool:
        """Run a checkpoint now, and return whether a reader or writer kept it from being complete."""
        failures = suppress(SQLAlchemyError, sqlite3.Error)
        with self._running, failures, closing(self._engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute("PRAGMA busy_timeout = 0")  # else all writers would wait with it for a reader
            try:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                ((busy, _, _),) = cursor.fetchall()
                return bool(busy)
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {round(1000 * CONNECT_TIMEOUT)}")
        return False  # a read-only database or a full disk: nothing is lost, and the next write tries again

    def close(self) -> None:
        """Run a last checkpoint after one that is under way, and cancel the timer."""
        with self._lock:
            self._closed = True
            if self._timer:
                self._timer.cancel()
        self.checkpoint()

    def _run_timer(self) -> None:
        with self._running:
            with self._lock:
                self._timer = None  # later commits need another checkpoint
                closed = self._closed
            again = not closed and self.checkpoint()
        if again:
            self.checkpoint_later()
