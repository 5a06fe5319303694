"""Inputs and tables behind URLs, and the plan of a table, without a cluster."""

import json
import multiprocessing
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import fsspec
import pytest
from PIL import Image
from shades import Shades, pdf

from inkwise._util.errors import DataError

pytestmark = pytest.mark.usefixtures("installed")


@pytest.fixture
def bucket(tmp_path):
    """A folder behind a URL, with a PDF of two pages, a picture and a note."""
    memory = fsspec.filesystem("memory")
    pdf(tmp_path / "a.pdf", [100, 101])
    Image.new("L", (40, 60), 110).save(tmp_path / "b.png")
    for name, path in (("a.pdf", "deep/a.pdf"), ("b.png", "b.png"), ("b.png", "notes.txt")):
        memory.pipe_file(f"/bucket/{path}", (tmp_path / name).read_bytes())
    yield "memory://bucket"
    memory.rm("/bucket", recursive=True)


@pytest.fixture
def no_bucket(monkeypatch):
    """The URL of a bucket that its S3 server does not know."""

    class BucketHandler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = b"<Error><Code>NoSuchBucket</Code><Message>none such</Message></Error>"
            self.send_response(404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_HEAD(self):
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), BucketHandler)
    threading.Thread(target=server.serve_forever).start()
    yield f"s3://key:secret@none/scans?region=us-east-1&scheme=http&endpoint_override=localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_ray_worker_reads_files_behind_a_url_through_a_copy(bucket, tmp_path):
    from inkwise.batch.parquet_parts import PageRange, ParquetFolder
    from inkwise.batch.ray_backend import RayWorker
    from inkwise.batch.remote_files import find_inputs

    files = [(0, "memory:///bucket/b.png"), (0, "memory:///bucket/deep/a.pdf")]
    assert find_inputs([bucket, f"{bucket}/b.png"]) == files
    worker = RayWorker(Shades(), [bucket], "memory://bucket/table")
    pages = [PageRange(*file, 1, 1) for file in [*files, (0, "memory:///bucket/gone.png")]]
    batch = {"number": [7], "part": ["first-000007"], "pages": [json.dumps(pages)]}
    summary = ParquetFolder("memory://bucket/table").summary
    assert summary("first-000007") is None
    done = worker(batch)
    del worker  # ends its process and removes its copies
    assert multiprocessing.active_children() == []
    assert (done["number"], done["error"]) == ([7], [""])
    assert summary("first-000007")._replace(failed=[]) == ([1, 2, 1], [], [[], []])
    (reason,) = summary("first-000007").failed
    assert reason.startswith("memory:///bucket/gone.png: cannot be used")


def test_find_inputs_hides_the_key_of_an_unknown_bucket(no_bucket):
    from inkwise.batch.remote_files import find_inputs

    with pytest.raises(DataError, match=r"^s3://none/scans: (no such file|cannot be used).*$"):
        find_inputs([no_bucket])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///none/such", "file:///none/such: no such file, folder or bucket"),
        ("nosuch://bucket", "nosuch://bucket: Protocol not known: nosuch"),
    ],
)
def test_find_inputs_rejects_missing_urls(url, reason):
    from inkwise.batch.remote_files import find_inputs

    with pytest.raises(DataError) as caught:
        find_inputs([url])
    assert str(caught.value) == reason


def test_begin_rejects_other_folders_files_and_settings(tmp_path):
    from inkwise.batch.parquet_parts import ParquetFolder

    scan = tmp_path / "scan.png"
    Image.new("L", (40, 60)).save(scan)
    before = {"model": "a", "--digit": False}
    with pytest.raises(DataError, match="is not empty and not an unfinished table"):
        ParquetFolder(str(tmp_path)).begin(before, [str(scan)])
    with pytest.raises(DataError, match="is a file"):
        ParquetFolder(str(scan)).begin(before, [str(scan)])
    table = ParquetFolder(str(tmp_path / "table"))
    files = table.begin(before, [str(scan)])
    assert files == [(0, str(scan))]
    assert table.begin(before, [str(scan)]) == files
    with pytest.raises(DataError, match="table: was started with another model; remove it"):
        table.begin({**before, "model": "b"}, [str(scan)])
    assert [path.name for path in Path(tmp_path / "table").iterdir()] == ["_inkwise.json"]


def test_two_runs_that_begin_at_once_follow_one_plan(tmp_path, monkeypatch):
    from inkwise.batch import parquet_parts as parts

    (tmp_path / "table").mkdir()
    (tmp_path / "table" / ".lock").touch()  # of a run that was killed
    other = []

    def find(inputs):
        if not other:  # another run starts during the search, and finds one file less
            other.append(None)
            other[0] = parts.ParquetFolder(str(tmp_path / "table")).begin({"model": "a"}, ["a.png"])
        return [(0, name) for name in inputs]

    monkeypatch.setattr(parts, "find_inputs", find)
    files = parts.ParquetFolder(str(tmp_path / "table")).begin({"model": "a"}, ["a.png", "b.png"])
    assert files == other[0] == [(0, "a.png")]
    assert [path.name for path in (tmp_path / "table").iterdir()] == ["_inkwise.json"]


@pytest.mark.parametrize("plan", ["no JSON", "{}", '{"settings": 1, "files": []}'])
def test_begin_rejects_a_damaged_plan(installed, tmp_path, plan):
    from inkwise.batch.parquet_parts import ParquetFolder

    (tmp_path / "_inkwise.json").write_text(plan)
    with pytest.raises(DataError, match=r"its _inkwise\.json is damaged; name another --out$"):
        ParquetFolder(str(tmp_path)).begin({}, [])


def test_parts_have_a_fixed_number_of_pages(installed):
    from inkwise.batch.parquet_parts import PAGES_PER_PART, PageRange, first_pages, further_pages

    files = [(0, "a"), (0, "b"), (0, "c")]
    assert first_pages(files) == [[PageRange(*file, 1, 1) for file in files]]
    assert further_pages(files, [3, 1, PAGES_PER_PART]) == [
        [PageRange(0, "a", 2, 3), PageRange(0, "c", 2, PAGES_PER_PART - 1)],
        [PageRange(0, "c", PAGES_PER_PART, PAGES_PER_PART)],
    ]
