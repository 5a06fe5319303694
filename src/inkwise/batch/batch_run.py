"""A stack from start to end: what is read, by whom, and the table in the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rich.console import Console

from inkwise._util.errors import InkwiseError
from inkwise._util.files import atomic_file, check_not_a_source
from inkwise.batch.batch_display import BatchDisplay
from inkwise.batch.journal import Journal
from inkwise.batch.page_rows import BatchOptions, PageRow, file_content
from inkwise.batch.process_pool import PageTask, read_in_processes
from inkwise.batch.sources import find_files
from inkwise.batch.tables import table_writer


def read_batch(
    files: Sequence[str], options: BatchOptions, out: Path, suffix: str, jobs: int, console: Console
) -> int:
    """Read all pages of files and folders, in so many processes, into one table.

    Rows are kept in a journal beside the table as they are done; the table is written whole in the end, in
    the order of the files and of their pages, each file once. Called again after a kill it goes on from the
    journal: only what failed, and files that have changed since, are read again.

    Args:
        files: files and folders, "-" for standard input.
        options: how pages are read.
        out: the table.
        suffix: of its format: .csv, .jsonl, .parquet or .xlsx.
        jobs: how many processes.
        console: where progress and failures are shown.

    Returns:
        How many pages could not be read; their rows say why.

    Raises:
        InkwiseError: the table cannot be written, the model cannot be used, or Ctrl-C.
    """
    write = table_writer(suffix, options.columns)
    check_not_a_source(out, find_files(files))
    settings = options.settings()
    total = sum(1 for _ in find_files(files))
    bad = 0

    def counted(rows: Iterable[PageRow]) -> Iterator[PageRow]:
        nonlocal bad
        for row in rows:
            bad += row.failed
            yield row

    with Journal(out, settings) as journal:
        done = 0
        try:
            with BatchDisplay(console, total) as view:
                queue = _PageQueue(files, journal, view)
                for task, result in read_in_processes(queue.take, options, jobs):
                    if isinstance(result, PageRow):
                        journal.add(result)
                        view.row(result)
                        done += 1
                    else:
                        queue.set_page_count(task, result)
            with atomic_file(out) as part:
                write(counted(journal.rows()), part)
        except KeyboardInterrupt:
            raise InkwiseError(f"stopped; pages read: {done:,}; the same command goes on") from None
        journal.remove()
    return bad


class _PageQueue:
    """The pages still to be read, found as they are asked for."""

    def __init__(self, files: Sequence[str], journal: Journal, view: BatchDisplay) -> None:
        self._files = find_files(files)
        self._journal = journal
        self._view = view
        self._tasks: deque[Iterator[PageTask]] = deque()  # of each file that is begun

    def take(self) -> PageTask | None:
        """The next page, or None where none is left, or none is known of yet."""
        while True:
            while self._tasks:
                if task := next(self._tasks[0], None):
                    return task
                self._tasks.popleft()
            file = next(self._files, None)
            if file is None:
                return None
            left = self._journal.enter(file)
            if left is None:
                return PageTask(file, file_content(file), 1, known=False)
            self._view.file(len(left))
            self._tasks.append(PageTask(file, file, number, known=True) for number in left)

    def set_page_count(self, task: PageTask, pages: int) -> None:
        """Take note of how many pages the file of a task has; 0 where it could not be opened."""
        if task.known:
            return
        self._view.file(max(pages, 1))
        if pages:  # else nothing is known of it, and the next run will open it again
            self._journal.count(task.file, pages)
            self._tasks.append(task._replace(number=number, known=True) for number in range(2, pages + 1))
