"""URLs of databases: which can be used, by which driver, and what they are called in messages."""

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from inkwise._util.errors import StoreError

CONNECT_TIMEOUT = 5.0
"""Seconds to wait for somebody else's change to be finished, or for a server to answer."""


def parse_url(text: str) -> URL:
    """A database's URL with the driver that is used for it.

    Raises:
        StoreError: it names no kind of database that can be used.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = URL.create("unknown")
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite")
    # The text is not repeated: it may hold a password.
    raise StoreError("the database must be sqlite:///FILE or postgresql://USER@HOST/NAME")


def redacted_name(url: URL) -> str:
    """What to call the database in messages: never its password, which may stand in the query as well."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
