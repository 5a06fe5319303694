"""`inkwise app`, `review`, `form new` and `serve`: start, address, token, errors and shutdown."""

import json
import signal
import socket
import subprocess
import sys
import threading
import types
from pathlib import Path

import cv2
import httpx
import pytest
import uvicorn

from inkwise.app import pages
from inkwise.corrections import Store

ROW = {"file": "a.png", "page": 1, "text": "", "confidence": 0.0, "accepted": False, "reason": "is damaged"}


@pytest.fixture(autouse=True)
def _server_ends_at_once(monkeypatch):
    monkeypatch.setattr(uvicorn.Server, "run", lambda server, sockets: None)


@pytest.fixture
def database(tmp_path):
    return f"sqlite:///{tmp_path / 'taught.db'}"


@pytest.fixture
def busy():
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.jsonl"
    path.write_text(json.dumps(ROW) + "\n")
    return path


@pytest.fixture
def address(inkwise, database):
    """Run `inkwise app` and return the address that it prints."""

    def run(*arguments, browser=False):
        options = [] if browser else ["--no-browser"]
        status, out, _ = inkwise("app", *options, "--database", database, *arguments)
        assert status == 0
        return out.split()[3]

    return run


def test_app_prints_its_address(address):
    assert address("--port", 0).startswith("http://127.0.0.1:")


def test_app_takes_next_free_port_by_default(address, busy, monkeypatch):
    monkeypatch.setattr(pages, "DEFAULT_PORT", busy)
    port = int(address().split(":")[2].strip("/"))
    assert busy < port < busy + 20


def test_app_makes_random_token_off_loopback(address):
    first, second = (address("--host", "0.0.0.0", "--port", 0) for _ in range(2))
    assert len(first.partition("/?token=")[2]) > 40
    assert first.partition("?")[2] != second.partition("?")[2]
    assert "0.0.0.0" not in first


def test_app_takes_token_from_option_or_environment(address, monkeypatch):
    assert address("--token", "a b", "--port", 0).endswith("/?token=a%20b")
    monkeypatch.setenv("INKWISE_TOKEN", "secret")
    assert address("--port", 0).endswith("/?token=secret")
    assert address("--port", 0, "--token", "mine").endswith("/?token=mine")


def test_app_opens_the_browser(address, monkeypatch):
    opened, done = [], threading.Event()

    def open_(url):
        opened.append(url)
        done.set()

    monkeypatch.setattr("webbrowser.open", open_)
    url = address("--port", 0, browser=True)
    assert done.wait(10)
    address("--port", 0)
    assert opened == [url]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port", "BUSY"], "127.0.0.1:BUSY: cannot be used (Address already in use)"),
        (["--host", "no.such.host.invalid"], "no.such.host.invalid:8420 to 8439: cannot be used ("),
        (["--host", "my..host"], "my..host:8420 to 8439: cannot be used (it is no host name)"),
        (["--token", "", "--host", "0.0.0.0"], "the token is empty"),
        (["--database", "mysql://host/all"], "the database must be sqlite:///FILE or postgresql://"),
        (["--model", "no.onnx"], "no.onnx: cannot be opened"),
    ],
)
def test_app_reports_unusable_options_in_one_line(inkwise_fails, database, busy, options, message):
    options = [option.replace("BUSY", str(busy)) for option in options]
    error = inkwise_fails("app", "--no-browser", "--database", database, *options)
    assert error.startswith(message.replace("BUSY", str(busy)))


def test_app_starts_and_logs_when_database_is_unusable(address, tmp_path, caplog):
    (tmp_path / "taught.db").write_text("Dear Anna, " * 500)
    address("--port", 0)
    assert "taught.db: file is not a database" in caplog.text


