"""Run every benchmark and write docs/benchmarks.md: each table below the command that makes it.

    python benchmarks/report.py [FOLDER]

FOLDER holds the real handwriting that benchmarks/real_hands.py reads; its figures go into the model card.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
INTRODUCTION = """# Benchmarks

`make bench` writes this page; `make bench DATA=FOLDER` measures the real handwriting anew as well. Machines
differ and are noisy: compare figures of one table, not of two.

## Real hands

    python benchmarks/real_hands.py FOLDER --json docs/figures/default.json
    python benchmarks/card.py

The tables are in the [model card](model.md#how-well-it-reads). To choose between models, measure both with
`--part validation`: it reads neither the test writers nor a test set.
"""
SECTIONS = {
    "Speed": "speed.py --install",
    "Stacks": "stacks.py",
    "Integers": "quantised.py",
    "App": "app.py",
    "Training": "training.py --peers",
}


def main() -> None:
    if data := sys.argv[1:]:
        output("real_hands.py", *data, "--json", "docs/figures/default.json")
        output("card.py")
    page = INTRODUCTION
    for heading, script in SECTIONS.items():
        page += f"\n## {heading}\n\n    python benchmarks/{script}\n\n{output(*script.split()).strip()}\n"
    PAGE.write_text(page)


def output(script: str, *arguments: str) -> str:
    """What a benchmark prints."""
    command = [sys.executable, f"benchmarks/{script}", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
