"""The journal of a table: finished rows in an SQLite file beside it, until the table is complete.

SQLite never leaves a half-written file, and returns the rows in order without holding them in memory.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

from inkwise._util.errors import DataError
from inkwise._util.files import atomic_file, check_not_a_source, locked, resolve_output
from inkwise._util.inputs import is_file, is_folder, is_there
from inkwise._util.text import to_valid_utf8
from inkwise.batch.batch_loop import RowSink
from inkwise.batch.page_rows import BatchOptions, PageRow, file_fingerprint
from inkwise.batch.tables import check_format, write_table
from inkwise.image import find_files

_SCHEMA = """
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS settings (text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    name TEXT PRIMARY KEY, stamp TEXT NOT NULL, pages INTEGER, place INTEGER
);
CREATE TABLE IF NOT EXISTS rows (
    file TEXT, page INTEGER, failed INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (file, page)
) WITHOUT ROWID;
UPDATE files SET place = NULL;
"""


class OtherSettingsError(DataError):
    """A batch was started with other settings; the message names them."""


def check_same_settings(settings: dict[str, Any], before: dict[str, Any], name: str) -> None:
    """Check that a batch is resumed with the settings it was started with.

    Raises:
        OtherSettingsError: Some settings differ.
    """
    others = [key for key in settings if settings[key] != before.get(key)]
    if others:
        raise OtherSettingsError(
            f"{name}: was started with another {', '.join(others)}; remove it, or name another --out"
        )


class Journal(RowSink):
    """Stores the rows of a table until it is written; a second run resumes the first."""

    resumable = True

    def __init__(self, table: Path, options: BatchOptions, suffix: str, sources: Sequence[str] = ()) -> None:
        """Start the journal of a table, or open the one of an interrupted run.

        Args:
            table: Path of the table; the journal lies beside it.
            options: How pages are read.
            suffix: Suffix of the table's format: .csv, .jsonl, .parquet or .xlsx.
            sources: Files and folders that are read; the table must be none of them.

        Raises:
            DataError: The table cannot be written, or another run writes it.
            OtherSettingsError: The settings have changed.
            ModelError, InkwiseError: As for `BatchOptions.settings` and `check_format`.
        """
        check_format(suffix)
        check_not_a_source(table, find_files(sources))
        settings = options.settings()
        self.path = table.with_name(f"{table.name}.part")
        self._table, self._columns, self._suffix = table, options.columns, suffix
        resolve_output(table)
        if not is_folder(table.parent) or (is_there(table) and not is_file(table)):
            raise DataError(f"{table}: cannot be written (missing folder, or not a regular file)")
        self._places = count()
        with ExitStack() as opened:
            opened.enter_context(locked(table, "another run is writing this table", wait=0))
            with self._database_errors():
                self._database = sqlite3.connect(self.path, isolation_level=None)
                opened.callback(self._database.close)
                self._database.executescript(_SCHEMA)
                before = self._database.execute("SELECT text FROM settings").fetchone()
                if before is None:
                    self._database.execute("INSERT INTO settings VALUES (?)", (json.dumps(settings),))
                else:
                    check_same_settings(settings, json.loads(before[0]), str(self.path))
            self._opened = opened.pop_all()

    def enter(self, file: str) -> list[int] | None:
        """Return the pages of a file that are still to be read, or None if its page count is unknown.

        A changed file is unknown, failed pages are read again, and a file that was entered before has
        nothing left.
        """
        name, stamp = to_valid_utf8(file), file_fingerprint(file)
        query = self._execute("SELECT stamp, pages, place FROM files WHERE name = ?", name)
        before, pages, place = query.fetchone() or (None, None, None)
        if place is not None:
            return []
        if pages is None or before != stamp or not stamp:
            self._execute("DELETE FROM rows WHERE file = ?", name)
            self._execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, NULL, ?)", name, stamp, next(self._places)
            )
            return None
        self._execute("UPDATE files SET place = ? WHERE name = ?", next(self._places), name)
        done = {
            page for (page,) in self._execute("SELECT page FROM rows WHERE file = ? AND NOT failed", name)
        }
        return [page for page in range(1, pages + 1) if page not in done]

    def count(self, file: str, pages: int) -> None:
        """Store the page count of a file."""
        self._execute("UPDATE files SET pages = ? WHERE name = ?", pages, to_valid_utf8(file))

    def add(self, row: PageRow) -> None:
        """Store a row, in place of one that failed before."""
        text = json.dumps(row.values, ensure_ascii=False, allow_nan=False)
        key = row.values["file"], row.values["page"]
        self._execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)", *key, row.failed, text)

    def _execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        with self._database_errors():
            return self._database.execute(statement, values)

    def rows(self) -> Iterator[PageRow]:
        """Yield the rows of the files that were entered, in the order of files and pages."""
        with self._database_errors():
            query = self._database.execute(
                "SELECT text, failed FROM files JOIN rows ON file = name WHERE place IS NOT NULL"
                " ORDER BY place, page"
            )
            for text, failed in query:
                yield PageRow(json.loads(text), bool(failed))

    def write(self) -> None:
        """Write the table in one step."""
        with atomic_file(self._table) as part:
            write_table(self.rows, part, self._columns, self._suffix)

    def finish(self) -> None:
        """Write the table and remove the journal."""
        self.write()
        self._database.close()
        self.path.unlink()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the journal; the file stays, to be resumed."""
        self._opened.close()

    @contextmanager
    def _database_errors(self) -> Iterator[None]:
        """Turn errors of SQLite into a DataError of one line."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise DataError(f"{self.path}: cannot be written ({error})") from None
        except (sqlite3.DatabaseError, json.JSONDecodeError):
            raise DataError(
                f"{self.path}: is not a journal of Inkwise, or damaged; remove it, or name another --out"
            ) from None