def test_app_opens_window_instead_of_page(inkwise, database, monkeypatch):
    windows = []
    monkeypatch.setitem(sys.modules, "inkwise.app.window", types.SimpleNamespace(run=windows.append))
    assert inkwise("app", "--window", "--no-browser", "--database", database) == (0, "", "")
    assert [window.store.url for window in windows] == [database]


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_app_serves_until_signal_and_closes_the_database(database, tmp_path, end):
    inkwise = Path(sys.executable).with_name("inkwise")
    command = [inkwise, "app", "--no-browser", "--port", "0", "--database", database]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            url = server.stdout.readline().split()[3]
            body = {"writer": "anna", "source": "canvas", "answers": [{"label": "7", "strokes": [[[1, 2]]]}]}
            with httpx.Client(base_url=url) as client:
                assert "<title>Inkwise</title>" in client.get("/").text
                assert client.post("/api/samples", json=body).status_code == 201
                server.send_signal(end)
                _, error = server.communicate(timeout=30)
        finally:
            server.kill()
    assert (server.returncode, error) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["taught.db"], "no log is left beside it"
    with Store.open(database) as store:
        assert store.writers() == ["anna"]


def test_review_prints_its_address(inkwise, table, tmp_path, database):
    options = "--no-browser", "--port", "0", "--database", database, "--scans", tmp_path, "--threshold", "0.5"
    status, out, _ = inkwise("review", table, *options)
    assert status == 0
    assert out.startswith("Inkwise is at http://127.0.0.1:")
    assert not table.with_name("table.jsonl.review").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--database", "mysql://host/all"], "the database must be sqlite:///FILE or postgresql://"),
        (["--writer", " "], "writer is empty"),
        (["--token", ""], "the token is empty"),
    ],
)
def test_review_reports_unusable_options_in_one_line(inkwise_fails, table, options, message):
    assert message in inkwise_fails("review", table, *options)


def test_review_reports_missing_table_in_one_line(inkwise_fails, tmp_path):
    assert inkwise_fails("review", tmp_path / "no.jsonl").startswith(f"{tmp_path}/no.jsonl: cannot be opened")


def test_form_new_prints_its_address(inkwise, inkwise_fails, tmp_path, seven):
    cv2.imwrite(str(tmp_path / "form.png"), seven)
    status, out, _ = inkwise(
        "form", "new", tmp_path / "form.png", "--host", "0.0.0.0", "--port", "0", "--no-browser"
    )
    assert status == 0
    assert "/?token=" in out
    assert inkwise_fails("form", "new", tmp_path / "no.pdf").startswith(
        f"{tmp_path}/no.pdf: cannot be opened"
    )
    assert not (tmp_path / "form.yaml").exists()


def test_serve_reports_unusable_options_in_one_line(inkwise_fails, busy, tmp_path):
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("a token of four words")
    for options, message in (
        (["--port", busy], f"127.0.0.1:{busy}: cannot be used (Address already in use)"),
        (["--host", "no.such.host.invalid"], "no.such.host.invalid:8000: cannot be used ("),
        (["--port", 0, "--model", "no.onnx"], "no.onnx: cannot be opened"),
        (["--port", 0, "--model", "nothing"], "nothing: cannot be opened (no such file; bundled models:"),
        (["--port", 0, "--host", "0.0.0.0"], "0.0.0.0: not a loopback address, so tokens are required"),
        (["--port", 0, "--tokens", tokens.with_name("no")], f"{tokens.with_name('no')}: cannot be opened"),
        (["--port", 0, "--tokens", tokens], f"{tokens}, line 1: expected an ASCII token"),
        (["--port", 0, "--workers", 2, "--model", "no.onnx"], "no.onnx: cannot be opened"),
    ):
        assert inkwise_fails("serve", *options).startswith(message)


@pytest.mark.parametrize("missing", ["fastapi", "prometheus_client", "uvicorn"])
def test_serve_names_the_missing_extra(inkwise_fails, missing, without_module):
    without_module(missing, "inkwise.service", "inkwise.http")
    assert inkwise_fails("serve") == f'the service needs {missing}: pip install "inkwise[serve]"'
