"""Reading speed: glyphs a second on one thread, the cold start of the command, the size of an installation.

    python benchmarks/speed.py [--install]

--install makes a fresh virtual environment with the base install, measures its size and takes the cold start
there.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import numpy as np
from common import machine, print_table

from inkwise import Recognizer
from inkwise.recognition import Model

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "seven.jpg"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--install", action="store_true")
    arguments = parser.parse_args()
    print(f"{machine()}; median of the runs, smallest and largest in brackets.\n")
    rows = [("`classify`, one thread", spread(throughput(Model.bundled(threads=1)), "{:,.0f} glyphs/s"))]
    rows.append(("`read_digit`, one picture, one thread", spread(latency(), "{:.2f} ms")))
    if arguments.install:
        with tempfile.TemporaryDirectory() as folder:
            size = install(Path(folder))
            rows.append(("fresh virtual environment, base install", f"{size:.0f} MB"))
            rows.append(("`inkwise read one.png`, cold, there", spread(cold(Path(folder)), "{:.2f} s")))
    else:
        rows.append(("`inkwise read one.png`, cold", spread(cold(Path(sys.prefix)), "{:.2f} s")))
    print_table(("what", "measured"), rows)


def spread(values: list[float], form: str) -> str:
    low, middle, high = (form.format(v) for v in (min(values), statistics.median(values), max(values)))
    return f"{middle} ({low} to {high})"


def throughput(model: Model, glyphs: int = 4096, runs: int = 9) -> list[float]:
    batch = np.random.default_rng(0).integers(0, 256, (glyphs, 28, 28), np.uint8)
    model.run(batch[:256])
    return [glyphs / seconds(lambda: model.run(batch)) for _ in range(runs)]


def latency(runs: int = 200) -> list[float]:
    recognizer = Recognizer(threads=1)
    recognizer.read_digit(PICTURE)
    return [1000 * seconds(lambda: recognizer.read_digit(PICTURE)) for _ in range(runs)]


def cold(prefix: Path, runs: int = 9) -> list[float]:
    """Wall-clock seconds of the whole command, a new process each time."""
    command = [str(prefix / "bin" / "inkwise"), "read", str(PICTURE)]
    return [seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(runs)]


def install(folder: Path) -> float:
    """Make a virtual environment with the base install; its size, MB (10^6 bytes)."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, str(ROOT)], check=True, stderr=subprocess.DEVNULL)
    return (
        sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        / 1e6
    )


def seconds(work: object) -> float:
    began = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
