"""The table as a folder of Parquet parts, planned before anything is read.

What a part holds follows from the plan alone, and so does its name: whoever reads it a second time, after a
worker or the whole job was killed, puts the same rows in the same place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import parquet
from pyarrow.fs import FileSelector, FileType, LocalFileSystem

from inkwise._util.errors import DataError
from inkwise._util.files import locked
from inkwise.batch import Columns, PageRow
from inkwise.batch.journal import check_same_settings
from inkwise.batch.remote_files import atomic_put, filesystem_errors, find_inputs, resolve, without_secrets
from inkwise.batch.tables import parquet_schema

PAGES_PER_PART = 32
"""Pages of a part: what is read again when a worker is killed."""

_PLAN_FILE = (
    "_inkwise.json"  # names with an underscore are none of the table, for all who read Parquet folders
)
_SUCCESS_FILE = "_SUCCESS"
_SUMMARY_KEY = b"inkwise"


class PageRange(NamedTuple):
    """Pages of one file, `first` to `last`, from 1; `source` is the number of the input it was found in."""

    source: int
    file: str
    first: int
    last: int


class PartSummary(NamedTuple):
    """What is told of a part.

    Attributes:
        pages: how many pages each of its files has.
        rows: how many rows it holds.
        failed: why pages could not be read.
    """

    pages: list[int]
    rows: int
    failed: list[str]


def first_pages(files: Iterable[tuple[int, str]]) -> Iterator[list[PageRange]]:
    """The parts that hold the first page of each file, which says how many it has."""
    return _group_into_parts(PageRange(source, file, 1, 1) for source, file in files)


def further_pages(files: Iterable[tuple[int, str]], pages: Iterable[int]) -> Iterator[list[PageRange]]:
    """The parts that hold all the other pages of files that have so many."""
    return _group_into_parts(
        PageRange(source, file, number, number)
        for (source, file), last in zip(files, pages, strict=True)
        for number in range(2, last + 1)
    )


def _group_into_parts(pages: Iterator[PageRange]) -> Iterator[list[PageRange]]:
    while some := list(islice(pages, PAGES_PER_PART)):
        part = some[:1]
        for page in some[1:]:
            before = part[-1]
            if page.file == before.file:
                part[-1] = before._replace(last=page.last)
            else:
                part.append(page)
        yield part


def _parse_plan(content: bytes, name: str) -> tuple[dict[str, Any], list[tuple[int, str]]]:
    """The settings and the files of a table that was begun, which messages call `name`."""
    try:
        plan = json.loads(content)
        return dict(plan["settings"]), [(source, file) for source, file in plan["files"]]
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{name}: its {_PLAN_FILE} is damaged; name another --out") from None


class ParquetFolder:
    """The folder of a table, here or behind a URL."""

    def __init__(self, out: str) -> None:
        """Find it; it need not be there.

        Raises:
            DataError: its file system cannot be reached.
        """
        self.name = without_secrets(out)
        self._filesystem, path = resolve(out)
        self._path = path.rstrip("/")

    def begin(self, settings: dict[str, Any], inputs: Sequence[str]) -> list[tuple[int, str]]:
        """The files to be read: found now, or those with which the table was begun.

        Raises:
            DataError: it cannot be written, holds something else, or was begun with other settings; nothing
                is found in the inputs.
        """
        with filesystem_errors(self.name):
            if not self._there(_PLAN_FILE):
                self._write_plan(settings, inputs)
            with self._filesystem.open_input_stream(self._at(_PLAN_FILE)) as stream:
                begun, files = _parse_plan(stream.read(), self.name)
        check_same_settings(settings, begun, self.name)
        return files

    def _write_plan(self, settings: dict[str, Any], inputs: Sequence[str]) -> None:
        """Find the files and write the plan, unless another process is faster: all must follow one plan."""
        if self._filesystem.get_file_info(self._path).type == FileType.File:
            raise DataError(f"{self.name}: is a file; --out with --on ray names a folder")
        inside = self._filesystem.get_file_info(FileSelector(self._path, allow_not_found=True))
        names = {info.base_name for info in inside}
        # Hidden files are locks and unfinished writes, which SIGKILL may leave.
        if _PLAN_FILE not in names and not all(name.startswith(".") for name in names):
            raise DataError(f"{self.name}: is not empty, and no table that was begun; name another --out")
        files = find_inputs(inputs)
        self._filesystem.create_dir(self._path, recursive=True)
        with self._locked():
            if not self._there(_PLAN_FILE):
                self._put(_PLAN_FILE, json.dumps({"settings": settings, "files": files}).encode())

    def _locked(self) -> AbstractContextManager[None]:
        """Hold the lock of the folder; object stores have none."""
        local = isinstance(self._filesystem, LocalFileSystem)
        return locked(Path(self._path)) if local else nullcontext()

    def end(self) -> None:
        """Mark the table as whole."""
        with filesystem_errors(self.name):
            self._put(_SUCCESS_FILE, b"")

    def summary(self, part: str) -> PartSummary | None:
        """What a part tells of itself; None where it is not there.

        Raises:
            DataError: the folder cannot be read.
        """
        name = f"{part}.parquet"
        with filesystem_errors(self.name):
            if not self._there(name):
                return None
            metadata = parquet.read_schema(self._at(name), filesystem=self._filesystem).metadata
        return PartSummary(*json.loads(metadata[_SUMMARY_KEY]))

    def write(self, part: str, rows: list[PageRow], pages: list[int], columns: Columns) -> PartSummary:
        """Write a part, whole, in place of one that may be there.

        Raises:
            DataError: it cannot be written.
        """
        summary = PartSummary(pages, len(rows), [row.values["reason"] for row in rows if row.failed])
        kept = parquet_schema(columns).with_metadata({_SUMMARY_KEY: json.dumps(summary)})
        content = pa.BufferOutputStream()
        parquet.write_table(pa.Table.from_pylist([row.values for row in rows], kept), content)
        with filesystem_errors(self.name):
            self._put(f"{part}.parquet", content.getvalue().to_pybytes())
        return summary

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}"

    def _there(self, name: str) -> bool:
        return bool(self._filesystem.get_file_info(self._at(name)).type == FileType.File)

    def _put(self, name: str, content: bytes) -> None:
        atomic_put(self._filesystem, self._at(name), content)
