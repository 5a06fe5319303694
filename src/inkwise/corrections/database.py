"""The database behind the store: SQLite in a file, or PostgreSQL; opening it brings its tables up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from inkwise._util.database_url import CONNECT_TIMEOUT, parse_url, redacted_name
from inkwise._util.errors import StoreError
from inkwise.corrections import sqlite

_ADVISORY_LOCK = 1229867095  # any number, the same for all of Inkwise on a PostgreSQL database


class Database:
    """Transactions that read, transactions that write, and errors of one line.

    Whoever writes waits until nobody else does: SQLite knows no other way, and PostgreSQL is told to do
    likewise, so that steps are numbered in the order in which they took place.
    """

    def __init__(self, url: str | None) -> None:
        """Open a database, and make or update its tables.

        Args:
            url: sqlite:///FILE or postgresql://USER@HOST/NAME; None takes a file in the user's data folder.

        Raises:
            StoreError: it cannot be opened, or a newer Inkwise made it.
        """
        parsed = _default_url() if url is None else parse_url(url)
        self.name = redacted_name(parsed)
        self.url = parsed.render_as_string(hide_password=False)
        self._engine = _engine(parsed)
        self._writing = self._engine.execution_options(inkwise_writes=True)
        self._log = sqlite.WriteAheadLog(self._engine) if parsed.get_backend_name() == "sqlite" else None
        try:
            with self._database_errors():
                self._migrate()
            if self._log:
                self._log.checkpoint()  # the tables, and what a process that was killed left in the log
        except StoreError:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one state of the database."""
        with self._database_errors(), Session(self._engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is on disk when the block ends, and never was when it raises."""
        with (
            self._database_errors(),
            Session(self._writing, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session
        if self._log:
            self._log.checkpoint_later()

    def copy(self, session: Session, path: Path) -> None:
        """Copy the state that a session of `read` sees, after its first query, into a new SQLite file.

        Raises:
            StoreError: the file exists, the database is damaged, or is not SQLite's.
            DataError: the file cannot be written.
        """
        source = session.connection().connection.driver_connection
        if not isinstance(source, sqlite3.Connection):
            raise StoreError(f"{self.name}: PostgreSQL is backed up with its own tool, pg_dump")
        sqlite.copy(source, path)

    def close(self) -> None:
        """Give back all connections; an SQLite file is complete without its log then."""
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
            return  # without the lock, so that what may only be read can be read
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


def _default_url() -> URL:
    folder = Path(platformdirs.user_data_dir("inkwise"))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made ({error.strerror})") from None
    path = folder / "corrections.db"
    sqlite.make_private(path)  # earlier versions left its mode to the umask
    return URL.create("sqlite", database=str(path))


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        sqlite.create_private(url)
        engine = create_engine(url, connect_args={"timeout": CONNECT_TIMEOUT})
        event.listen(engine, "connect", sqlite.set_up)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        # Asking first finds connections that a restart of the server has cut.
        waits = {"connect_timeout": int(CONNECT_TIMEOUT), "tcp_user_timeout": int(1000 * CONNECT_TIMEOUT)}
        engine = create_engine(url, connect_args=waits, pool_pre_ping=True)
        event.listen(engine, "begin", _begin_postgresql)
    return engine


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _is_write(connection) else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    # Times are read as text, in the one notation that Python knows, whatever the server is set to.
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{CONNECT_TIMEOUT}s'; SET LOCAL datestyle = ISO")
    if _is_write(connection):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")


def _is_write(connection: Connection) -> bool:
    return "inkwise_writes" in connection.get_execution_options()
