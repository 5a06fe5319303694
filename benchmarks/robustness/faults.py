"""Kills and outages during work: how many are survived, and how much acknowledged data is lost.

    python -m benchmarks faults --kills 200
    python -m benchmarks faults answering reading --kills 20

SIGKILL comes to the process groups of commands and servers at random moments, also where two of them share
files: the first is killed, the second goes on for a moment and is killed too. Then the disk is full, the
folder cannot be written, the clock goes back, and the database is restarted while people teach. The last
needs PostgreSQL's own programs; without them it is left out by name.
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
"""Of all kills: learning takes longest, and what people say is what cannot be had again."""


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("faults", nargs="*", help=f"by default all: {', '.join([*KINDS, *OUTAGES])}")
    parser.add_argument("--kills", type=int, default=200, help="of all kinds of work together")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(argv)
    chosen = given.faults or [*KINDS, *OUTAGES]
    if unknown := set(chosen) - {*KINDS, *OUTAGES}:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    rng = random.Random(given.seed)
    whole = sum(KILL_SHARES.get(name, 0) for name in chosen)
    began, tolls = time.monotonic(), []
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            if name in OUTAGES:
                toll = OUTAGES[name](Path(folder))
            else:
                kills = round(given.kills * KILL_SHARES[name] / whole)
                toll = run_kill_test(KINDS[name](Path(folder)), kills, rng)
        if toll is None:
            print(f"{name}: left out, PostgreSQL is not there", file=sys.stderr)
        else:
            tolls.append(toll)
            print(f"{toll.name}: {toll.tried}, {toll.survived}, {toll.lost}", file=sys.stderr)
    print_results(tolls)
    print(f"\n{describe_machine()}; {time.monotonic() - began:.0f} s; seed {given.seed}.")
    for toll in tolls:
        for problem in toll.problems:
            print(f"{toll.name}: {problem}", file=sys.stderr)
    sys.exit(any(toll.problems or toll.lost for toll in tolls))


def print_results(tolls: list[FaultTally]) -> None:
    """The table, and a last row of sums."""
    head = ("fault", "tried", "survived", "acknowledged and lost")
    rows = [(toll.name, str(toll.tried), str(toll.survived), str(toll.lost)) for toll in tolls]
    sums = [str(sum(getattr(toll, what) for toll in tolls)) for what in ("tried", "survived", "lost")]
    print_table(head, [*rows, ("all", *sums)])
