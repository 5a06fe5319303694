"""Progress of a search on the console."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from inkwise.tuning.outcomes import TrialOutcome, best_first, outcome_line, outcomes_table
from inkwise.tuning.shared_study import SearchPlan

_RESERVED_LINES = 4  # terminal lines for headings and the prompt


class SearchDisplay:
    """On a terminal a live table, running trials first, then the best; else a line per finished trial."""

    def __init__(self, console: Console, plan: SearchPlan, outcomes: list[TrialOutcome]) -> None:
        """Print how many trials are done already."""
        self._console, self._plan = console, plan
        self._printed = {one.number for one in outcomes if one.finished}
        self._live = (
            Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        )
        self._print(f"{len(self._printed)} of {len(outcomes)} trials are done")

    def __enter__(self) -> Self:
        """Start the live table."""
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the live table."""
        if self._live:
            self._live.stop()

    def update(self, outcomes: list[TrialOutcome]) -> None:
        """Show the current outcomes."""
        finished = [one for one in outcomes if one.finished]
        running = [one for one in outcomes if one.state == "running"]
        if self._live:
            head = f"{len(finished)} of {len(outcomes)} trials are done, {len(running)} running"
            rows = [*running, *best_first(finished)][: max(1, self._console.height - _RESERVED_LINES)]
            self._live.update(Group(Text(head), outcomes_table(rows, self._plan.space)), refresh=True)
            return
        for one in finished:
            if one.number not in self._printed:
                self._printed.add(one.number)
                self._print(f"{outcome_line(one)}  ({len(self._printed)} of {len(outcomes)})")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
