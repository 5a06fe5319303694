"""Kills and outages during work: how many are survived, and how much acknowledged data is lost.

    python -m benchmarks faults --kills 200
    python -m benchmarks faults answering reading --kills 20

Process groups of commands and servers get SIGKILL at random moments. If two processes share files, the second
is killed a moment after the first. The outages are a full disk, a read-only folder, a clock that is set
back, and a PostgreSQL restart while the app is in use. The last needs PostgreSQL's programs; without them it
is skipped with a message.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.common.reporting import argument_parser, print_table
from benchmarks.robustness.kill_tests import FaultTally, run_kill_test
from benchmarks.robustness.kill_workloads import KINDS
from benchmarks.robustness.outages import OUTAGES
from inkwise._util.system import describe_machine

KILL_SHARES = {
    "answering": 0.15,
    "apps": 0.1,
    "reviews": 0.12,
    "editors": 0.12,
    "exports": 0.08,
    "backups": 0.08,
    "learning": 0.03,
    "learning-twice": 0.02,
    "training": 0.05,
    "training-twice": 0.05,
    "downloading": 0.06,
    "downloading-twice": 0.04,
    "reading": 0.06,
    "reading-twice": 0.04,
}
"""Share of all kills. Learning takes longest, and corrections cannot be recovered."""


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("faults", nargs="*", help=f"by default all: {', '.join([*KINDS, *OUTAGES])}")
    parser.add_argument("--kills", type=int, default=200, help="number of kills, all workloads together")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(argv)
    chosen = given.faults or [*KINDS, *OUTAGES]
    if unknown := set(chosen) - {*KINDS, *OUTAGES}:
        parser.error(f"unknown fault: {', '.join(sorted(unknown))}")
    rng = random.Random(given.seed)
    whole = sum(KILL_SHARES.get(name, 0) for name in chosen)
    began, tallies = time.monotonic(), []
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            if name in OUTAGES:
                tally = OUTAGES[name](Path(folder))
            else:
                kills = round(given.kills * KILL_SHARES[name] / whole)
                tally = run_kill_test(KINDS[name](Path(folder)), kills, rng)
        if tally is None:
            print(f"{name}: skipped, PostgreSQL is not installed", file=sys.stderr)
        else:
            tallies.append(tally)
            print(f"{tally.name}: {tally.tried}, {tally.survived}, {tally.lost}", file=sys.stderr)
    print_results(tallies)
    print(f"\n{describe_machine()}; {time.monotonic() - began:.0f} s; seed {given.seed}.")
    for tally in tallies:
        for problem in tally.problems:
            print(f"{tally.name}: {problem}", file=sys.stderr)
    sys.exit(any(tally.problems or tally.lost for tally in tallies))


def print_results(tallies: list[FaultTally]) -> None:
    """Print the table with a row of sums."""
    head = ("fault", "tried", "survived", "acknowledged and lost")
    rows = [(tally.name, str(tally.tried), str(tally.survived), str(tally.lost)) for tally in tallies]
    sums = [str(sum(getattr(tally, what) for tally in tallies)) for what in ("tried", "survived", "lost")]
    print_table(head, [*rows, ("all", *sums)])
