"""An app without a socket, on a database of its own."""

import shutil
import warnings
from contextlib import ExitStack

import pytest

from inkwise.app import create_app
from inkwise.corrections import Learner, Store

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # newer versions prefer another client than httpx
    from starlette.testclient import TestClient

SEVEN = [[[30, 25], [85, 25], [55, 100]]]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """A migrated database file, since migrations take longer than a copy."""
    path = tmp_path_factory.mktemp("empty") / "taught.db"
    Store.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def database(tmp_path, empty_database):
    """The URL of an empty database, `tmp_path / "taught.db"`."""
    shutil.copy(empty_database, tmp_path / "taught.db")
    return f"sqlite:///{tmp_path / 'taught.db'}"


@pytest.fixture
def learner(database):
    return Learner(database)


@pytest.fixture
def serve(learner):
    """Return a client of an app: serve(token="secret"); exceptions of the app become responses.

    The client connects to 127.0.0.1:8420, or to another port: serve(port=8421).
    """
    with ExitStack() as running:

        def serve(learner=learner, port=8420, **settings):
            running.callback(learner.close)
            app = create_app(learner, **settings)
            client = TestClient(app, f"http://127.0.0.1:{port}", raise_server_exceptions=False)
            return running.enter_context(client)

        yield serve


@pytest.fixture
def client(serve):
    return serve()


@pytest.fixture
def keep(client):
    """Keep a drawing of a seven and return the sample: keep("anna", label="1", answer="7")."""

    def keep(writer="anna", *, source="canvas", **values):
        answer = {"strokes": SEVEN, "answer": "7", "probability": 0.9, "model": "test", **values}
        body = {"writer": writer, "source": source, "answers": [{"label": "7", **answer}]}
        response = client.post("/api/samples", json=body)
        assert response.status_code == 201, response.text
        return response.json()["samples"][0]

    return keep
