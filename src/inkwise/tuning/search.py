"""A search from start to end: worker processes, display, result files and plots."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from inkwise._util.errors import InkwiseError
from inkwise._util.files import locked, make_directory
from inkwise._util.system import cpu_count
from inkwise.tuning.outcomes import (
    TrialOutcome,
    best_first,
    outcome_line,
    outcomes_table,
    trial_outcome,
    write_files,
)
from inkwise.tuning.shared_study import SearchPlan, SharedStudy
from inkwise.tuning.trial_worker import run_worker_process

WorkerProcesses = list[tuple[SpawnProcess, Connection]]

_POLL_SECONDS = 0.5  # between two updates of the display
_RESERVED_LINES = 4  # terminal lines for headings and the prompt
_SHUTDOWN_SECONDS = 10.0  # for workers to save and exit before they are killed


def run_search(plan: SearchPlan, workers: int, console: Console) -> tuple[list[TrialOutcome], Path | None]:
    """Train the unfinished trials of a plan in worker processes and write the results.

    The folder then holds trials.csv, best.json, pictures/ and the run folders. Another call resumes the
    search; several calls, on several machines, share the work if they name the same storage and study.

    Returns:
        All trials by number, and the path of best.json, or None if no trial is done.

    Raises:
        InkwiseError: the storage, the data or a trial's recipe cannot be used, a worker was killed, or
            Ctrl-C. The next call resumes unfinished trials.
    """
    from inkwise.tuning.study_plots import write_plots  # matplotlib, which workers do not need

    make_directory(plan.out)
    with closing(SharedStudy(plan)) as study:
        try:
            _run_workers(study, workers, console)
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
        with locked(plan.out / "trials.csv"):  # a call that reads the trials later must also write later
            trials = study.trials()
            outcomes = [trial_outcome(trial) for trial in trials]
            best = write_files(plan, outcomes)
            write_plots(plan, trials)
    if interrupted:
        done = sum(one.finished for one in outcomes)
        raise InkwiseError(
            f"interrupted: {done} of {len(outcomes)} trials are done; rerun the same command to resume"
        )
    return outcomes, best


def _run_workers(study: SharedStudy, workers: int, console: Console) -> None:
    """Train all unfinished trials and display the progress."""

    def outcomes() -> list[TrialOutcome]:
        return [trial_outcome(trial) for trial in study.trials()]

    if study.finished():
        return
    with (
        search_display(console, study.plan, outcomes()) as update_display,
        _worker_processes(study.plan, workers) as processes,
    ):
        alive = [process.sentinel for process, _ in processes]
        while alive:
            wait(alive, _POLL_SECONDS)
            alive = [process.sentinel for process, _ in processes if process.is_alive()]
            # errors after `alive` is updated, so that the last process to exit is checked as well
            for process, connection in processes:
                if process.exitcode:
                    with suppress(EOFError):
                        raise InkwiseError(connection.recv())
                    raise InkwiseError(
                        f"a worker process died (exit code {process.exitcode});"
                        " rerun the same command to resume"
                    )
            update_display(outcomes())


@contextmanager
def search_display(
    console: Console, plan: SearchPlan, outcomes: list[TrialOutcome]
) -> Iterator[Callable[[list[TrialOutcome]], None]]:
    """Yield a function that displays the current outcomes.

    A terminal shows a live table with the running trials first, then the best; a pipe gets a line for each
    trial that has finished since the start.
    """
    printed = {one.number for one in outcomes if one.finished}
    write = partial(console.print, markup=False, highlight=False, soft_wrap=True)
    write(f"{len(printed)} of {len(outcomes)} trials are done")

    def update_table(outcomes: list[TrialOutcome]) -> None:
        finished = [one for one in outcomes if one.finished]
        running = [one for one in outcomes if one.state == "running"]
        head = f"{len(finished)} of {len(outcomes)} trials are done, {len(running)} running"
        rows = [*running, *best_first(finished)][: max(1, console.height - _RESERVED_LINES)]
        live.update(Group(Text(head), outcomes_table(rows, plan.space)), refresh=True)

    def print_finished(outcomes: list[TrialOutcome]) -> None:
        for one in outcomes:
            if one.finished and one.number not in printed:
                printed.add(one.number)
                write(f"{outcome_line(one)}  ({len(printed)} of {len(outcomes)})")

    if console.is_terminal:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield update_table
    else:
        yield print_finished


@contextmanager
def _worker_processes(plan: SearchPlan, workers: int) -> Iterator[WorkerProcesses]:
    """Run worker processes within the block; ask them to stop at its end, then kill them."""
    context = multiprocessing.get_context("spawn")
    threads = max(1, cpu_count() // workers)
    processes: WorkerProcesses = []
    try:
        for _ in range(workers):
            ours, theirs = context.Pipe()
            process = context.Process(target=run_worker_process, args=(plan, threads, theirs), daemon=True)
            process.start()
            theirs.close()
            processes.append((process, ours))
        yield processes
    finally:
        for _, connection in processes:
            connection.close()
        deadline = time.monotonic() + _SHUTDOWN_SECONDS
        for process, _ in processes:
            process.join(max(0.0, deadline - time.monotonic()))
            process.kill()
            process.join()
