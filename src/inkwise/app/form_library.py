"""The forms of the app on disk: a folder for each, with its scan, its template and its filled scans."""

from __future__ import annotations

import logging
import re
import shutil
import threading
import uuid
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkwise._util.errors import ConflictError, DataError, InkwiseError
from inkwise._util.files import make_directory, new_folder
from inkwise._util.inputs import is_there
from inkwise.app.form_batch import FormBatch, safe_name, without_folder
from inkwise.app.form_routes import FormEditor
from inkwise.app.review_routes import ReviewSession
from inkwise.batch.page_rows import file_fingerprint
from inkwise.corrections import Learner
from inkwise.forms import FormTemplate
from inkwise.forms.registration import Reference
from inkwise.image import DOCUMENT_SUFFIXES, Document
from inkwise.review import ReviewedTable, ReviewItem, ScanCrops

_THRESHOLD = 0.9  # initial confidence below which a value is doubtful, as of `inkwise review`
_MAX_WRITER_LENGTH = 64  # characters

_logger = logging.getLogger("inkwise.app")


class StoredForm:
    """A form in its folder: the scan of the empty form, its template, the batch of filled scans.

    Attributes:
        id: Name of its folder, which no user chooses.
        batch: Its filled scans.
    """

    def __init__(self, folder: Path, learner: Learner) -> None:
        """Open the form in a folder.

        Raises:
            DataError: The folder has no scan.
        """
        self.id, self.folder, self._learner = folder.name, folder, learner
        scan = next((path for path in folder.iterdir() if path.suffix in DOCUMENT_SUFFIXES), None)
        if scan is None:
            raise DataError(f"{folder}: the scan of the empty form is missing")
        self._scan = scan
        self.batch = FormBatch(folder)
        self._described = "", self._describe()
        self._opened: tuple[tuple[str, str], ReviewSession] | None = None
        self._opening = threading.Lock()

    @cached_property
    def editor(self) -> FormEditor:
        """The editor of its fields; raises as `FormEditor`."""
        return _LibraryEditor(self._scan, self.batch)

    def summary(self) -> dict[str, Any]:
        """Return its `id`, `name`, number of `fields` (0 until they are drawn) and number of `scans`."""
        fingerprint = file_fingerprint(str(self._scan.with_suffix(".yaml")))
        if self._described[0] != fingerprint:
            self._described = fingerprint, self._describe()
        return {"id": self.id, **self._described[1], "scans": len(self.batch.names())}

    def _describe(self) -> dict[str, Any]:
        path = self._scan.with_suffix(".yaml")
        values: dict[str, Any] = {"name": self._scan.stem, "fields": 0, "error": None}
        try:
            if is_there(path):
                template = FormTemplate.read(path)
                values |= {"name": template.name, "fields": len(template.fields)}
        except InkwiseError as error:
            values["error"] = without_folder(error, self.folder)
        return values

    def state(self) -> dict[str, Any]:
        """Return the summary, the state of the job, the names of all `scans` and of those `unread`.

        `table` is the version by which `session` knows the table, None if there is none.
        """
        names, review = self.batch.names(), None
        if self.batch.table.exists():
            review = self._session()[1].review
        unread = [name for name in names if review is None or name not in review.files]
        summary, job = self.summary(), self.batch.job.state()
        return {
            **summary,
            **job,
            "error": summary["error"] or job["error"],
            "scans": names,
            "unread": unread,
            "table": None if review is None else self._session()[0],
        }

    def session(self, version: str) -> ReviewSession:
        """Return the review of a version of the table.

        Raises:
            ConflictError: The scans have been read again since.
        """
        now, session = self._session()
        if now != version:
            raise ConflictError("the scans have been read again meanwhile; the page shows the new table")
        return session

    def rows(self, version: str) -> dict[str, Any]:
        """Return the corrected rows, with the number of the reading in each cell; raises as `session`."""
        session = self.session(version)
        review = session.review
        numbers = {(item.file, item.page, item.place): number for number, item in enumerate(review.items)}
        columns = [name for name in review.columns if f"{name}_accepted" in review.columns]
        rows = [
            {
                "file": row["file"],
                "page": row["page"],
                "reason": row["reason"],
                "typed": not row.get("fields"),
                "cells": [
                    {"text": row[name], "number": numbers.get((row["file"], row["page"], name))}
                    for name in columns
                ],
            }
            for row in review.corrected()
        ]
        return {"columns": columns, "rows": rows}

    def _session(self) -> tuple[str, ReviewSession]:
        with self._opening:
            table = self.batch.table
            key = (str(table), file_fingerprint(str(table)))
            if self._opened is None or self._opened[0] != key:
                review = ReviewedTable(table)
                scans = _BatchCrops(table, self.batch.scans)
                name = self.batch.template().name
                writer = name[:_MAX_WRITER_LENGTH]
                download = f"{name}-{date.fromtimestamp(table.stat().st_mtime)}"
                session = ReviewSession(review, scans, _THRESHOLD, self._learner, writer, download)
                self._opened = key, session
            return key[1].replace(" ", "-"), self._opened[1]


