"""The filled scans of a form on disk, their table, and the job that reads them in the background."""

from __future__ import annotations

import filecmp
import logging
import os
import re
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from inkwise._util.errors import DataError, ImageError, InkwiseError, one_line
from inkwise._util.files import atomic_file
from inkwise._util.system import cpu_count
from inkwise._util.text import natural_key
from inkwise.batch import BatchOptions, Journal, LocalBackend, OtherSettingsError, PageRow
from inkwise.forms import FormTemplate
from inkwise.image import DOCUMENT_SUFFIXES, Document

_MAX_PROCESSES = 4  # processes that read one batch, at most half of the cores
_MAX_NAME_BYTES = 200  # bytes of a file name without its suffixes; file systems allow 255 with them
_REMOVED = ".removed"  # suffix of an empty file that keeps the name of a removed scan from being used again

_logger = logging.getLogger("inkwise.app")


def safe_name(name: str) -> str:
    """Return the last part of a path as a file name for any system.

    Raises:
        ImageError: Its suffix is not that of a picture or PDF.
    """
    last = Path(name.replace("\\", "/")).name
    stem, suffix = os.path.splitext(last)  # noqa: PTH122
    if suffix.lower() not in DOCUMENT_SUFFIXES:
        raise ImageError(f"{one_line(_shortened(last))}: is not a picture or a PDF")
    kept = _shortened(re.sub(r"[^\w() .-]", "-", stem)).strip(" .")
    return f"{kept or 'scan'}{suffix.lower()}"


def _shortened(name: str) -> str:
    return name.encode(errors="replace")[:_MAX_NAME_BYTES].decode(errors="ignore")


def without_folder(text: object, folder: Path) -> str:
    """Return a message without the path of a folder before the names of its files."""
    return str(text).replace(f"{folder}{os.sep}", "")


class FormBatch:
    """The filled scans of one form, in a folder with their table; the folder is made with the first scan.

    Its name is new for each batch, since samples are identified by the path of their table.
    """

    def __init__(self, form: Path) -> None:
        """Open the batch in the folder of a form, if there is one."""
        self._form = form
        self._lock = threading.Lock()  # held while the folder of the batch or the names of its scans change
        found = [*form.glob("batch-*")]
        self.folder = found[0] if found else self._new_folder()
        self.job = ReadingJob(self)

    def _new_folder(self) -> Path:
        return self._form / f"batch-{uuid.uuid4().hex[:12]}"

    @property
    def scans(self) -> Path:
        """Folder of the scans."""
        return self.folder / "scans"

    @property
    def table(self) -> Path:
        """Path of the table, JSON Lines."""
        return self.folder / "table.jsonl"

    def names(self) -> list[str]:
        """Return the names of the scans in the order of the table."""
        if not self.scans.is_dir():
            return []
        found = (path.name for path in self.scans.iterdir() if path.suffix in DOCUMENT_SUFFIXES)
        return sorted(found, key=natural_key)

    @contextmanager
    def receive(self) -> Iterator[Path]:
        """Yield a path for the content of a scan, for `add`; the file is removed at the end."""
        self.scans.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.folder / f".{uuid.uuid4().hex}.upload"
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)

    def add(self, name: str, content: Path) -> str:
        """Store a scan and return its name; the same content under the same name is stored once.

        Raises:
            ImageError: The name is not that of a picture or PDF.
            DataError: The file cannot be written.
        """
        name = safe_name(name)
        stem, suffix = os.path.splitext(name)  # noqa: PTH122
        with self._lock:
            number = 1
            while (path := self.scans / name).exists() or (self.scans / f"{name}{_REMOVED}").exists():
                if path.exists() and filecmp.cmp(path, content, shallow=False):
                    return name
                number += 1
                name = f"{stem} ({number}){suffix}"
            with atomic_file(path) as part:
                content.replace(part)
        return name

    def remove(self, name: str) -> None:
        """Remove a scan, and its pages from the table; DataError if there is none of this name."""
        if name not in self.names():
            raise DataError(f"there is no scan {one_line(_shortened(name))}")
        self.job.stop()
        with self._lock:
            (self.scans / f"{name}{_REMOVED}").touch()
            (self.scans / name).unlink(missing_ok=True)
        if self.names():
            self.job.start()
        else:
            self.forget_readings()

    def clear(self) -> None:
        """Remove all scans, their table and the answers."""
        self.job.stop()
        with self._lock:
            old, self.folder = self.folder, self._new_folder()
            shutil.rmtree(old, ignore_errors=True)

    def forget_readings(self) -> None:
        """Remove the table and its journal, so that the scans are read again; answers are kept."""
        self.job.stop()
        for path in self.folder.glob("table.jsonl*"):
            if path.suffix != ".review":
                path.unlink(missing_ok=True)

    def template(self) -> FormTemplate:
        """Return the template of the form.

        Raises:
            DataError: No fields were drawn yet.
            FormError: As for `FormTemplate.read`.
        """
        found = next(self._form.glob("*.yaml"), None)
        if found is None:
            raise DataError("the form has no fields yet")
        return FormTemplate.read(found)


