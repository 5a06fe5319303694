"""An empty database of either kind: every test of the store runs on both."""

import os
import uuid

import numpy as np
import psycopg
import pytest
from sqlalchemy import make_url

from inkwise.corrections import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """Where an empty database is, or will be once it is opened."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'corrections.db'}"
    return request.getfixturevalue("postgresql")


@pytest.fixture(scope="session")
def scratch():
    """A database on the PostgreSQL server of $INKWISE_TEST_DATABASE, dropped in the end."""
    server = os.environ.get("INKWISE_TEST_DATABASE")
    if not server:
        message = "INKWISE_TEST_DATABASE is not set: the postgresql:// URL of a server to make a database on"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    name = f"inkwise_test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgresql(scratch):
    yield scratch
    with psycopg.connect(scratch) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


@pytest.fixture
def store(url):
    with Store.open(url) as store:
        yield store


@pytest.fixture
def glyph():
    """(28, 28) uint8: a bar."""
    glyph = np.zeros((28, 28), np.uint8)
    glyph[4:24, 12:16] = np.arange(100, 180).reshape(20, 4)
    return glyph


@pytest.fixture
def add(store, glyph):
    """Add a sample of Anna's from the canvas: add(answer="1", label="7")."""

    def add(**values):
        return store.add(glyph, **{"writer": "anna", "source": "canvas", **values})

    return add
