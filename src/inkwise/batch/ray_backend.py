"""The Ray backend: the workers of a cluster read the parts of a batch and write them as Parquet."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import socket
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ray
import ray.data
import ray.exceptions
from pyarrow.fs import LocalFileSystem

from inkwise._util.errors import InkwiseError, one_line
from inkwise.batch.batch_loop import Backend
from inkwise.batch.page_rows import STANDARD_INPUT, BatchOptions, PageRow, PageTask, error_row
from inkwise.batch.parquet_parts import PageRange, ParquetFolder, PartSummary, first_pages, further_pages
from inkwise.batch.process_pool import PoolProcess
from inkwise.batch.remote_files import URL_SEPARATOR, absolute_path, filesystem_errors, resolve


class RayBackend(Backend):
    """Reads files and folders on a cluster into a folder of Parquet parts.

    The parts are planned from the files that are found. Each is written whole by the worker that read it,
    under a name that follows from the plan; a second run reads the missing parts.
    """

    def __init__(
        self, inputs: Sequence[str], options: BatchOptions, out: str, address: str | None = None
    ) -> None:
        """Plan a batch, or read the plan of an interrupted run.

        Args:
            inputs: Files and folders, paths or URLs; the workers must find them under the same paths.
            options: How to read pages; the workers must find models under the same paths.
            out: Path or URL of the folder.
            address: Address of the cluster; None uses $RAY_ADDRESS, or else starts one on this machine.

        Raises:
            InkwiseError: The folder cannot be written, the model cannot be used, or an input is missing.
        """
        if STANDARD_INPUT in inputs:
            raise InkwiseError("- cannot be read with --on ray: name files, folders or URLs")
        inputs, out = [absolute_path(where) for where in inputs], absolute_path(out)
        digest = hashlib.sha256(json.dumps(inputs).encode()).hexdigest()
        self._folder = ParquetFolder(out)
        self._files = self._folder.begin({**options.settings(), "input": digest}, inputs)
        self._worker_arguments, self._address = (options, inputs, out), address
        super().__init__(len(self._files))

    def rows(self) -> Generator[PageRow, None, None]:
        """Read the parts; yield rows that have a reason if they failed, and are otherwise empty.

        Raises:
            InkwiseError: No cluster answers, or its workers cannot start or write.
        """
        with _connect(self._address):
            counts: dict[int, list[int]] = {}
            for number, summary in self._read_parts("first", first_pages(self._files)):
                counts[number] = summary.counts
                self.files_read += sum(1 / count for count in summary.counts)
                yield from summary.outcomes()
            page_counts = [count for number in sorted(counts) for count in counts[number]]
            unread, further = self.files - self.files_read, sum(page_counts) - self.files
            for _, summary in self._read_parts("further", further_pages(self._files, page_counts)):
                self.files_read += unread * len(summary.counts) / further
                yield from summary.outcomes()
            self._folder.end()

    def _read_parts(self, kind: str, parts: list[list[PageRange]]) -> Iterator[tuple[int, PartSummary]]:
        """Have the cluster read parts; yield the number and the summary of each when it is done.

        A part is a block of Ray Data, which is read again if its worker is killed.

        Raises:
            InkwiseError: A worker cannot start or write.
        """
        if not parts:
            return
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        workers = min(len(parts), max(1, int(ray.cluster_resources().get("CPU", 1))))
        pool = ray.data.ActorPoolStrategy(min_size=1, max_size=workers, initial_size=workers)
        items = [
            {"number": number, "part": f"{kind}-{number:06}", "pages": json.dumps(pages)}
            for number, pages in enumerate(parts)
        ]
        table = ray.data.from_items(items, override_num_blocks=len(items))
        done = table.map_batches(
            RayWorker, fn_constructor_args=self._worker_arguments, batch_size=1, compute=pool, num_cpus=1
        )
        try:
            for row in done.iter_rows():
                if row["error"]:
                    raise InkwiseError(row["error"])
                yield row["number"], PartSummary(*json.loads(row["summary"]))
        except ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[-1]
            raise InkwiseError(f"the cluster gave up ({type(error).__name__}: {reason})") from None


@contextmanager
def _connect(address: str | None) -> Iterator[None]:
    """Connect to a cluster, or start one on this machine; an existing connection of this process stays.

    Raises:
        InkwiseError: No cluster answers.
    """
    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report usage to its makers
    try:
        host, _, port = (address or "").rpartition(":")
        if port.isdecimal() and "/" not in host:  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError, OverflowError, ray.exceptions.RayError) as error:
        reason = " ".join(str(error).split())
        raise InkwiseError(f"{address or 'this machine'}: no Ray cluster answers ({reason})") from None
    try:
        yield
    finally:
        ray.shutdown()


class RayWorker:
    """Reads parts one after another, with models that are loaded once; an actor of Ray Data.

    A process of its own reads the pages, as in a local batch: a page that kills it costs its row. If the
    worker is killed, Ray has another one read the part again.
    """

    def __init__(self, options: BatchOptions, inputs: Sequence[str], out: str) -> None:
        """Prepare to read files that were found in the inputs into parts of the table."""
        self._process: PoolProcess | None = None
        self._copies = TemporaryDirectory(prefix="inkwise-")
        self._copied = ""  # the remote file whose copy exists
        self._options, self._inputs = options, inputs
        self._folder = ParquetFolder(out)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Read and write the one part of a batch unless it exists; return its summary or an error."""
        part = str(batch["part"][0])
        ranges = [PageRange(*pages) for pages in json.loads(str(batch["pages"][0]))]
        summary, error = None, ""
        try:
            summary = self._folder.summary(part)
            if summary is None:
                pages = [(each, number) for each in ranges for number in range(each.first, each.last + 1)]
                counts, rows = zip(*(self._read_page(*page) for page in pages), strict=True)
                summary = self._folder.write(part, list(rows), list(counts), self._options.columns)
        except InkwiseError as reason:  # returned as a value: Ray would print the whole traceback
            error = str(reason)
        return {"number": [batch["number"][0]], "summary": [json.dumps(summary)], "error": [error]}

    def __del__(self) -> None:
        """End the process and remove the copy; Ray drops a worker without closing it."""
        if self._process is not None:
            self._process.end()
        self._copies.cleanup()

    def _read_page(self, pages: PageRange, number: int) -> tuple[int, PageRow]:
        """Return the page count of the file, 1 if it is unknown, and the row of the page.

        Raises:
            InkwiseError: The process ended before it could read.
        """
        try:
            path = self._local_path(pages)
        except InkwiseError as error:
            return 1, error_row(pages.file, number, self._options.columns, error)
        if self._process is None or self._process.dead:
            self._process = PoolProcess(self._options)
        self._process.submit(PageTask(pages.file, path, number, known=True))
        count = 1
        while not isinstance(result := self._process.result(), PageRow):
            count = result or 1
        reason, here = result.values["reason"], one_line(path)
        if reason and reason.startswith(here):
            result.values["reason"] = one_line(pages.file) + reason.removeprefix(here)
        return count, result

    def _local_path(self, pages: PageRange) -> str:
        """Return the path of a file on this machine; a remote file is copied, in place of the previous one.

        Raises:
            DataError: The file cannot be copied.
        """
        filesystem, _ = resolve(self._inputs[pages.source])
        path = pages.file.split(URL_SEPARATOR, 1)[-1]
        if isinstance(filesystem, LocalFileSystem):
            return path
        copy = Path(self._copies.name, Path(path).name)
        if self._copied != pages.file:
            self._copied = ""
            for previous in copy.parent.iterdir():
                previous.unlink()
            errors = filesystem_errors(pages.file)
            with errors, filesystem.open_input_stream(path) as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target)
            self._copied = pages.file
        return str(copy)