class _LibraryEditor(FormEditor):
    """An editor whose changes make the scans be read again."""

    def __init__(self, scan: Path, batch: FormBatch) -> None:
        super().__init__(scan)
        self._batch = batch

    def write(self, form: FormTemplate, version: str | None) -> str:
        before = self.path.read_bytes() if is_there(self.path) else None
        written = super().write(form, version)
        if before is not None and before != self.path.read_bytes():
            self._batch.forget_readings()
        return written


class _BatchCrops(ScanCrops):
    """Crops of scans that are in one folder."""

    def __init__(self, table: Path, scans: Path) -> None:
        super().__init__(table)
        self._scans = scans

    def crop(self, item: ReviewItem) -> NDArray[np.uint8]:
        try:
            return super().crop(item)
        except InkwiseError as error:  # it names the folder
            raise DataError(without_folder(error, self._scans)) from None

    def find(self, file: str) -> Path:
        return self._scans / Path(file).name


class FormLibrary:
    """All forms of one installation, in a folder that is made with the first form."""

    def __init__(self, folder: Path, learner: Learner) -> None:
        """Use a folder; values that are confirmed become samples of the learner."""
        self._folder, self._learner = folder, learner
        self._forms: dict[str, StoredForm] = {}
        self._lock = threading.Lock()

    def forms(self) -> list[StoredForm]:
        """Return the forms, the most recently changed first."""
        if not self._folder.is_dir():
            return []
        found = [path for path in self._folder.iterdir() if _is_id(path.name)]
        found.sort(key=lambda path: path.stat().st_ctime, reverse=True)
        forms = []
        for path in found:
            try:
                forms.append(self.form(path.name))
            except DataError as error:
                _logger.warning("%s", error)
        return forms

    def form(self, form_id: str) -> StoredForm:
        """Return a form; DataError if there is none of this id."""
        with self._lock:
            folder = self._folder / form_id
            if not _is_id(form_id) or not folder.is_dir():
                raise DataError("there is no such form; it may have been deleted")
            if form_id not in self._forms:
                self._forms[form_id] = StoredForm(folder, self._learner)
            return self._forms[form_id]

    def add(self, name: str, content: bytes) -> StoredForm:
        """Store the scan of an empty form under a safe name.

        Raises:
            ImageError: It cannot be read, or its name is not that of a picture or PDF.
            InkwiseError: It has too little print to be found again on filled scans.
            DataError: It cannot be written.
        """
        name, form_id = safe_name(name), uuid.uuid4().hex[:12]
        make_directory(self._folder)
        self._folder.chmod(0o700)
        with new_folder(self._folder / form_id) as part:
            (part / name).write_bytes(content)
            try:
                with Document(part / name) as scan:
                    reference = Reference(scan.page(1))
            except InkwiseError as error:
                raise type(error)(without_folder(error, part)) from None
            if not reference.is_distinctive:
                raise InkwiseError(
                    f"{name}: too little is printed on it to be found again; print more text or lines"
                )
        return self.form(form_id)

    def close(self) -> None:
        """Stop reading; what was read is kept."""
        with self._lock:
            for form in self._forms.values():
                form.batch.job.stop()

    def delete(self, form_id: str) -> None:
        """Delete a form with its scans, tables and answers; DataError if there is none of this id."""
        form = self.form(form_id)
        form.batch.clear()
        with self._lock:
            self._forms.pop(form_id, None)
            shutil.rmtree(form.folder, ignore_errors=True)


def _is_id(name: str) -> bool:
    return re.fullmatch("[0-9a-f]{12}", name) is not None
