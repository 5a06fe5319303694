import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import Engine, event

from inkwise._util.errors import InkwiseError
from inkwise.corrections import Learner, database

SEVEN = [[[30, 25], [85, 25], [55, 100]]]
ANSWER = {"writer": "anna", "source": "canvas", "answers": [{"label": "7", "strokes": SEVEN}]}
READ = {"writer": "anna", "strokes": SEVEN}


@pytest.fixture
def file(tmp_path):
    """The database file."""
    return tmp_path / "taught.db"


def unusable(response, caplog):
    """Check a 503 that is logged once without traceback, and return its message."""
    assert response.status_code == 503
    error = response.json()["error"]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [("ERROR", error)]
    assert "Traceback" not in caplog.text
    caplog.clear()
    return error


def reads(client):
    return client.post("/api/read", json=READ).json()["text"] == "7"


def test_page_and_scripts_are_served_with_etags(client):
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    script = client.get("/static/main.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    for response in (page, script):
        again = client.get(response.request.url, headers={"If-None-Match": response.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "/no",
        "/api/no",
        "/docs",
        "/openapi.json",
        "/api/read/",
        "/static/no.js",
        "/static/%2e%2e/server.py",
        "/static/%00",
    ],
)
def test_unknown_path_is_rejected(client, method, path):
    response = client.request(method, path)
    assert response.status_code in (404, 405)
    assert response.json()["error"].endswith(("Not Found", "Method Not Allowed"))


def test_database_of_a_newer_version(client, file, learner, serve, caplog):
    assert learner.store
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    newer = serve(Learner(f"sqlite:///{file}"))
    assert "made by a newer Inkwise" in unusable(newer.get("/api/state?writer=anna"), caplog)
    assert "made by a newer Inkwise" in unusable(newer.post("/api/samples", json=ANSWER), caplog)
    assert reads(newer)


def test_read_only_database(client, file, keep, serve, caplog):
    keep()
    reader = serve(Learner(f"sqlite:///file:{file}?mode=ro&uri=true"))
    assert "readonly" in unusable(reader.post("/api/samples", json=ANSWER), caplog)
    assert reader.get("/api/samples").json()["total"] == 1
    assert reads(reader)


def test_locked_database(monkeypatch, file, serve, caplog):
    monkeypatch.setattr(database, "CONNECT_TIMEOUT", 0.1)
    client = serve()
    assert client.post("/api/samples", json=ANSWER).status_code == 201
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "database is locked" in unusable(client.post("/api/samples", json=ANSWER), caplog)
        assert client.get("/api/samples").json()["total"] == 1
        assert reads(client)
        other.execute("ROLLBACK")
    assert client.post("/api/samples", json=ANSWER).status_code == 201


def test_full_database(serve, caplog):
    def limit(connection, record):
        connection.execute("PRAGMA max_page_count = 30")

    event.listen(Engine, "connect", limit)
    try:
        client = serve()
        for _ in range(200):
            response = client.post("/api/samples", json=ANSWER)
            if response.status_code != 201:
                break
        assert "database or disk is full" in unusable(response, caplog)
        assert client.get("/api/samples").json()["total"] > 1
        assert reads(client)
    finally:
        event.remove(Engine, "connect", limit)


def test_database_is_used_again_once_available(tmp_path, serve, caplog, monkeypatch):
    monkeypatch.setattr("inkwise.corrections.learner.RETRY_SECONDS", 0.0)
    client = serve(Learner(f"sqlite:///{tmp_path / 'later' / 'taught.db'}"))
    assert "unable to open database file" in unusable(client.get("/api/state?writer=anna"), caplog)
    (tmp_path / "later").mkdir()
    assert client.get("/api/state?writer=anna").status_code == 200


def test_job_is_cancelled_at_shutdown(serve, monkeypatch):
    ended = []
    monkeypatch.setattr("inkwise.app.learning_routes.LazyFineTuningJob.cancel", lambda job: ended.append(job))
    client = serve()
    assert client.get("/").status_code == 200
    assert ended == []
    client.__exit__(None, None, None)
    client.__enter__()  # the fixture ends it again
    assert len(ended) == 1


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn"])
def test_missing_extra_is_named(missing, without_module):
    without_module(missing, "inkwise.app", "inkwise.http")
    with pytest.raises(InkwiseError, match=rf'^the app needs {missing}: pip install "inkwise\[app\]"$'):
        import inkwise.app  # noqa: F401
