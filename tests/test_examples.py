"""Each program of examples/ runs offline and prints what its first lines promise."""

import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
import threading
import time
import warnings
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from extras import lacking

from inkwise.datasets import cache_folder, missing_files

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # newer versions prefer another client than httpx
    from starlette.testclient import TestClient

ROOT = Path(__file__).parent.parent
OUTPUTS = {
    "read_file.py": r"0123456789\n19690720\n.*accepted: ",
    "classify_arrays.py": r"\d+ glyphs: 0 1 2 3 4 5 6 7 8 9",
    "read_strokes.py": r'"text": "7"',
    "review_doubtful.py": r"not sure of the whole.*digit 1: 1 .*check by hand, \d or \d",
    "adapt_to_writer.py": r"before: .*after: heart\n$",
    "train_and_export.py": r"model.onnx: \d, probability [01]\.\d\d",
    "sklearn_pipeline.py": r"accuracy of each fold: 0\.9\d\d 0\.9\d\d",
    "http_client.py": r"^7, confidence 0\.9",
    "http_client.mjs": r"^seven.jpg: 7, confidence 0\.9\d*\nhttp_client.mjs: the picture: is not a picture",
    "sprint.py": r"^1?\d\d misses of 10,000 after ",
}
SLOW = ("train_and_export.py", "sprint.py")


@pytest.fixture
def service_url():
    """Start `inkwise serve` on a free port and return its URL once it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from inkwise.cli import main; main()", "serve", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as service:
        try:
            wait_until_ready(f"{url}/healthz", service)
            yield url
        finally:
            service.terminate()


def wait_until_ready(url, service):
    deadline = time.monotonic() + 60
    while True:
        assert service.poll() is None
        try:
            with urlopen(url, timeout=5):
                return
        except URLError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in OUTPUTS]
)
def test_example_prints_expected_output(name, tmp_path, request):
    arguments = {
        "read_file.py": ["docs/sample-sheet.jpg", str(tmp_path / "read.png")],
        "train_and_export.py": [str(tmp_path)],
    }.get(name, [])
    cache = str(tmp_path / "cache")
    if name == "sprint.py":
        if missing_files():
            pytest.skip("MNIST is not cached")
        cache = str(cache_folder("mnist").parent)
    program = sys.executable
    if name.startswith("http_client"):
        arguments = [request.getfixturevalue("service_url")]
    if name.endswith(".mjs"):
        program = shutil.which("node") or lacking("no Node on this machine: it runs the client in JavaScript")
        arguments += ["docs/seven.jpg", "examples/http_client.mjs"]
    done = subprocess.run(
        [program, f"examples/{name}", *arguments],
        cwd=ROOT,
        env={**os.environ, "INKWISE_DATA": cache, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(OUTPUTS[name], done.stdout, re.DOTALL), done.stdout


@pytest.fixture
def pictures():
    """Serve the pictures of docs/ at a free port, as Label Studio serves uploads; the URL."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(ROOT / "docs"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_label_studio_gets_boxes_and_texts(pictures, monkeypatch):
    monkeypatch.setenv("LABEL_STUDIO_URL", pictures)
    backend = runpy.run_path(str(ROOT / "examples" / "label_studio_backend.py"))
    client = TestClient(backend["app"], raise_server_exceptions=False)
    assert client.get("/health").json()["status"] == "UP"
    assert client.post("/setup", json={}).json()["model_version"]

    tasks = {
        "tasks": [{"data": {"image": f"{pictures}/seven.jpg"}}, {"data": {"image": "/sample-sheet.jpg"}}]
    }
    seven, sheet = client.post("/predict", json=tasks).json()["results"]
    box, text = seven["result"]
    assert (box["id"], box["type"]) == (text["id"], "rectangle")
    assert (text["type"], text["value"]["text"]) == ("textarea", ["7"])
    assert 0 < box["value"]["x"] < box["value"]["x"] + box["value"]["width"] < 100
    assert len(sheet["result"]) == 8
    foreign = {"tasks": [{"data": {"image": "http://elsewhere.example/7.png"}}]}
    assert client.post("/predict", json=foreign).status_code == 422


def test_every_example_is_tested_and_short():
    files = [path for path in (ROOT / "examples").iterdir() if path.suffix in (".py", ".mjs")]
    programs = {path.name: path.read_text().count("\n") for path in files}
    assert programs.pop("label_studio_backend.py") < 100
    assert programs.keys() == OUTPUTS.keys()
    assert programs.pop("sprint.py") <= 150
    assert max(programs.values()) <= 40
