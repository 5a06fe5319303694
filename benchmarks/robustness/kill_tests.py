"""Kill a workload at random moments and count what it survives."""

from __future__ import annotations

import random
import time

from benchmarks.robustness.forked_process import TIMEOUT, Work
from benchmarks.robustness.kill_workloads import KillWorkload


class FaultTally:
    """What became of one kind of fault."""

    def __init__(self, name: str) -> None:
        """Nothing yet."""
        self.name, self.tried, self.survived, self.lost = name, 0, 0, 0
        self.problems: list[str] = []


def run_kill_test(victim: KillWorkload, kills: int, rng: random.Random) -> FaultTally:
    """Kill it so many times at random moments, then let it come to its end.

    What was acknowledged is looked for after each kill, and a start that complains is counted too.
    """
    toll, anew = FaultTally(victim.name), True
    while toll.tried < kills:
        run = victim.start()
        began = time.monotonic()
        if run.wait(rng.uniform(0, victim.max_seconds)):
            if anew:  # what goes on after a kill takes less
                victim.max_seconds = max(time.monotonic() - began, 0.1)
            run.kill()
            _check_survival(toll, victim, run)
            victim.reset()
            anew = True
        else:
            run.kill()
            toll.tried += 1
            toll.survived += _check_survival(toll, victim, run)
            anew = False
    run = victim.start()
    if victim.ends and not run.wait():
        toll.problems.append(f"it does not come to its end within {TIMEOUT} s")
    run.kill()
    _check_survival(toll, victim, run)
    return toll


def _check_survival(toll: FaultTally, victim: KillWorkload, run: Work) -> bool:
    lost, complaint = victim.count_missing(), run.failure_reason()
    toll.lost += lost
    if complaint:
        toll.problems.append(complaint)
    return not lost and not complaint
