"""Where trials are kept: SQLite or a journal in a file, or PostgreSQL; and a lock over each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from inkwise._util.database_url import CONNECT_TIMEOUT, parse_url, redacted_name
from inkwise._util.errors import StoreError, requires_extra
from inkwise._util.inputs import MEGABYTE, clear_read_errors, is_there, open_input

_ADVISORY_LOCK = 1229867096  # any number, the same for all sweeps on a PostgreSQL database

_LARGEST_JOURNAL = 256 * MEGABYTE  # bytes; a trial has some 2,000

_CONNECT_ARGUMENTS = {"connect_timeout": int(CONNECT_TIMEOUT)}
_FILE_TIMEOUT = 30.0  # seconds: many workers may want to write to one file

optuna.logging.set_verbosity(optuna.logging.ERROR)


class StudyStorage:
    """Optuna's storage, a lock, and errors of one line.

    The locks are the kernel's or the server's: whoever dies lets go of them.
    """

    def __init__(self, place: str) -> None:
        """Open a storage, and make it where there is none yet.

        Args:
            place: a path, of a journal where it ends in .journal, else of an SQLite database; or
                sqlite:///FILE or postgresql://USER@HOST/NAME.

        Raises:
            InkwiseError: psycopg is missing.
            StoreError: it cannot be reached, is something else, or would be each process's own.
        """
        if place in ("", ":memory:"):
            raise StoreError("the storage must be a file or postgresql://USER@HOST/NAME")
        journal = "://" not in place and place.endswith(".journal")
        url = URL.create("sqlite", database=place) if "://" not in place else parse_url(place)
        self.name = redacted_name(url)
        self._server = None
        if url.get_backend_name() == "postgresql":
            with requires_extra("app", "a PostgreSQL storage"):
                import psycopg  # noqa: F401
            self._server = create_engine(url, poolclass=NullPool, connect_args=_CONNECT_ARGUMENTS)
        else:
            self._file = Path(self.name).absolute()
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"{self._file.parent}: cannot be made ({error.strerror})") from None
            self._lock = FileLock(f"{self._file}.sweep.lock")
        # Two that make the tables at once would be in each other's way.
        with self.exclusive():
            try:
                self.trials = self._open_journal() if journal else self._open_database(url)
            except (ValueError, LookupError, RuntimeError) as error:
                raise StoreError(f"{self.name}: holds something else, or another Optuna made it") from error

    def _open_journal(self) -> BaseStorage:
        path = str(self._file)
        if is_there(path):
            with open_input(path, _LARGEST_JOURNAL, StoreError) as file, clear_read_errors(path, StoreError):
                if file.read(1) not in (b"", b"{"):  # Optuna would read on to the end of the line
                    raise ValueError("not a journal")
        return JournalStorage(JournalFileBackend(path, lock_obj=_JournalLock(path)))

    def _open_database(self, url: URL) -> BaseStorage:
        # Optuna takes braces for placeholders of its own.
        escaped = url.render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}")
        if self._server is None:
            return RDBStorage(escaped, engine_kwargs={"connect_args": {"timeout": _FILE_TIMEOUT}})
        # Asking first finds connections that a restart of the server has cut.
        return RDBStorage(escaped, engine_kwargs={"connect_args": _CONNECT_ARGUMENTS, "pool_pre_ping": True})

    def close(self) -> None:
        """Give back all connections."""
        if isinstance(self.trials, RDBStorage):
            self.trials.remove_session()
            self.trials.engine.dispose()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """A block that no other process is in, on any machine that uses this storage.

        Raises:
            StoreError: as `one_line`.
        """
        with self.storage_errors():
            if self._server is None:
                with self._lock:
                    yield
            else:
                with self._server.begin() as connection:
                    # Until the end of the transaction, and so of the block.
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
                    yield

    @contextmanager
    def storage_errors(self) -> Iterator[None]:
        """A block whose trouble with the storage becomes one line.

        Raises:
            StoreError: the storage cannot be reached, or is something else.
        """
        try:
            yield
        except (SQLAlchemyError, StorageInternalError) as error:
            cause = error.__cause__ if isinstance(error, StorageInternalError) else error
            reason = str(getattr(cause, "orig", cause)).strip().splitlines()[0]
            raise StoreError(f"{self.name}: {reason}") from error
        except OSError as error:
            raise StoreError(f"{self.name}: {error.strerror or error}") from error


class _JournalLock(JournalFileOpenLock):
    """In place of Optuna's lock, which a killed process keeps for another 30 seconds."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._kernel_lock = FileLock(f"{path}.lock")

    def acquire(self) -> bool:
        self._kernel_lock.acquire()
        return True

    def release(self) -> None:
        self._kernel_lock.release()
