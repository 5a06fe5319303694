"""Batches on a Ray cluster: every page is in the table once, whatever happens to the workers."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console
from shades import DEADLY, FailingStart, Shades, pdf

from inkwise._util.errors import InkwiseError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(r"ignore::DeprecationWarning:ray\..*"),  # of its own settings
]

KILLS_WORKER = 30  # shade that kills the worker of the cluster, once


@dataclass(frozen=True)
class WorkerKilling(Shades):
    """Kills the worker of the cluster, the parent of the reading process."""

    def open(self, threads=0):
        read = super().open(threads)

        def kill_and_read(page):
            once = Path(f"{self.log}.killed")
            if round(page.mean()) == KILLS_WORKER and not once.exists():
                once.touch()
                os.kill(os.getppid(), signal.SIGKILL)
                time.sleep(60)  # this process ends by itself when the worker is gone
            return read(page)

        return kill_and_read


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    return folder


@pytest.fixture
def out(tmp_path):
    return tmp_path / "table"


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def read(cluster, monkeypatch, out):
    """Read on the cluster in parts of four pages, silently."""
    from inkwise.batch import parquet_parts as parts
    from inkwise.batch import read_batch
    from inkwise.batch.ray_backend import RayBackend

    monkeypatch.setattr(parts, "PAGES_PER_PART", 4)

    def read(files, options, out=out):
        backend = RayBackend([str(file) for file in files], options, str(out))
        with Path(os.devnull).open("w") as nowhere:
            return read_batch(backend, Console(file=nowhere)).failed

    return read


def rows(out):
    """Return file, page and text of all rows, and the reasons."""
    from pyarrow import parquet

    table = parquet.read_table(out).to_pylist()
    return (
        sorted((Path(row["file"]).name, row["page"], row["text"]) for row in table),
        sorted(row["reason"] for row in table if row["reason"]),
    )


def pages(name, shades):
    return [(name, page, str(shade) if shade > DEADLY else "") for page, shade in enumerate(shades, 1)]


def test_every_page_is_read_once_and_a_rerun_reads_missing_parts_only(read, scans, out, log):
    pdf(scans / "a.pdf", range(100, 115))
    pdf(scans / "b.pdf", range(120, 122))
    for shade in range(130, 136):
        Image.new("L", (40, 60), shade).save(scans / f"c{shade}.png")
    assert read([scans, scans / "b.pdf"], Shades(log=str(log))) == 0
    assert rows(out) == (
        pages("a.pdf", range(100, 115))
        + pages("b.pdf", range(120, 122))
        + [(f"c{shade}.png", 1, str(shade)) for shade in range(130, 136)],
        [],
    )
    assert len(log.read_text().split()) == 15 + 2 + 6
    parts = sorted(path.name for path in out.glob("*.parquet"))
    assert parts == [f"first-{n:06}.parquet" for n in range(2)] + [
        f"further-{n:06}.parquet" for n in range(4)
    ]
    assert {path.name for path in out.iterdir()} == {*parts, "_inkwise.json", "_SUCCESS"}

    # After a kill, the same command reads the missing part and no file that was added later.
    before = rows(out)
    (out / "_SUCCESS").unlink()
    (out / "further-000001.parquet").unlink()
    log.unlink()
    pdf(scans / "later.pdf", [120])
    assert read([scans, scans / "b.pdf"], Shades(log=str(log))) == 0
    assert log.read_text().split() == ["105", "106", "107", "108"]
    assert rows(out) == before
    assert (out / "_SUCCESS").exists()


def test_killed_worker_loses_and_repeats_no_page(read, scans, out, log):
    shades = [*range(100, 110), KILLS_WORKER, *range(110, 116)]
    pdf(scans / "a.pdf", shades)
    assert read([scans], WorkerKilling(log=str(log))) == 0
    assert Path(f"{log}.killed").exists()
    assert rows(out) == (pages("a.pdf", shades), [])


def test_unreadable_pages_get_a_row_with_the_reason(read, scans, out):
    pdf(scans / "a.pdf", [100, DEADLY, 101])
    (scans / "b.pdf").write_bytes(b"%PDF-1.7 and no more")
    url = f"file://{scans}"
    assert read([url, scans / "none.png"], Shades()) == 3
    assert rows(out) == (
        [*pages("a.pdf", [100, DEADLY, 101]), ("b.pdf", 1, ""), ("none.png", 1, "")],
        [
            f"{scans}/none.png: cannot be opened (No such file or directory)",
            f"{url}/a.pdf, page 2: the process that read it was killed or crashed (exit code -9);"
            " was there memory enough?",
            f"{url}/b.pdf: the PDF is damaged, cut off or empty",
        ],
    )


def test_workers_that_cannot_start_end_the_run(read, scans):
    pdf(scans / "a.pdf", [100])
    with pytest.raises(InkwiseError, match=r"a process ended before it could read \(exit code 7\)"):
        read([scans], FailingStart())


def test_missing_cluster_and_standard_input_are_rejected(installed, scans, out, monkeypatch):
    from inkwise.batch.ray_backend import RayBackend

    pdf(scans / "a.pdf", [100])
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with pytest.raises(InkwiseError, match=r"^localhost:1: no Ray cluster answers \(.*refused\)$"):
        next(RayBackend([str(scans)], Shades(), str(out), "localhost:1").rows())
    with pytest.raises(InkwiseError, match="- cannot be read with --on ray"):
        RayBackend(["-"], Shades(), str(out))
