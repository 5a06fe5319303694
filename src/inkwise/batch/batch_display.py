"""What is shown while a stack is read: pages, time left, and what failed."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from inkwise.batch.page_rows import PageRow


class BatchDisplay:
    """A bar on a terminal; a context manager.

    How many pages a file has is known only once it is opened; those still to come are taken to have as many
    as the others on average.
    """

    def __init__(self, console: Console, files: int, *, show: bool = True) -> None:
        """Show the reading of so many files on a console, if it is a terminal."""
        self._to_come = files
        self._begun = self._pages = 0
        self._progress = Progress(
            TextColumn("reading"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("pages"),
            TimeRemainingColumn(),
            console=console,
            redirect_stdout=False,  # rows may go there
            disable=not (show and console.is_terminal),
        )
        self._bar = self._progress.add_task("", total=files)

    def file(self, pages: int) -> None:
        """One file more was opened, and so many of its pages are to be read."""
        self._to_come -= 1
        if pages:
            self._begun += 1
            self._pages += pages
        average = self._pages / self._begun if self._begun else 1
        self._progress.update(self._bar, total=round(self._pages + self._to_come * average))

    def row(self, row: PageRow) -> None:
        """One page more was read."""
        self._progress.advance(self._bar)
        if row.failed:
            self._progress.console.print(
                f"inkwise: {row.values['reason']}", markup=False, highlight=False, soft_wrap=True
            )

    def __enter__(self) -> Self:
        """Itself, shown."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it is."""
        self._progress.stop()
