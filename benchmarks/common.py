"""What every benchmark says beside its figures: the machine, the versions, the interval."""

from __future__ import annotations

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


def print_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a Markdown table."""
    head = list(head)
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
