"""Empty databases of both kinds, SQLite and PostgreSQL; every test of the store runs on both."""

import numpy as np
import pytest

from inkwise.corrections import Store


@pytest.fixture
def make_url(request, tmp_path):
    """URL of an empty database of this kind: make_url("sqlite")."""

    def make_url(kind):
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / 'corrections.db'}"
        return request.getfixturevalue("postgresql")

    return make_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, make_url):
    """URL of an empty database, which is created when it is opened."""
    return make_url(request.param)


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
