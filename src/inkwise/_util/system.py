"""The machine: its description for benchmarks, its cores, and settings of the whole process."""

from __future__ import annotations

import os
import platform
import re
import warnings
from importlib.metadata import version
from pathlib import Path


def describe_machine() -> str:
    """Return processor, cores and versions in one line."""
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.*)$", cpuinfo.read_text(), re.M) if cpuinfo.exists() else None
    name = found[1] if found else platform.processor() or platform.machine()
    packages = ", ".join(f"{p} {version(p)}" for p in ("inkwise", "torch", "onnxruntime", "numpy"))
    return f"{name}, {cpu_count()} cores, Python {platform.python_version()}, {packages}"


def cpu_count() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def use_one_thread() -> None:
    """Limit OpenCV and numpy's matrix products to the calling thread, in the whole process.

    For processes that share the cores: threads of OpenBLAS keep a core busy between two products.
    """
    import cv2
    from threadpoolctl import threadpool_limits

    cv2.setNumThreads(1)
    threadpool_limits(1, "blas")


def ignore_pillow_warnings() -> None:
    """Hide Pillow's warnings about damage that it repairs, in the whole process.

    For processes that Inkwise starts; a program that imports Inkwise sets its own filters.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
