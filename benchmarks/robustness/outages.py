"""Full disk, read-only folder, clock change and database restart: one-line errors and no loss."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

from benchmarks.robustness.command_workloads import BatchReadingWorkload, DownloadWorkload, TrainingWorkload
from benchmarks.robustness.forked_process import TIMEOUT, ForkedProcess, no_fault
from benchmarks.robustness.kill_tests import FaultTally
from benchmarks.robustness.kill_workloads import KillWorkload
from benchmarks.robustness.server_workloads import AppWorkload

_MAX_FILE_SIZE = 40_000  # bytes; the tables of an empty database need more
_CLOCK_STEP = timedelta(days=400)
_APP_SECONDS = 0.5  # seconds that an app runs after the fault, as it does not end by itself
_RESTARTS = 5
_COMMANDS: dict[str, Callable[[Path], KillWorkload]] = {
    "reading": BatchReadingWorkload,
    "training": TrainingWorkload,
    "downloading": DownloadWorkload,
}


def disk_full(folder: Path) -> FaultTally:
    """Limit the size of files, as a full disk does."""
    return _outage("disk full", folder, limit_file_size, refused=True)


def read_only(folder: Path) -> FaultTally:
    """Make the folder read-only."""
    return _outage("read-only folder", folder, drop_capabilities, refused=True)


def clock_back(folder: Path) -> FaultTally:
    """Set the clock back by more than a year between two runs."""
    return _outage("clock going back", folder, set_clock_back, refused=False)


def _outage(name: str, folder: Path, fault: Callable[[], None], *, refused: bool) -> FaultTally:
    """Start commands and the app, resume them with a fault, and resume them without it."""
    tally = FaultTally(name)
    for kind, make in _COMMANDS.items():
        (folder / kind).mkdir()
        workload = make(folder / kind)
        run = workload.start()
        run.wait(0.3 if refused else workload.max_seconds / 2)
        run.kill()
        with with_fault(fault, folder / kind):
            run = workload.start()
            run.wait()
        clean = run.failed_cleanly() if refused else not run.failure_reason()
        if not clean:
            tally.problems.append(f"{kind}: {run.failure_reason() or 'no error was reported'}")
        _count(tally, workload, clean)
    (folder / "app").mkdir()
    app = AppWorkload(folder / "app")
    _run_app_until(app, until=lambda: app.acknowledged > 2)
    with with_fault(fault, folder / "app"):
        before = app.acknowledged
        _run_app_until(app, until=lambda: app.refused > 0 if refused else app.acknowledged > before)
    _count(tally, app, bool(app.refused) == refused)
    return tally


def _count(tally: FaultTally, workload: KillWorkload, clean: bool) -> None:
    """Finish the work without the fault and count what is missing."""
    run = workload.start()
    run.wait(TIMEOUT if workload.ends else _APP_SECONDS)
    run.kill()
    lost, problem = workload.count_missing(), run.failure_reason()
    tally.tried += 1
    tally.survived += clean and not lost and not problem
    tally.lost += lost
    tally.problems += [problem] if problem else []


def _run_app_until(app: AppWorkload, until: Callable[[], bool]) -> None:
    """Run the app until a condition holds."""
    run = app.start()
    end = time.monotonic() + TIMEOUT
    while not until() and time.monotonic() < end:
        time.sleep(0.05)
    run.kill()


@contextmanager
def with_fault(fault: Callable[[], None], folder: Path) -> Iterator[None]:
    """Inject a fault into new processes; make the folder read-only for `drop_capabilities`."""
    places = [folder, *folder.rglob("*")] if fault is drop_capabilities else []
    modes = {path: path.stat().st_mode for path in places}
    for path, mode in modes.items():
        path.chmod(mode & 0o7555)
    ForkedProcess.fault = staticmethod(fault)
    try:
        yield
    finally:
        ForkedProcess.fault = staticmethod(no_fault)
        for path, mode in modes.items():
            path.chmod(mode)


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_FILE_SIZE, _MAX_FILE_SIZE))


def drop_capabilities() -> None:
    """Drop all capabilities, so that file modes apply to root as well."""
    if os.geteuid() == 0:
        version, nothing_ = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        if ctypes.CDLL(None, use_errno=True).capset(version, nothing_):
            raise OSError(ctypes.get_errno(), "capset")


def set_clock_back() -> None:
    """Replace the clock of Inkwise's modules with one that is 400 days behind."""

    class ShiftedDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) - _CLOCK_STEP

    now = time.time
    time.time = lambda: now() - _CLOCK_STEP.total_seconds()
    for name, module in [*sys.modules.items()]:
        if (
            name.startswith(("inkwise.corrections", "inkwise.training"))
            and getattr(module, "datetime", None) is datetime
        ):
            module.datetime = ShiftedDatetime  # type: ignore[attr-defined]


def database_restarted(folder: Path) -> FaultTally | None:
    """Restart PostgreSQL immediately while the app is in use; None without PostgreSQL."""
    tally = FaultTally("database restarted under load")
    with _postgresql() as server:
        if server is None:
            return None
        url, restart = server
        app = AppWorkload(folder, url)
        run = app.start()
        for _ in range(_RESTARTS):
            restart()
            before, until = app.acknowledged, time.monotonic() + TIMEOUT
            while app.acknowledged < before + 5 and time.monotonic() < until:
                time.sleep(0.05)
            tally.tried += 1
            tally.survived += app.acknowledged >= before + 5
        run.kill()
        tally.lost = app.count_missing()
    return tally


@contextmanager
def _postgresql() -> Iterator[tuple[str, Callable[[], None]] | None]:
    """Start a PostgreSQL server; yield its URL and a function that restarts it, or None."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="inkwise-postgresql-"))
    as_user = []
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]

    def call(program: str, *arguments: object) -> None:
        words = [*as_user, programs[-1] / program, "-D", folder / "data", *arguments]
        subprocess.run([*map(str, words)], check=True, cwd="/", stdout=subprocess.DEVNULL)

    call("initdb", "-U", "inkwise", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
    options = f"-k {folder} -c listen_addresses="
    call("pg_ctl", "start", "-s", "-w", "-l", folder / "log", "-o", options)
    try:
        yield (
            f"postgresql://inkwise@/postgres?host={folder}",
            lambda: call("pg_ctl", "restart", "-s", "-w", "-m", "immediate", "-l", folder / "log"),
        )
    finally:
        call("pg_ctl", "stop", "-s", "-m", "immediate")
        shutil.rmtree(folder)


OUTAGES: dict[str, Callable[[Path], FaultTally | None]] = {
    "disk-full": disk_full,
    "read-only": read_only,
    "clock-back": clock_back,
    "database-restarted": database_restarted,
}
