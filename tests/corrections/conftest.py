"""An empty database of either kind: every test of the store runs on both."""

import numpy as np
import pytest

from inkwise.corrections import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """Where an empty database is, or will be once it is opened."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'corrections.db'}"
    return request.getfixturevalue("postgresql")


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
