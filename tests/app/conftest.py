"""A server without a socket, on a database of its own."""

import warnings
from contextlib import ExitStack

import pytest

from inkwise.app import create_app
from inkwise.corrections import Learner

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # newer versions would rather have another client than httpx
    from starlette.testclient import TestClient

SEVEN = [[[30, 25], [85, 25], [55, 100]]]


@pytest.fixture
def database(tmp_path):
    return f"sqlite:///{tmp_path / 'taught.db'}"


@pytest.fixture
def learner(database):
    return Learner(database)


@pytest.fixture
def serve(learner):
    """Start a server: serve(token="secret") gives a client of it, which raises nothing that happens there.

    The client reaches it at 127.0.0.1:8420, or at another port: serve(port=8421).
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
    """Keep a seven of somebody's: keep("anna", label="1", answer="7"); gives the sample."""

    def keep(writer="anna", *, source="canvas", **values):
        answer = {"strokes": SEVEN, "answer": "7", "probability": 0.9, "model": "test", **values}
        body = {"writer": writer, "source": source, "answers": [{"label": "7", **answer}]}
        response = client.post("/api/samples", json=body)
        assert response.status_code == 201, response.text
        return response.json()["samples"][0]

    return keep
