import signal
import socket
import subprocess
import sys
import threading
import types
from pathlib import Path

import httpx
import pytest
import uvicorn
from typer.testing import CliRunner

from inkwise._util.errors import InkwiseError, ModelError, StoreError
from inkwise.app import pages
from inkwise.cli import app
from inkwise.corrections import Store


@pytest.fixture
def database(tmp_path):
    return f"sqlite:///{tmp_path / 'taught.db'}"


@pytest.fixture
def run(database, monkeypatch):
    """Run `inkwise app`; the server ends as soon as it has begun."""
    monkeypatch.setattr(uvicorn.Server, "run", lambda server, sockets: None)

    def run(*arguments, browser=False):
        options = [] if browser else ["--no-browser"]
        return CliRunner().invoke(app, ["app", *options, "--database", database, *map(str, arguments)])

    return run


@pytest.fixture
def busy():
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def address(result):
    """The address that was printed."""
    assert result.exit_code == 0, result.exception
    return result.stdout.split()[3]


def test_it_says_where_it_is(run):
    assert address(run("--port", 0)).startswith("http://127.0.0.1:")


def test_a_busy_port_that_was_asked_for_is_one_line(run, busy):
    error = run("--port", busy).exception
    assert isinstance(error, InkwiseError)
    assert str(error) == f"127.0.0.1:{busy}: cannot be used (Address already in use)"


def test_otherwise_the_next_free_port_is_taken(run, busy, monkeypatch):
    monkeypatch.setattr(pages, "DEFAULT_PORT", busy)
    port = int(address(run()).split(":")[2].strip("/"))
    assert busy < port < busy + 20


def test_a_host_that_is_none(run):
    error = run("--host", "no.such.host.invalid").exception
    assert isinstance(error, InkwiseError)
    assert str(error).startswith("no.such.host.invalid:8420 to 8439: cannot be used (")


def test_off_loopback_a_token_is_made_up(run):
    first, second = (address(run("--host", "0.0.0.0", "--port", 0)) for _ in range(2))
    assert len(first.partition("/?token=")[2]) > 40
    assert first.partition("?")[2] != second.partition("?")[2]
    assert "0.0.0.0" not in first


def test_a_token_of_ones_own(run):
    assert address(run("--token", "a b", "--port", 0)).endswith("/?token=a%20b")
    assert isinstance(run("--token", "", "--host", "0.0.0.0").exception, InkwiseError)


def test_a_token_from_the_environment(run, monkeypatch):
    monkeypatch.setenv("INKWISE_TOKEN", "secret")
    assert address(run("--port", 0)).endswith("/?token=secret")
    assert address(run("--port", 0, "--token", "mine")).endswith("/?token=mine")


def test_the_browser_is_opened(run, monkeypatch):
    opened, done = [], threading.Event()

    def open_(url):
        opened.append(url)
        done.set()

    monkeypatch.setattr("webbrowser.open", open_)
    url = address(run("--port", 0, browser=True))
    assert done.wait(10)
    address(run("--port", 0))
    assert opened == [url]


@pytest.mark.parametrize(
    ("option", "value", "kind"),
    [("--database", "mysql://host/all", StoreError), ("--model", "no.onnx", ModelError)],
)
def test_what_cannot_be_opened_is_one_line(run, option, value, kind):
    assert isinstance(run(option, value).exception, kind)


def test_a_database_that_cannot_be_used_is_logged_and_it_starts(run, tmp_path, caplog):
    (tmp_path / "taught.db").write_text("Dear Anna, " * 500)
    address(run("--port", 0))
    assert "taught.db: file is not a database" in caplog.text


def test_the_window_in_place_of_the_page(run, database, monkeypatch):
    windows = []
    monkeypatch.setitem(sys.modules, "inkwise.app.window", types.SimpleNamespace(run=windows.append))
    result = run("--window")
    assert (result.exit_code, result.stdout) == (0, "")
    assert [window.store.url for window in windows] == [database]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end_and_closes_the_database(database, tmp_path, end):
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
