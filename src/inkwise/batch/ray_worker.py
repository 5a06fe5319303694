"""What happens in a worker of the cluster: a part is read and written."""

from __future__ import annotations

import json
import shutil
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pyarrow.fs import LocalFileSystem

from inkwise._util.errors import InkwiseError, one_line
from inkwise.batch import BatchOptions, PageRow
from inkwise.batch.page_rows import error_row
from inkwise.batch.parquet_parts import PageRange, ParquetFolder, PartSummary
from inkwise.batch.process_pool import PageTask, read_in_processes
from inkwise.batch.remote_files import filesystem_errors, path_of, resolve


class RayWorker:
    """Reads parts, one after another, with models that are loaded once; an actor of Ray Data.

    The reading itself is done by a process of its own, as without a cluster: a page that kills it costs its
    row, while a worker that is killed costs nothing, as Ray reads its part again.
    """

    def __init__(self, options: BatchOptions, inputs: Sequence[str], out: str) -> None:
        """Be ready to read what was found in the inputs into parts of the table."""
        tasks: deque[PageTask] = deque()
        self._tasks = tasks
        self._results = read_in_processes(lambda: tasks.popleft() if tasks else None, options, jobs=1)
        self._copy: tuple[str, str, TemporaryDirectory[str]] | None = None  # of a file, its path, and where
        self._columns = options.columns
        self._inputs = inputs
        self._folder = ParquetFolder(out)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Read and write the one part of a batch, where it is not there yet: its summary, or why not."""
        part, pages = str(batch["part"][0]), json.loads(str(batch["pages"][0]))
        summary, error = None, ""
        try:
            summary = self._folder.summary(part) or self._read(part, [PageRange(*some) for some in pages])
        except InkwiseError as reason:  # as a value: Ray would show the whole traceback
            error = str(reason)
        return {"number": [batch["number"][0]], "summary": [json.dumps(summary)], "error": [error]}

    def __del__(self) -> None:
        """End the process that reads, and remove the copy: Ray only lets go of a worker."""
        self._results.close()
        self._forget()

    def _read(self, part: str, pages: list[PageRange]) -> PartSummary:
        rows, counts = [], []
        for some in pages:
            count = 1
            for number in range(some.first, some.last + 1):
                count, row = self._page(some, number)
                rows.append(row)
            counts.append(count)
        return self._folder.write(part, rows, counts, self._columns)

    def _page(self, pages: PageRange, number: int) -> tuple[int, PageRow]:
        """How many pages the file has, as far as that can be told, and the row of one.

        Raises:
            InkwiseError: the process that reads ended before it could.
        """
        try:
            path = self._local(pages)
        except InkwiseError as error:
            return 1, error_row(pages.file, number, self._columns, error)
        self._tasks.append(PageTask(pages.file, path, number, known=True))
        count = 1
        for _, result in self._results:
            if isinstance(result, PageRow):
                reason, here = result.values["reason"], one_line(path)
                if reason and reason.startswith(here):
                    result.values["reason"] = one_line(pages.file) + reason.removeprefix(here)
                return count, result
            count = max(result, 1)  # 0 where it cannot be opened
        raise InkwiseError("no process can read here")  # what it ended of was told before

    def _local(self, pages: PageRange) -> str:
        """The path of a file on this machine, where it may have to be copied in place of the one before.

        Raises:
            DataError: it cannot be copied.
        """
        if self._copy is not None and self._copy[0] == pages.file:
            return self._copy[1]
        filesystem, _ = resolve(self._inputs[pages.source])
        path = path_of(pages.file)
        if isinstance(filesystem, LocalFileSystem):
            return path
        self._forget()
        with filesystem_errors(pages.file), filesystem.open_input_stream(path) as source:
            folder = TemporaryDirectory(prefix="inkwise-")
            copy = Path(folder.name) / Path(path).name
            self._copy = pages.file, str(copy), folder
            try:
                with copy.open("wb") as target:
                    shutil.copyfileobj(source, target)
            except BaseException:
                self._forget()
                raise
        return str(copy)

    def _forget(self) -> None:
        """Remove the copy, where there is one."""
        if self._copy is not None:
            self._copy[2].cleanup()
            self._copy = None
