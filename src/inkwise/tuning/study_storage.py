"""Optuna storages with a lock and heartbeats: an SQLite file, a journal file or PostgreSQL."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import optuna
from optuna.exceptions import ExperimentalWarning, OptunaError, StorageInternalError
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from inkwise._util.database_url import CONNECT_TIMEOUT, parse_url, redacted_name
from inkwise._util.errors import StoreError, requires_extra
from inkwise._util.files import locked, make_directory
from inkwise._util.inputs import MEGABYTE, clear_read_errors, is_there, open_input

HEARTBEAT_INTERVAL = 5  # seconds between two heartbeats of a running trial
HEARTBEAT_GRACE_PERIOD = 20  # seconds without a heartbeat after which a running trial is retried

_MAX_JOURNAL_SIZE = 256 * MEGABYTE  # bytes; a trial takes about 2,000
_JOURNAL_LOCK_GRACE_PERIOD = 10  # seconds a killed process blocks the journal, so that heartbeats survive
_ADVISORY_LOCK = 1229867096  # key of the PostgreSQL advisory lock, an arbitrary number
_CONNECT_ARGUMENTS = {"connect_timeout": int(CONNECT_TIMEOUT)}
_SQLITE_TIMEOUT = 30.0  # seconds to wait for the other workers' writes

optuna.logging.set_verbosity(optuna.logging.ERROR)


class StudyStorage:
    """An Optuna storage with a lock across processes and one-line errors.

    Optuna claims a trial by reading its state and then writing it, which SQLite does not make atomic; hence
    the lock. The kernel or the server releases it when its holder dies.
    """

    def __init__(self, location: str) -> None:
        """Open a storage, or create it.

        Args:
            location: path of a journal (*.journal) or an SQLite database, or a database URL:
                sqlite:///FILE or postgresql://USER@HOST/NAME.

        Raises:
            InkwiseError: psycopg is missing.
            StoreError: the storage cannot be reached, holds something else, or is not shared by processes.
        """
        if location in ("", ":memory:"):
            raise StoreError("the storage must be a file or postgresql://USER@HOST/NAME")
        url = parse_url(location) if "://" in location else URL.create("sqlite", database=location)
        self.name = redacted_name(url)
        self._server = None
        if url.get_backend_name() == "postgresql":
            with requires_extra("app", "a PostgreSQL storage"):
                import psycopg  # noqa: F401
            self._server = create_engine(url, poolclass=NullPool, connect_args=_CONNECT_ARGUMENTS)
        else:
            make_directory(Path(self.name).absolute().parent)
        with self.exclusive():  # concurrent creation of the tables fails
            try:
                self.optuna = (
                    _open_journal(str(Path(location).absolute()))
                    if "://" not in location and location.endswith(".journal")
                    else self._open_database(url)
                )
            except (ValueError, LookupError, RuntimeError) as error:
                raise StoreError(
                    f"{self.name}: not a storage of this Optuna version; choose another --storage"
                ) from error

    def _open_database(self, url: URL) -> RDBStorage:
        engine_options = (
            {"connect_args": {"timeout": _SQLITE_TIMEOUT}}
            if self._server is None
            # pre_ping replaces connections that a restart of the server has closed
            else {"connect_args": _CONNECT_ARGUMENTS, "pool_pre_ping": True}
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return RDBStorage(
                # Optuna expands {placeholders} in the URL
                url.render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}"),
                engine_kwargs=engine_options,
                heartbeat_interval=HEARTBEAT_INTERVAL,
                grace_period=HEARTBEAT_GRACE_PERIOD,
            )

    def close(self) -> None:
        """Close all connections."""
        if isinstance(self.optuna, RDBStorage):
            self.optuna.remove_session()
            self.optuna.engine.dispose()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the storage's lock; no other process on any machine enters such a block meanwhile.

        Raises:
            StoreError: as `storage_errors`.
        """
        with self.storage_errors():
            if self._server is None:
                with locked(Path(self.name).absolute(), wait=-1):
                    yield
            else:
                with self._server.begin() as connection:
                    # released at the end of the transaction
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
                    yield

    @contextmanager
    def storage_errors(self) -> Iterator[None]:
        """Turn errors of the storage into a StoreError of one line."""
        try:
            yield
        except (SQLAlchemyError, StorageInternalError) as error:
            cause = error.__cause__ if isinstance(error, StorageInternalError) else error
            reason = str(getattr(cause, "orig", cause)).strip().splitlines()[0]
            raise StoreError(f"{self.name}: {reason}") from error
        except OSError as error:
            raise StoreError(f"{self.name}: {error.strerror or error}") from error

    @contextmanager
    def heartbeat(self, trial_id: int) -> Iterator[None]:
        """Record heartbeats of a running trial within the block."""
        done = threading.Event()

        def record() -> None:
            while not done.wait(HEARTBEAT_INTERVAL):
                with suppress(SQLAlchemyError, OptunaError, OSError):  # the next heartbeat may succeed
                    self.optuna.record_heartbeat(trial_id)

        thread = threading.Thread(target=record, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


class _HeartbeatJournalStorage(JournalStorage, BaseHeartbeat):
    """A journal file with heartbeats, which Optuna has for databases only."""

    def __init__(self, path: str) -> None:
        lock = JournalFileOpenLock(path, grace_period=_JOURNAL_LOCK_GRACE_PERIOD)
        super().__init__(JournalFileBackend(path, lock_obj=lock))

    def record_heartbeat(self, trial_id: int) -> None:
        self.set_trial_system_attr(trial_id, "heartbeat", time.time())

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        running = self.get_all_trials(study_id, deepcopy=False, states=(TrialState.RUNNING,))
        latest = time.time() - HEARTBEAT_GRACE_PERIOD
        return [trial._trial_id for trial in running if trial.system_attrs.get("heartbeat", 0) < latest]

    def get_heartbeat_interval(self) -> int:
        return HEARTBEAT_INTERVAL

    def get_heartbeat_stale_trial_callback(self) -> None:
        return None


def _open_journal(path: str) -> _HeartbeatJournalStorage:
    if is_there(path):
        with open_input(path, _MAX_JOURNAL_SIZE, StoreError) as file, clear_read_errors(path, StoreError):
            if file.read(1) not in (b"", b"{"):  # Optuna would read up to the first line end
                raise ValueError("not a journal")
    return _HeartbeatJournalStorage(path)
