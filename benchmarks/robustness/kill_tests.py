"""Kill a workload at random moments and count what it survives."""

from __future__ import annotations

import random
import time

from benchmarks.robustness.forked_process import TIMEOUT, Work
from benchmarks.robustness.kill_workloads import KillWorkload


class FaultTally:
    """Counts of one kind of fault: tried, survived, and acknowledged items lost."""

    def __init__(self, name: str) -> None:
        """Start at zero."""
        self.name, self.tried, self.survived, self.lost = name, 0, 0, 0
        self.problems: list[str] = []


def run_kill_test(workload: KillWorkload, kills: int, rng: random.Random) -> FaultTally:
    """Kill a workload at random moments, then let it finish.

    Acknowledged items are checked after each kill. A start that fails or prints a traceback is a problem.
    """
    tally, fresh = FaultTally(workload.name), True
    while tally.tried < kills:
        run = workload.start()
        began = time.monotonic()
        if run.wait(rng.uniform(0, workload.max_seconds)):
            if fresh:  # a resumed run takes less time
                workload.max_seconds = max(time.monotonic() - began, 0.1)
            run.kill()
            _check_survival(tally, workload, run)
            workload.reset()
            fresh = True
        else:
            run.kill()
            tally.tried += 1
            tally.survived += _check_survival(tally, workload, run)
            fresh = False
    run = workload.start()
    if workload.ends and not run.wait():
        tally.problems.append(f"it does not finish within {TIMEOUT} s")
    run.kill()
    _check_survival(tally, workload, run)
    return tally


def _check_survival(tally: FaultTally, workload: KillWorkload, run: Work) -> bool:
    lost, problem = workload.count_missing(), run.failure_reason()
    tally.lost += lost
    if problem:
        tally.problems.append(problem)
    return not lost and not problem
