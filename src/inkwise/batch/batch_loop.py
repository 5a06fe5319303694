"""The batch loop: reads all pages with a backend and shows the progress; the backend of this machine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from types import TracebackType
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from inkwise._util.errors import InkwiseError
from inkwise.batch.page_rows import BatchOptions, PageRow, PageTask, TaskReader, file_content
from inkwise.batch.process_pool import TaskResult, read_in_processes
from inkwise.image import find_files


class Backend(ABC):
    """Reads all pages of a batch and stores their rows.

    Attributes:
        files: Number of files.
        files_read: How many of them were read; a page is a fraction of its file.
        resumable: Whether a second run resumes the first.
    """

    def __init__(self, files: int, *, resumable: bool = True) -> None:
        """Start with the number of files, and whether a second run resumes the first."""
        self.files, self.files_read, self.resumable = files, 0.0, resumable

    @abstractmethod
    def rows(self) -> Generator[PageRow, None, None]:
        """Read the pages, store each row, yield it, and complete the table after the last one."""


class BatchSummary(NamedTuple):
    """Counts of one run; pages of earlier runs that it resumed are not among them.

    Attributes:
        pages: Pages that were read or failed.
        failed: Pages that could not be read; their rows contain the reason.
        numbers: Numbers that were found, of a form the fields that are filled in.
        doubtful: Numbers that are not accepted.
    """

    pages: int = 0
    failed: int = 0
    numbers: int = 0
    doubtful: int = 0

    def add(self, row: PageRow) -> BatchSummary:
        """Return the counts with a row added."""
        accepted = row.accepted
        return BatchSummary(
            self.pages + 1,
            self.failed + row.failed,
            self.numbers + len(accepted),
            self.doubtful + accepted.count(False),
        )


def read_batch(backend: Backend, console: Console, *, show: bool = True) -> BatchSummary:
    """Read all pages with a backend, and show progress and failures on a console.

    Args:
        backend: What reads the pages and stores their rows.
        console: Where a progress bar is shown if it is a terminal, and a line for each failure.
        show: Whether to show the bar.

    Returns:
        What was read.

    Raises:
        InkwiseError: The table cannot be written, the model cannot be used, or Ctrl-C was pressed.
        KeyboardInterrupt: Ctrl-C was pressed and the batch cannot be resumed.
    """
    progress = Progress(
        TextColumn("reading"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[pages]:,} pages"),
        TimeRemainingColumn(),
        console=console,
        redirect_stdout=False,  # rows may be written there
        disable=not (show and console.is_terminal),
    )
    summary = BatchSummary()
    try:
        with progress, closing(backend.rows()) as rows:
            bar = progress.add_task("", total=backend.files, pages=0)
            for row in rows:
                summary = summary.add(row)
                progress.update(bar, completed=backend.files_read, pages=summary.pages)
                if row.failed:
                    reason = row.values["reason"]
                    console.print(f"inkwise: {reason}", markup=False, highlight=False, soft_wrap=True)
    except KeyboardInterrupt:
        if not backend.resumable:
            raise
        raise InkwiseError(
            f"stopped; pages read: {summary.pages:,}; rerun the same command to resume"
        ) from None
    return summary


class RowSink(AbstractContextManager["RowSink"]):
    """Takes the rows of a local batch; this one discards them."""

    resumable = False

    def enter(self, file: str) -> list[int] | None:
        """Return the pages of a file that are still to be read, or None if its page count is unknown."""

    def count(self, file: str, pages: int) -> None:
        """Store the page count of a file."""

    def add(self, row: PageRow) -> None:
        """Store a row."""

    def finish(self) -> None:
        """Complete the output after the last row."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release resources; what was stored stays."""


class LocalBackend(Backend):
    """Reads files and folders on this machine into a sink."""

    def __init__(
        self, files: Sequence[str], options: BatchOptions, sink: RowSink | None = None, jobs: int = 0
    ) -> None:
        """Prepare a batch.

        Args:
            files: Files and folders, "-" for standard input.
            options: How to read pages.
            sink: Where the rows go.
            jobs: Number of processes; 0 reads in this one, in the order of files and pages.
        """
        self._sink = sink or RowSink()
        super().__init__(sum(1 for _ in find_files(files)), resumable=self._sink.resumable)
        self._files = find_files(files)
        self._options, self._jobs = options, jobs
        self._tasks: deque[Iterator[PageTask]] = deque()  # pages left, for each file that was entered
        self._counts: dict[str, int] = {}  # pages to read, for each file whose page count is known

    def rows(self) -> Generator[PageRow, None, None]:
        """Read the pages; see `Backend.rows`.

        Raises:
            InkwiseError: The sink cannot be written, or a process ended before it could read.
        """
        read = read_in_processes(self, self._options, self._jobs) if self._jobs else self._read_here()
        with self._sink, closing(read):
            for task, result in read:
                if isinstance(result, PageRow):
                    self._sink.add(result)
                    # A process may die before it has sent the page count.
                    self.files_read += 1 / self._counts.get(task.file, 1)
                    yield result
                elif not task.known:
                    self._add_further_pages(task, result)
            self._sink.finish()

    def take(self) -> PageTask | None:
        """Return the next page, or None if none is left or none is known yet."""
        while True:
            while self._tasks:
                if task := next(self._tasks[0], None):
                    return task
                self._tasks.popleft()
            file = next(self._files, None)
            if file is None:
                return None
            left = self._sink.enter(file)
            if left is None:
                return PageTask(file, file_content(file), 1, known=False)
            if left:  # a file that is named twice keeps its count
                self._counts[file] = len(left)
            self.files_read += not left
            self._tasks.append(PageTask(file, file, number, known=True) for number in left)

    def _read_here(self) -> Generator[TaskResult, None, None]:
        with closing(TaskReader(self._options)) as reader:
            while task := self.take():
                for result in reader.read(task):
                    yield task, result

    def _add_further_pages(self, task: PageTask, pages: int) -> None:
        """Queue the pages after the first of a file; `pages` is 0 if it could not be opened."""
        self._counts[task.file] = max(pages, 1)
        if pages:  # the page count of any other file stays unknown, so that the next run opens it again
            self._sink.count(task.file, pages)
            self._tasks.append(task._replace(number=number, known=True) for number in range(2, pages + 1))


def read_rows(files: Sequence[str], options: BatchOptions) -> Iterator[PageRow]:
    """Read all pages of files and folders in this process; yield each row when it is read."""
    return LocalBackend(files, options).rows()
