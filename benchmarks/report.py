"""Run every benchmark and write docs/benchmarks.md: each table below the command that makes it.

    python benchmarks/report.py [FOLDER]

FOLDER holds the real handwriting that benchmarks/real_hands.py reads; without it that table stays as it was.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
INTRODUCTION = """# Benchmarks

`make bench` writes this page; `make bench DATA=FOLDER` measures the real handwriting anew as well. Machines
differ and are noisy: compare figures of one table, not of two.
"""
SECTIONS = {
    "Real hands": "real_hands.py",
    "Speed": "speed.py --install",
    "App": "app.py",
    "Training": "training.py --peers",
}


def main() -> None:
    data = sys.argv[1:]
    before = kept(PAGE.read_text()) if PAGE.exists() else {}
    page = INTRODUCTION
    for heading, script in SECTIONS.items():
        if heading == "Real hands" and not data:
            body = before.get(heading, "not measured yet\n")
        else:
            command = [
                sys.executable,
                *f"benchmarks/{script}".split(),
                *(data if heading == "Real hands" else []),
            ]
            body = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        shown = f"benchmarks/{script}" + (" FOLDER" if heading == "Real hands" else "")
        page += f"\n## {heading}\n\n    python {shown}\n\n{body.strip()}\n"
    PAGE.write_text(page)


def kept(page: str) -> dict[str, str]:
    """What stands below each heading's command."""
    parts = re.split(r"^## (.+)\n\n    .*\n\n", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


if __name__ == "__main__":
    main()
