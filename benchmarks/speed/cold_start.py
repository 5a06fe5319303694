"""Cold start, memory and size of an installation; parts of `comparison`."""

from __future__ import annotations

import subprocess
import sys
import venv
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.common.reporting import ROOT

# On Linux the peak memory of a process includes that of its parent, which therefore must be small.
STARTER = """
import os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
print(time.perf_counter() - began, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
sys.exit(status != 0)
"""


def start(command: list[str]) -> tuple[float, int]:
    """Run a command in a new process; return its seconds and its peak memory in bytes."""
    starter = [sys.executable, "-S", "-c", STARTER, *command]
    out = subprocess.run(starter, check=True, stdout=subprocess.PIPE, text=True).stdout
    seconds, memory = out.split()
    return float(seconds), int(memory)


def install(folder: Path) -> tuple[int, int]:
    """Install Inkwise into a new virtual environment; return its bytes in all and without pip."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, str(ROOT)], check=True, stderr=subprocess.DEVNULL)
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    (packages,) = folder.glob("lib/python*/site-packages")
    installed = [one for one in distributions(path=[str(packages)]) if one.name not in ("pip", "setuptools")]
    return sum(path.stat().st_size for path in files), sum(map(size, installed))


def with_dependencies(name: str) -> int:
    """Return the bytes of a package and its dependencies, without extras."""
    todo, found = [name], dict[str, Distribution]()
    while todo:
        if (key := canonicalize_name(todo.pop())) in found:
            continue
        found[key] = distribution(key)
        needed = map(Requirement, found[key].requires or ())
        todo += [one.name for one in needed if not one.marker or one.marker.evaluate({"extra": ""})]
    return sum(map(size, found.values()))


def size(installed: Distribution) -> int:
    """Return the bytes of the files of a package."""
    paths = (Path(str(file.locate())) for file in installed.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file())
