"""The rows that are done, kept beside the table until it is whole: what was read is not read twice.

An SQLite file, because it is never half-written and gives the rows back in order without holding them in
memory. The lock of the table keeps a second run out.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from inkwise._util.errors import DataError
from inkwise._util.files import locked, resolve_output
from inkwise._util.inputs import is_file, is_folder, is_there
from inkwise.batch.page_rows import PageRow, to_valid_utf8
from inkwise.batch.sources import file_fingerprint

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


def check_same_settings(settings: dict[str, Any], before: dict[str, Any], where: str) -> None:
    """Refuse to go on with what was begun otherwise.

    Raises:
        DataError: some settings differ from those before; the message says which.
    """
    others = [key for key in settings if settings[key] != before.get(key)]
    if others:
        raise DataError(
            f"{where}: was begun with another {', '.join(others)}; remove it, or name another --out"
        )


class Journal:
    """The rows of a table that is being made; a context manager."""

    def __init__(self, table: Path, settings: dict[str, Any]) -> None:
        """Begin a journal beside the table, or go on with the one that is there.

        Raises:
            DataError: it cannot be written, another run uses it, or it was begun with other settings.
        """
        self.path = table.with_name(f"{table.name}.part")
        resolve_output(table)
        if not is_folder(table.parent) or (is_there(table) and not is_file(table)):
            raise DataError(f"{table}: cannot be written (no such folder, or a folder or a device itself)")
        self._places = count()
        with ExitStack() as opened:
            opened.enter_context(locked(table, "another run is writing this table", wait=0))
            with self._clear_errors():
                self._database = sqlite3.connect(self.path, isolation_level=None)
                opened.callback(self._database.close)
                self._database.executescript(_SCHEMA)
                self._agree(settings)
            self._opened = opened.pop_all()

    def _agree(self, settings: dict[str, Any]) -> None:
        begun = self._database.execute("SELECT text FROM settings").fetchone()
        if begun is None:
            self._database.execute("INSERT INTO settings VALUES (?)", (json.dumps(settings),))
            return
        check_same_settings(settings, json.loads(begun[0]), str(self.path))

    def enter(self, file: str) -> list[int] | None:
        """The pages of a file that are still to be read, or None where nothing is known of it.

        A file that has changed is not known, what failed is to be read again, and a file that was entered
        before has nothing left.
        """
        name, now = to_valid_utf8(file), file_fingerprint(file)
        with self._clear_errors():
            query = self._database.execute("SELECT stamp, pages, place FROM files WHERE name = ?", (name,))
            before, pages, place = query.fetchone() or (None, None, None)
            if place is not None:
                return []
            if pages is None or before != now or not now:
                self._database.execute("DELETE FROM rows WHERE file = ?", (name,))
                self._database.execute(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, NULL, ?)", (name, now, next(self._places))
                )
                return None
            self._database.execute("UPDATE files SET place = ? WHERE name = ?", (next(self._places), name))
            query = self._database.execute("SELECT page FROM rows WHERE file = ? AND NOT failed", (name,))
            done = {page for (page,) in query}
        return [page for page in range(1, pages + 1) if page not in done]

    def count(self, file: str, pages: int) -> None:
        """Keep how many pages a file has."""
        with self._clear_errors():
            self._database.execute("UPDATE files SET pages = ? WHERE name = ?", (pages, to_valid_utf8(file)))

    def add(self, row: PageRow) -> None:
        """Keep the row of a page, in place of one that failed before."""
        text = json.dumps(row.values, ensure_ascii=False, allow_nan=False)
        with self._clear_errors():
            self._database.execute(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)",
                (row.values["file"], row.values["page"], row.failed, text),
            )

    def rows(self) -> Iterator[PageRow]:
        """The rows of the files that were entered, in the order of entering, then of the pages."""
        with self._clear_errors():
            query = self._database.execute(
                "SELECT text, failed FROM files JOIN rows ON file = name WHERE place IS NOT NULL"
                " ORDER BY place, page"
            )
            for text, failed in query:
                yield PageRow(json.loads(text), bool(failed))

    def remove(self) -> None:
        """Remove the journal: the table is whole."""
        self._database.close()
        self.path.unlink()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; it stays, to go on from."""
        self._opened.close()

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        """Turn what SQLite raises into a DataError of one line."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise DataError(f"{self.path}: cannot be written ({error})") from None
        except (sqlite3.DatabaseError, json.JSONDecodeError):
            raise DataError(
                f"{self.path}: is no journal of Inkwise, or damaged; remove it, or name another --out"
            ) from None
