"""Runs the command line many times, each in a process forked from this one after all imports.

Standard input is a JSON array of cases; standard output is a JSON array of their results.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
from pathlib import Path

GUARD = 60
"""Seconds after which a process counts as hanging."""


def run_all(cases):
    """Run each case in a process, as many in parallel as there are cores."""
    results = [None] * len(cases)
    running = {}
    left = iter(range(len(cases)))
    more = True
    while more or running:
        while more and len(running) < (os.cpu_count() or 1):
            number = next(left, None)
            more = number is not None
            if more:
                scratch = tempfile.mkdtemp()
                running[fork(cases[number], Path(scratch))] = number, Path(scratch), time.monotonic()
        for pid, (number, scratch, began) in [*running.items()]:
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            seconds = time.monotonic() - began
            if not ended and seconds < GUARD:
                continue
            if not ended:
                os.killpg(pid, signal.SIGKILL)
                _, status, usage = os.wait4(pid, 0)
            before = (scratch / "before").read_text()
            results[number] = {
                "code": os.waitstatus_to_exitcode(status) if ended else "hangs",
                "out": (scratch / "out").read_text(errors="replace"),
                "err": (scratch / "err").read_text(errors="replace"),
                "seconds": round(seconds, 2),
                "megabytes": (usage.ru_maxrss - int(before)) // 1024,
            }
            Path(scratch).chmod(0o700)
            shutil.rmtree(scratch, ignore_errors=True)
            del running[pid]
        time.sleep(0.005)
    return results


def fork(case, scratch):
    """Start a process that runs a case in a copy of its folder; return its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setpgid(0, 0)
        (scratch / "before").write_text(str(resident()))
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(scratch / name, os.O_WRONLY | os.O_CREAT), number)
        work = scratch / "work"
        shutil.copytree(case["folder"], work)
        os.chdir(work)
        os.environ.update({"HOME": str(scratch), "INKWISE_DATA": str(scratch), "XDG_DATA_HOME": str(scratch)})
        obey_permissions()
        sys.argv = ["inkwise", *case["arguments"]]
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 71)


def resident():
    """Memory of this process in kilobytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def obey_permissions():
    """Drop root's capability to read and write any file."""
    if os.geteuid() == 0:
        header, none = struct.pack("Ii", 0x20080522, 0), bytes(24)
        if ctypes.CDLL(None, use_errno=True).capset(header, none):
            raise OSError(ctypes.get_errno(), "capset")


if __name__ == "__main__":
    import torch

    import inkwise.app
    import inkwise.batch
    import inkwise.corrections
    import inkwise.evaluation
    import inkwise.forms
    import inkwise.reproduction.experiments
    import inkwise.review
    import inkwise.service
    import inkwise.training.onnx_ensemble
    import inkwise.tuning  # noqa: F401
    from inkwise.cli import main

    torch.use_deterministic_algorithms(False)  # imports many modules lazily
    gc.freeze()
    json.dump(run_all(json.load(sys.stdin)), sys.stdout)
