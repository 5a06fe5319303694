"""Kill work at random moments, and count what it survives."""

from __future__ import annotations

import random
import time

from forked import Run
from victims import Answering, Victim


class Toll:
    """What became of one kind of fault."""

    def __init__(self, name: str) -> None:
        """Nothing yet."""
        self.name, self.tried, self.survived, self.lost = name, 0, 0, 0
        self.problems: list[str] = []


def siege(victim: Victim, kills: int, rng: random.Random) -> Toll:
    """Kill it so many times at random moments, then let it come to its end.

    What was acknowledged is looked for after each kill, and a start that complains is counted too.
    """
    toll = Toll(victim.name)
    while toll.tried < kills:
        run = victim.start()
        began = time.monotonic()
        if run.wait(rng.uniform(0, victim.lasts)):
            victim.lasts = max(time.monotonic() - began, 0.1)
            _look(toll, victim, run)
            victim.renew()
        else:
            run.kill()
            toll.tried += 1
            toll.survived += _look(toll, victim, run)
    run = victim.start()
    if not isinstance(victim, Answering):
        run.wait()
    run.kill()
    _look(toll, victim, run)
    return toll


def _look(toll: Toll, victim: Victim, run: Run) -> bool:
    lost, complaint = victim.missing(), run.complaint()
    toll.lost += lost
    if complaint:
        toll.problems.append(complaint)
    return not lost and not complaint
