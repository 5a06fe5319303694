"""A stack on a cluster: every page once, whatever happens to those who read it."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console
from shades import DEADLY, Shades, Stillborn, pdf

from inkwise._util.errors import InkwiseError

pytestmark = pytest.mark.filterwarnings(r"ignore::DeprecationWarning:ray\..*")  # of its own settings

FELLING = 30  # a page of this shade kills the worker that has it read, once


@dataclass(frozen=True)
class Felling(Shades):
    """Kills the worker of the cluster, which is what began the process that reads."""

    def open(self, threads=0):
        read = super().open(threads)

        def kill_and_read(page):
            once = Path(f"{self.log}.felled")
            if round(page.mean()) == FELLING and not once.exists():
                once.touch()
                os.kill(os.getppid(), signal.SIGKILL)
                time.sleep(60)  # this process ends by itself, when it hears from no worker
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
    from inkwise.batch.ray_backend import read_on_ray

    monkeypatch.setattr(parts, "PAGES_PER_PART", 4)

    def read(files, reader, out=out):
        with Path(os.devnull).open("w") as nowhere:
            return read_on_ray([str(file) for file in files], reader, str(out), None, Console(file=nowhere))

    return read


def rows(out):
    """File, page and text of all rows, and the reasons."""
    from pyarrow import parquet

    table = parquet.read_table(out).to_pylist()
    return (
        sorted((Path(row["file"]).name, row["page"], row["text"]) for row in table),
        sorted(row["reason"] for row in table if row["reason"]),
    )


def pages(name, shades):
    return [(name, page, str(shade) if shade > DEADLY else "") for page, shade in enumerate(shades, 1)]


def test_every_page_is_there_once_and_read_once(read, scans, out, log):
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

    # As after a kill: the same command reads what is missing, and nothing that came later.
    before = rows(out)
    (out / "_SUCCESS").unlink()
    (out / "further-000001.parquet").unlink()
    log.unlink()
    pdf(scans / "later.pdf", [120])
    assert read([scans, scans / "b.pdf"], Shades(log=str(log))) == 0
    assert log.read_text().split() == ["105", "106", "107", "108"]
    assert rows(out) == before
    assert (out / "_SUCCESS").exists()


def test_a_worker_that_is_killed_costs_no_page_and_doubles_none(read, scans, out, log):
    shades = [*range(100, 110), FELLING, *range(110, 116)]
    pdf(scans / "a.pdf", shades)
    assert read([scans], Felling(log=str(log))) == 0
    assert Path(f"{log}.felled").exists()
    assert rows(out) == (pages("a.pdf", shades), [])


def test_what_cannot_be_read_costs_its_row_and_no_other(read, scans, out):
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


def test_workers_that_cannot_begin_end_the_run(read, scans):
    pdf(scans / "a.pdf", [100])
    with pytest.raises(InkwiseError, match=r"a process ended before it could read \(exit code 7\)"):
        read([scans], Stillborn())


def test_where_no_cluster_is_it_says_so(installed, scans, out, monkeypatch):
    from inkwise.batch.ray_backend import read_on_ray

    pdf(scans / "a.pdf", [100])
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with pytest.raises(InkwiseError, match=r"^localhost:1: no Ray cluster answers \(.*refused\)$"):
        read_on_ray([str(scans)], Shades(), str(out), "localhost:1", Console(quiet=True))
    with pytest.raises(InkwiseError, match="- cannot be read with --on ray"):
        read_on_ray(["-"], Shades(), str(out), None, Console(quiet=True))
