"""Coverage-guided fuzzing of every decoder, with atheris (libFuzzer).

    python -m benchmarks fuzz TARGET --minutes 10 --seeds FOLDER
    python -m benchmarks fuzz  # each target for ten minutes, and a table

The corpus starts with the seeds in tests/robustness/seeds. Inputs that reach new code are stored in FOLDER
and used by the next run. The run stops at the first finding with exit status 77; the input is in
FOLDER-findings.
"""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import atheris

from benchmarks.common.reporting import ROOT, argument_parser, print_table

SEEDS = ROOT / "tests" / "robustness" / "seeds"

_PACKAGES = ("http", "datasets", "forms", "image", "preprocessing", "recognition")
_INSTRUMENTED = [*(f"inkwise.{package}" for package in _PACKAGES), "PIL", "yaml"]
_MEMORY_LIMIT_MB = 9000  # of the process; instrumented modules keep some memory for each input
_TIMEOUT_SECONDS = 60  # for one input
_MAX_INPUT_BYTES = 16384


def main(argv: list[str]) -> None:
    parser = argument_parser(__doc__)
    names = sorted(folder.name for folder in SEEDS.iterdir())
    parser.add_argument("target", nargs="?", choices=names, help="by default all, one after another")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seeds", type=Path, help="by default runs/fuzz/TARGET")
    given = parser.parse_args(argv)
    if given.target is None:
        fuzz_each(names, given.minutes)
        return
    # Imports in this block get coverage instrumentation.
    with atheris.instrument_imports(include=_INSTRUMENTED):
        from PIL import AvifImagePlugin, Image, TiffImagePlugin, WebPImagePlugin  # noqa: F401  # else later

        import inkwise.image.pdf  # noqa: F401
        from benchmarks.robustness.fuzz_targets import TARGETS, run_target

        Image.preinit()
    kept = given.seeds or Path("runs/fuzz") / given.target
    findings = kept.with_name(f"{kept.name}-findings")
    for folder in (kept, findings):
        folder.mkdir(parents=True, exist_ok=True)

    logging.disable()
    options = [
        f"-max_total_time={round(60 * given.minutes)}",
        f"-artifact_prefix={findings}/",
        f"-rss_limit_mb={_MEMORY_LIMIT_MB}",
        f"-timeout={_TIMEOUT_SECONDS}",
        f"-max_len={_MAX_INPUT_BYTES}",
        "-print_final_stats=1",
    ]
    target = TARGETS[given.target]
    atheris.Setup(
        [sys.argv[0], *options, str(kept), str(SEEDS / given.target)], lambda data: run_target(target, data)
    )
    atheris.Fuzz()


def fuzz_each(targets: list[str], minutes: float) -> None:
    """Fuzz each target in a process of its own and print the number of inputs; stop at a finding."""
    rows = []
    for target in targets:
        print(target, file=sys.stderr)
        command = [sys.executable, "-m", "benchmarks", "fuzz", target, "--minutes", str(minutes)]
        run = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace")
        done = re.search(r"Done (\d+) runs in (\d+) second", run.stderr)
        if run.returncode or done is None:
            print(run.stderr[-5000:], file=sys.stderr)
            sys.exit(run.returncode or 1)
        rows.append((target, f"{int(done[2]) / 60:.1f}", f"{int(done[1]):,}"))
    print_table(("target", "minutes", "inputs tried"), rows)
