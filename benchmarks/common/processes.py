"""Servers in processes of their own, and the memory of processes (Linux)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

INKWISE = Path(sys.executable).with_name("inkwise")
"""The installed command."""


@contextmanager
def running_server(
    *words: str, log: Path | None = None, max_files: int | None = None
) -> Iterator[tuple[int, int]]:
    """Run `inkwise WORDS --port 0` and yield its process id and port once it listens.

    Args:
        words: subcommand and options.
        log: file for stderr, which is discarded by default.
        max_files: limit of open files.
    """
    limit = [] if max_files is None else ["prlimit", f"--nofile={max_files}"]
    command = [*limit, str(INKWISE), *words, "--port", "0"]
    with (
        (Path("/dev/null") if log is None else log).open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout
            line = process.stdout.readline()  # Inkwise is at http://127.0.0.1:PORT/
            if not line:
                raise RuntimeError(f"inkwise {words[0]} ended: {log.read_text() if log else 'no log'}")
            address = line.split()[3]
            yield process.pid, int(address.split(":")[2].partition("/")[0])
        finally:
            process.terminate()


def peak_memory(pid: int) -> int:
    """Return the maximum resident size of a process so far in bytes; 0 if it has ended."""
    return _status_bytes(pid, "VmHWM:")


def resident_memory(pid: int) -> int:
    """Return the resident size of a process and its descendants in bytes."""
    return _status_bytes(pid, "VmRSS:") + sum(map(resident_memory, child_processes(pid)))


def child_processes(pid: int) -> list[int]:
    """Return the process ids of the children of all threads."""
    with suppress(OSError):  # the process has ended
        return [
            int(child)
            for children in Path(f"/proc/{pid}/task").glob("*/children")
            for child in children.read_text().split()
        ]
    return []


def _status_bytes(pid: int, key: str) -> int:
    with suppress(OSError):
        _, found, rest = Path(f"/proc/{pid}/status").read_text().partition(key)
        return 1024 * int(rest.split()[0]) if found else 0
    return 0
