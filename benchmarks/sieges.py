"""Kill work at random moments, and count what it survives."""

from __future__ import annotations

import random
import time

from forked import ForkedProcess
from victims import AppWorkload, KillWorkload


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
    toll = FaultTally(victim.name)
    while toll.tried < kills:
        run = victim.start()
        began = time.monotonic()
        if run.wait(rng.uniform(0, victim.max_seconds)):
            victim.max_seconds = max(time.monotonic() - began, 0.1)
            _check_survival(toll, victim, run)
            victim.reset()
        else:
            run.kill()
            toll.tried += 1
            toll.survived += _check_survival(toll, victim, run)
    run = victim.start()
    if not isinstance(victim, AppWorkload):
        run.wait()
    run.kill()
    _check_survival(toll, victim, run)
    return toll


def _check_survival(toll: FaultTally, victim: KillWorkload, run: ForkedProcess) -> bool:
    lost, complaint = victim.count_missing(), run.failure_reason()
    toll.lost += lost
    if complaint:
        toll.problems.append(complaint)
    return not lost and not complaint
