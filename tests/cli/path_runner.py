"""Runs many command lines in few processes, forked off this one, which has imported everything.

Reads a JSON array of cases from standard input: {"arguments": [..], "folder": a folder to copy and work in}.
Writes a JSON array of results: {"code": exit status, "err": standard error, "megabytes": added peak memory}.
"""

from __future__ import annotations

import ctypes
import gc
import io
import json
import os
import re
import shutil
import signal
import struct
import sys
import tempfile
import traceback
from contextlib import redirect_stdout, suppress
from pathlib import Path

GUARD = 300
"""Seconds after which the kernel ends a case that hangs, with SIGALRM."""

CHUNK = 110
"""Cases that one process runs; each process imports anew what a command imports late."""


def run_all(cases):
    """Run all cases, with one process per core."""
    results = [None] * len(cases)
    chunks = [[*range(len(cases))[start : start + CHUNK]] for start in range(0, len(cases), CHUNK)]
    running = {}
    while chunks or running:
        while chunks and len(running) < (os.cpu_count() or 1):
            numbers, scratch = chunks.pop(), Path(tempfile.mkdtemp())
            running[fork([cases[number] for number in numbers], scratch)] = numbers, scratch
        pid, status = os.wait()
        numbers, scratch = running.pop(pid)
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # processes that a case has left
        done = [json.loads(line) for line in (scratch / "results").read_text().splitlines()]
        if len(done) < len(numbers):  # the process ended in the middle of a case; another one runs the rest
            done.append({"code": os.waitstatus_to_exitcode(status), "err": "", "megabytes": 0})
            chunks += [numbers[len(done) :]] if numbers[len(done) :] else []
        for number, result in zip(numbers, done, strict=False):
            results[number] = result
        shutil.rmtree(scratch, ignore_errors=True)
    return results


def fork(cases, scratch):
    """Start a process that runs cases and writes a line for each to `results` in its scratch folder."""
    (scratch / "results").touch()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setpgid(0, 0)
        os.environ.update({"HOME": str(scratch), "INKWISE_DATA": str(scratch), "XDG_DATA_HOME": str(scratch)})
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        drop_capabilities()
        with (scratch / "results").open("a") as results:
            for number, case in enumerate(cases):
                print(json.dumps(run(case, scratch / str(number))), file=results, flush=True)
    finally:
        os._exit(0)


def run(case, scratch):
    """Run a case in a copy of its folder."""
    shutil.copytree(case["folder"], scratch / "work")
    os.chdir(scratch / "work")
    os.dup2(os.open(scratch / "err", os.O_WRONLY | os.O_CREAT), 2)
    with suppress(OSError):  # resets the peak, VmHWM; else it includes that of earlier cases
        Path("/proc/self/clear_refs").write_text("5")
    before = kilobytes("VmRSS")
    signal.alarm(GUARD)
    sys.argv = ["inkwise", *case["arguments"]]
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
        code = 70
    signal.alarm(0)
    sys.stdout.flush()
    sys.stderr.flush()
    megabytes = (kilobytes("VmHWM") - before) // 1024
    return {"code": code, "err": (scratch / "err").read_text(errors="replace"), "megabytes": megabytes}


def kilobytes(name):
    """The memory of this process, by a name of /proc/self/status."""
    return int(re.search(rf"{name}:\s*(\d+)", Path("/proc/self/status").read_text())[1])


def drop_capabilities():
    """Give up root's right to read and write any file."""
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
    import inkwise.reproduction
    import inkwise.review
    import inkwise.service
    import inkwise.training.onnx_ensemble
    import inkwise.tuning  # noqa: F401
    from inkwise.cli import main

    torch.use_deterministic_algorithms(False)  # imports many modules lazily, like the first command
    sys.argv = ["inkwise", "--version"]
    with suppress(SystemExit), redirect_stdout(io.StringIO()):
        main()
    gc.freeze()
    json.dump(run_all(json.load(sys.stdin)), sys.stdout)
