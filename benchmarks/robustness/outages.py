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

_DISK_SPACE = 40_000  # bytes that a file may have: the tables of an empty database need more
_CLOCK_STEP = timedelta(days=400)
_TEACHING_SECONDS = 0.5  # seconds
_RESTARTS = 5
_COMMANDS: dict[str, Callable[[Path], KillWorkload]] = {
    "reading": BatchReadingWorkload,
    "training": TrainingWorkload,
    "downloading": DownloadWorkload,
}


def disk_full(folder: Path) -> FaultTally:
    """No file can grow beyond some bytes."""
    return _outage("disk full", folder, limit_file_size, refused=True)


def read_only(folder: Path) -> FaultTally:
    """Nothing in the folder can be written."""
    return _outage("read-only folder", folder, drop_capabilities, refused=True)


def clock_back(folder: Path) -> FaultTally:
    """The clock goes back by more than a year in the middle of the work."""
    return _outage("clock going back", folder, set_clock_back, refused=False)


def _outage(name: str, folder: Path, handicap: Callable[[], None], *, refused: bool) -> FaultTally:
    """Begin, go on with a handicap, go on without; commands and the app."""
    toll = FaultTally(name)
    for kind, make in _COMMANDS.items():
        (folder / kind).mkdir()
        victim = make(folder / kind)
        run = victim.start()
        run.wait(0.3 if refused else victim.max_seconds / 2)
        run.kill()
        with with_fault(handicap, folder / kind):
            run = victim.start()
            run.wait()
        told = run.failed_cleanly() if refused else not run.failure_reason()
        if not told:
            toll.problems.append(f"{kind}: {run.failure_reason() or 'it did not complain'}")
        _count(toll, victim, told)
    (folder / "app").mkdir()
    app = AppWorkload(folder / "app")
    _run_app_until(app, until=lambda: app.acknowledged > 2)
    with with_fault(handicap, folder / "app"):
        before = app.acknowledged
        _run_app_until(app, until=lambda: app.refused > 0 if refused else app.acknowledged > before)
    _count(toll, app, bool(app.refused) == refused)
    return toll


def _count(toll: FaultTally, victim: KillWorkload, told: bool) -> None:
    """Whether it comes to its end now, and nothing is missing."""
    run = victim.start()
    run.wait(TIMEOUT if victim.ends else _TEACHING_SECONDS)
    run.kill()
    lost, complaint = victim.count_missing(), run.failure_reason()
    toll.tried += 1
    toll.survived += told and not lost and not complaint
    toll.lost += lost
    toll.problems += [complaint] if complaint else []


def _run_app_until(app: AppWorkload, until: Callable[[], bool]) -> None:
    """Run it until something holds."""
    run = app.start()
    end = time.monotonic() + TIMEOUT
    while not until() and time.monotonic() < end:
        time.sleep(0.05)
    run.kill()


@contextmanager
def with_fault(handicap: Callable[[], None], folder: Path) -> Iterator[None]:
    """Processes that are started now begin with it; where they are barred, the folder cannot be written."""
    places = [folder, *folder.rglob("*")] if handicap is drop_capabilities else []
    modes = {path: path.stat().st_mode for path in places}
    for path, mode in modes.items():
        path.chmod(mode & 0o7555)
    ForkedProcess.fault = staticmethod(handicap)
    try:
        yield
    finally:
        ForkedProcess.fault = staticmethod(no_fault)
        for path, mode in modes.items():
            path.chmod(mode)


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (_DISK_SPACE, _DISK_SPACE))


def drop_capabilities() -> None:
    """Root, too, may write only what its mode allows: it gives up all capabilities."""
    if os.geteuid() == 0:
        version, nothing_ = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        if ctypes.CDLL(None, use_errno=True).capset(version, nothing_):
            raise OSError(ctypes.get_errno(), "capset")


def set_clock_back() -> None:
    """For all of Inkwise it is last year."""

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
    """PostgreSQL is restarted while people teach, without asking it to finish; None where it is not there."""
    toll = FaultTally("database restarted under load")
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
            toll.tried += 1
            toll.survived += app.acknowledged >= before + 5
        run.kill()
        toll.lost = app.count_missing()
    return toll


@contextmanager
def _postgresql() -> Iterator[tuple[str, Callable[[], None]] | None]:
    """A server of our own: its URL, and what restarts it at once."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="inkwise-siege-"))
    as_user = []
    if os.geteuid() == 0:  # it will not run as root
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]

    def call(program: str, *arguments: object) -> None:
        told = [*as_user, programs[-1] / program, "-D", folder / "data", *arguments]
        subprocess.run([*map(str, told)], check=True, cwd="/", stdout=subprocess.DEVNULL)

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
