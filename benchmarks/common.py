"""What every benchmark says beside its figures: the machine, the versions, the interval."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path


def machine() -> str:
    """Processor, cores and versions, one line."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.partition(":")[2].strip()
            for line in cpuinfo.read_text().splitlines()
            if "model name" in line
        ]
        name = names[0] if names else name
    packages = ", ".join(f"{p} {version(p)}" for p in ("inkwise", "torch", "onnxruntime", "numpy"))
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}"


def wilson(misses: int, n: int) -> tuple[float, float]:
    """95 % interval of the accuracy (E. B. Wilson, JASA 22, 1927)."""
    z, p = 1.96, 1 - misses / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def print_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a Markdown table."""
    head = list(head)
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
