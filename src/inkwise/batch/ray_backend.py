"""A stack on a Ray cluster from start to end."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import ray
import ray.data
import ray.exceptions
from rich.console import Console

from inkwise._util.errors import InkwiseError
from inkwise.batch import BatchDisplay, BatchOptions, PageRow
from inkwise.batch.page_rows import STANDARD_INPUT
from inkwise.batch.parquet_parts import PageRange, ParquetFolder, PartSummary, first_pages, further_pages
from inkwise.batch.ray_worker import RayWorker
from inkwise.batch.remote_files import absolute_path


def read_on_ray(
    inputs: Sequence[str], options: BatchOptions, out: str, address: str | None, console: Console
) -> int:
    """Read all pages of files and folders on a cluster, into a folder of Parquet parts.

    The parts are planned from the files that are found; each is written whole by the worker that read it,
    under a name that follows from the plan. Called again after a kill it reads the parts that are missing.

    Args:
        inputs: files and folders, here or behind URLs; the workers must find them under the same paths.
        options: how pages are read; models and forms, too, lie under the same paths for the workers.
        out: the folder, a path or a URL.
        address: of the cluster; None for $RAY_ADDRESS, else one is started on this machine.
        console: where progress and failures are shown.

    Returns:
        How many pages could not be read; their rows say why.

    Raises:
        InkwiseError: the folder cannot be written, the model cannot be used, an input is not there, no
            cluster answers, its workers cannot begin, or Ctrl-C.
    """
    if STANDARD_INPUT in inputs:
        raise InkwiseError("- cannot be read with --on ray: name files, folders or URLs")
    inputs = [absolute_path(where) for where in inputs]
    named = hashlib.sha256(json.dumps(inputs).encode()).hexdigest()
    folder = ParquetFolder(absolute_path(out))
    files = folder.begin({**options.settings(), "input": named}, inputs)
    bad = done = 0

    def note(summary: PartSummary) -> None:
        nonlocal bad, done
        done += summary.rows
        bad += len(summary.failed)
        for reason in summary.failed:
            view.row(PageRow({"reason": reason}, failed=True))
        for _ in range(summary.rows - len(summary.failed)):
            view.row(PageRow({}, failed=False))

    try:
        with _connect(address), BatchDisplay(console, len(files)) as view:
            work = partial(_read_parts, (options, inputs, absolute_path(out)))
            counts: dict[int, list[int]] = {}
            for number, summary in work("first", list(first_pages(files))):
                counts[number] = summary.pages
                for pages in summary.pages:
                    view.file(pages)
                note(summary)
            lasts = [pages for number in sorted(counts) for pages in counts[number]]
            for _, summary in work("further", list(further_pages(files, lasts))):
                note(summary)
            folder.end()
    except KeyboardInterrupt:
        raise InkwiseError(f"stopped; pages read: {done:,}; the same command goes on") from None
    return bad


def _read_parts(
    arguments: tuple[BatchOptions, Sequence[str], str], kind: str, parts: list[list[PageRange]]
) -> Iterator[tuple[int, PartSummary]]:
    """Have parts read by the cluster; the number and the summary of each, as they are done.

    A part is a block of Ray Data, and so what is done again where a worker is killed.

    Raises:
        InkwiseError: a worker cannot begin, or cannot write.
    """
    if not parts:
        return
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    workers = min(len(parts), max(1, int(ray.cluster_resources().get("CPU", 1))))
    pool = ray.data.ActorPoolStrategy(min_size=1, max_size=workers, initial_size=workers)
    items = [
        {"number": number, "part": f"{kind}-{number:06}", "pages": json.dumps(pages)}
        for number, pages in enumerate(parts)
    ]
    table = ray.data.from_items(items, override_num_blocks=len(items))
    done = table.map_batches(RayWorker, fn_constructor_args=arguments, batch_size=1, compute=pool, num_cpus=1)
    try:
        for row in done.iter_rows():
            if row["error"]:
                raise InkwiseError(row["error"])
            yield row["number"], PartSummary(*json.loads(row["summary"]))
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[-1]
        raise InkwiseError(f"the cluster gave up ({type(error).__name__}: {reason})") from None


@contextmanager
def _connect(address: str | None) -> Iterator[None]:
    """Connect to a cluster, or start one on this machine; one that this process is connected to stays.

    Raises:
        InkwiseError: none answers.
    """
    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report what is run to its makers
    try:
        _check_reachable(address)
        ray.init(address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError, OverflowError, ray.exceptions.RayError) as error:
        reason = " ".join(str(error).split())
        raise InkwiseError(f"{address or 'this machine'}: no Ray cluster answers ({reason})") from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str | None) -> None:
    """Ask at HOST:PORT whether anybody answers: Ray itself would ask for minutes.

    Raises:
        OSError, OverflowError: nobody does, or there is no such port.
    """
    host, _, port = (address or "").rpartition(":")
    if port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=10).close()
