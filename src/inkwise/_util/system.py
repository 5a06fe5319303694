"""The machine: what stands beside every figure, its cores, and settings of the whole process."""

from __future__ import annotations

import os
import platform
import warnings
from importlib.metadata import version
from pathlib import Path


def describe_machine() -> str:
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
    return f"{name}, {cpu_count()} cores, Python {platform.python_version()}, {packages}"


def cpu_count() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def use_one_thread() -> None:
    """Have OpenCV, and numpy's matrix products, compute on the thread that asks, in all of this process.

    For processes that share the cores among them: threads of OpenBLAS keep a core busy from one product to
    the next.
    """
    import cv2
    from threadpoolctl import threadpool_limits

    cv2.setNumThreads(1)
    threadpool_limits(1, "blas")


def ignore_pillow_warnings() -> None:
    """Hide Pillow's warnings about damage that it repairs, in all of this process.

    For processes that Inkwise starts; a program that imports Inkwise sets its own filters.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
