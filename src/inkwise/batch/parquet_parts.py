"""A table as a folder of Parquet parts, planned before any page is read.

The plan determines the content and the name of each part, so a part that is read again, after its worker or
the whole command was killed, gets the same rows in the same file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import parquet
from pyarrow.fs import FileSelector, FileType, LocalFileSystem

from inkwise._util.errors import DataError
from inkwise._util.files import locked
from inkwise.batch.journal import check_same_settings
from inkwise.batch.page_rows import Columns, PageRow
from inkwise.batch.remote_files import atomic_put, filesystem_errors, find_inputs, resolve, without_secrets
from inkwise.batch.tables import parquet_schema

PAGES_PER_PART = 32
"""Pages of a part, which is read again if its worker is killed."""

_PLAN_FILE = "_inkwise.json"  # readers of Parquet folders skip names that start with an underscore
_SUCCESS_FILE = "_SUCCESS"
_SUMMARY_KEY = b"inkwise"


class PageRange(NamedTuple):
    """Pages `first` to `last` of a file, from 1; `source` is the number of the input that contains it."""

    source: int
    file: str
    first: int
    last: int


class PartSummary(NamedTuple):
    """Summary of a part, stored in its metadata.

    Attributes:
        counts: For each page the page count of its file, 1 if it is unknown.
        failed: Reasons of the pages that could not be read.
        accepted: For each other page whether its numbers are accepted.
    """

    counts: list[int]
    failed: list[str]
    accepted: list[list[bool]]

    def outcomes(self) -> Iterator[PageRow]:
        """Yield a row for each page: the reason of a failed one, else which numbers are accepted."""
        for reason in self.failed:
            yield PageRow({"reason": reason}, failed=True)
        for numbers in self.accepted:
            yield PageRow({"numbers": [{"accepted": one} for one in numbers], "accepted": True}, failed=False)


def first_pages(files: Iterable[tuple[int, str]]) -> list[list[PageRange]]:
    """Return the parts with the first page of each file; reading it reveals the page count."""
    return _group_into_parts(PageRange(*file, 1, 1) for file in files)


def further_pages(files: Iterable[tuple[int, str]], counts: Iterable[int]) -> list[list[PageRange]]:
    """Return the parts with all other pages of files of these page counts."""
    return _group_into_parts(
        PageRange(*file, number, number)
        for file, count in zip(files, counts, strict=True)
        for number in range(2, count + 1)
    )


def _group_into_parts(pages: Iterator[PageRange]) -> list[list[PageRange]]:
    parts = []
    while some := list(islice(pages, PAGES_PER_PART)):
        groups = (list(group) for _, group in groupby(some, itemgetter(0, 1)))
        parts.append([group[0]._replace(last=group[-1].last) for group in groups])
    return parts


class ParquetFolder:
    """The folder of a table, on this machine or behind a URL."""

    def __init__(self, out: str) -> None:
        """Resolve the path or URL of the folder, which need not exist.

        Raises:
            DataError: Its file system cannot be reached.
        """
        self.name = without_secrets(out)
        self._filesystem, path = resolve(out)
        self._path = path.rstrip("/")

    def begin(self, settings: dict[str, Any], inputs: Sequence[str]) -> list[tuple[int, str]]:
        """Return the files to read: those found now, or those of the plan if there is one.

        Raises:
            DataError: The folder cannot be written, contains something else, or was started with other
                settings; an input is missing.
        """
        with filesystem_errors(self.name):
            if not self._exists(_PLAN_FILE):
                self._write_plan(settings, inputs)
            with self._filesystem.open_input_stream(self._at(_PLAN_FILE)) as stream:
                content = stream.read()
        try:
            plan = json.loads(content)
            before = dict(plan["settings"])
            files = [(source, file) for source, file in plan["files"]]
        except (ValueError, KeyError, TypeError):
            raise DataError(f"{self.name}: its {_PLAN_FILE} is damaged; name another --out") from None
        check_same_settings(settings, before, self.name)
        return files

    def _write_plan(self, settings: dict[str, Any], inputs: Sequence[str]) -> None:
        """Find the files and write the plan, unless another process has: all must follow the same plan."""
        if self._filesystem.get_file_info(self._path).type == FileType.File:
            raise DataError(f"{self.name}: is a file; --out with --on ray names a folder")
        inside = self._filesystem.get_file_info(FileSelector(self._path, allow_not_found=True))
        names = {info.base_name for info in inside}
        # Hidden files are locks and unfinished writes, which SIGKILL may leave.
        if _PLAN_FILE not in names and not all(name.startswith(".") for name in names):
            raise DataError(f"{self.name}: is not empty and not an unfinished table; name another --out")
        files = find_inputs(inputs)
        self._filesystem.create_dir(self._path, recursive=True)
        local = isinstance(self._filesystem, LocalFileSystem)
        with locked(Path(self._path)) if local else nullcontext():  # object stores have no locks
            if not self._exists(_PLAN_FILE):
                self._put(_PLAN_FILE, json.dumps({"settings": settings, "files": files}).encode())

    def end(self) -> None:
        """Mark the table as complete."""
        with filesystem_errors(self.name):
            self._put(_SUCCESS_FILE, b"")

    def summary(self, part: str) -> PartSummary | None:
        """Return the summary of a part, or None if it does not exist.

        Raises:
            DataError: The folder cannot be read.
        """
        name = f"{part}.parquet"
        with filesystem_errors(self.name):
            if not self._exists(name):
                return None
            metadata = parquet.read_schema(self._at(name), filesystem=self._filesystem).metadata
        return PartSummary(*json.loads(metadata[_SUMMARY_KEY]))

    def write(self, part: str, rows: list[PageRow], counts: list[int], columns: Columns) -> PartSummary:
        """Write a whole part, in place of an existing one.

        Raises:
            DataError: It cannot be written.
        """
        failed = [row.values["reason"] for row in rows if row.failed]
        summary = PartSummary(counts, failed, [row.accepted for row in rows if not row.failed])
        schema = parquet_schema(columns).with_metadata({_SUMMARY_KEY: json.dumps(summary)})
        content = pa.BufferOutputStream()
        parquet.write_table(pa.Table.from_pylist([row.values for row in rows], schema), content)
        with filesystem_errors(self.name):
            self._put(f"{part}.parquet", content.getvalue().to_pybytes())
        return summary

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}"

    def _exists(self, name: str) -> bool:
        return bool(self._filesystem.get_file_info(self._at(name)).type == FileType.File)

    def _put(self, name: str, content: bytes) -> None:
        atomic_put(self._filesystem, self._at(name), content)
