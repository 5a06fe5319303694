"""A sweep from start to end: its workers, what is shown meanwhile, and the files in the end."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from rich.console import Console

from inkwise._util.errors import InkwiseError
from inkwise._util.files import locked, make_directory
from inkwise._util.system import cpu_count
from inkwise.tuning.outcomes import TrialOutcome, trial_outcome, write_files
from inkwise.tuning.search_display import SearchDisplay
from inkwise.tuning.trial_queue import SearchPlan, TrialQueue
from inkwise.tuning.trial_worker import run_worker_process

WorkerProcesses = list[tuple[SpawnProcess, Connection]]

_POLL_SECONDS = 0.5  # seconds between two looks at the trials
_SHUTDOWN_SECONDS = 10.0  # seconds that workers have to leave


def run_search(plan: SearchPlan, workers: int, console: Console) -> tuple[list[TrialOutcome], Path | None]:
    """Train the trials of a plan that are not done yet, in so many processes, and write what came of all.

    The folder then holds trials.csv, best.json, pictures/ and the run folders. Called again it goes on;
    several calls, on several machines, share the work where they name the same storage and sweep.

    Returns:
        All trials by number, and the path of best.json, or None where no trial is done.

    Raises:
        InkwiseError: the storage, the data or a trial's recipe cannot be used, or a worker was killed, or
            Ctrl-C. What was being trained is taken up by the next call.
    """
    from inkwise.tuning.study_plots import (
        write_plots,  # it brings matplotlib, which workers need not wait for
    )

    make_directory(plan.out)
    with closing(TrialQueue(plan)) as queue:
        try:
            _run_workers(queue, workers, console)
            stopped = False
        except KeyboardInterrupt:
            stopped = True
        with locked(plan.out / "trials.csv"):  # Another call that ends later must write later.
            outcomes = [trial_outcome(trial) for trial in queue.trials()]
            best = write_files(plan, outcomes)
            write_plots(plan, outcomes, queue.importances())
    if stopped:
        done = sum(one.finished for one in outcomes)
        raise InkwiseError(f"stopped: {done} of {len(outcomes)} trials are done; the same command goes on")
    return outcomes, best


def _run_workers(queue: TrialQueue, workers: int, console: Console) -> None:
    """Have workers train what is left, and show it."""

    def look() -> list[TrialOutcome]:
        return [trial_outcome(trial) for trial in queue.trials()]

    if queue.finished():
        return
    with SearchDisplay(console, queue.plan, look()) as view, _worker_processes(queue.plan, workers) as team:
        alive = [process.sentinel for process, _ in team]
        while alive:
            wait(alive, _POLL_SECONDS)
            alive = [process.sentinel for process, _ in team if process.is_alive()]
            _raise_worker_errors(team)  # after the look who is alive: the last to die is checked as well
            view.update(look())


@contextmanager
def _worker_processes(plan: SearchPlan, workers: int) -> Iterator[WorkerProcesses]:
    """So many workers; when the block ends they are told to leave, and killed if they do not."""
    context = multiprocessing.get_context("spawn")
    threads = max(1, cpu_count() // workers)
    team: WorkerProcesses = []
    try:
        for _ in range(workers):
            ours, theirs = context.Pipe()
            process = context.Process(target=run_worker_process, args=(plan, threads, theirs), daemon=True)
            process.start()
            theirs.close()
            team.append((process, ours))
        yield team
    finally:
        for _, connection in team:
            connection.close()
        until = time.monotonic() + _SHUTDOWN_SECONDS
        for process, _ in team:
            process.join(max(0.0, until - time.monotonic()))
            process.kill()
            process.join()


def _raise_worker_errors(team: WorkerProcesses) -> None:
    for process, connection in team:
        if process.exitcode:
            with suppress(EOFError):
                raise InkwiseError(connection.recv())
            raise InkwiseError(
                f"a worker ended unexpectedly (exit code {process.exitcode}); the same command goes on"
            )