class _BatchJournal(Journal):
    """The journal of scans to which others are added: it stays, and the table names scans by their names.

    Attributes:
        kept: Number of pages that earlier runs have read.
    """

    def __init__(self, batch: FormBatch, options: BatchOptions, pages: dict[str, int]) -> None:
        super().__init__(batch.table, options, ".jsonl")
        self._scans, self._pages, self.kept = batch.scans, pages, 0

    def enter(self, file: str) -> list[int] | None:
        left = super().enter(file)
        if left is not None:
            self.kept += self._pages.get(file, 0) - len(left)
        return left

    def rows(self) -> Iterator[PageRow]:
        for row in super().rows():
            reason = row.values["reason"]
            names = {
                "file": without_folder(row.values["file"], self._scans),
                "reason": None if reason is None else without_folder(reason, self._scans),
            }
            yield row._replace(values=row.values | names)

    def finish(self) -> None:
        self.write()


class ReadingJob:
    """Reads the scans of a batch in a thread of this process, with processes of its own."""

    def __init__(self, batch: FormBatch) -> None:
        """Prepare the job of a batch."""
        self._batch = batch
        self._lock = threading.Lock()  # held while the thread is started
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._stopped_by_user = False
        self._done = self._pages = 0
        self._error: str | None = None

    def state(self) -> dict[str, Any]:
        """Return whether it is `reading`, how many of how many `pages` are `done`, and the last `error`.

        `stopped` tells that a person has stopped it.
        """
        reading = self._thread is not None and self._thread.is_alive()
        return {
            "reading": reading,
            "done": self._done,
            "pages": self._pages,
            "stopped": self._stopped_by_user,
            "error": self._error,
        }

    def start(self) -> None:
        """Read the scans that are not in the table, unless that is under way."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._stopping.clear()
                self._stopped_by_user = False
                self._error, self._done, self._pages = None, 0, 0
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def stop(self, *, by_user: bool = False) -> None:
        """Stop after the present page, and wait for that; what was read is kept."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                self._stopped_by_user = by_user
                self._stopping.set()
                self._thread.join()

    def _run(self) -> None:
        before: list[str] | None = None
        try:
            # Scans may be added meanwhile.
            while not self._stopping.is_set() and (names := self._batch.names()) != before:
                self._read(names)
                before = names
        except InkwiseError as error:
            self._error = without_folder(error, self._batch.scans)
        except Exception:
            _logger.exception("the scans of a form cannot be read")
            self._error = "internal error; see the log of inkwise app"

    def _read(self, names: list[str]) -> None:
        options = BatchOptions(form=self._batch.template())
        files = [str(self._batch.scans / name) for name in names]
        pages = {file: _page_count(file) for file in files}
        open_journal = partial(_BatchJournal, self._batch, options, pages)
        try:
            journal = open_journal()
        except OtherSettingsError:  # the form, the model or the version has changed
            self._batch.table.with_name(f"{self._batch.table.name}.part").unlink()
            journal = open_journal()
        self._pages = sum(pages.values())
        processes = max(1, min(_MAX_PROCESSES, cpu_count() // 2))
        with closing(LocalBackend(files, options, journal, processes).rows()) as rows:
            for number, _ in enumerate(rows, 1):
                self._done = journal.kept + number
                if self._stopping.is_set():
                    return
        self._done = self._pages


def _page_count(file: str) -> int:
    """Return the number of pages of a file, 1 if it cannot be opened."""
    try:
        with Document(file) as document:
            return len(document)
    except InkwiseError:
        return 1
