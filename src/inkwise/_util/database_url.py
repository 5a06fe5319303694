"""Database URLs: the supported kinds, their drivers, and their names in messages."""

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from inkwise._util.errors import StoreError

CONNECT_TIMEOUT = 5.0
"""Seconds to wait for another process's transaction, or for a server to answer."""


def parse_url(text: str) -> URL:
    """Parse a database URL and set its driver; StoreError if the kind of database is not supported."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = URL.create("unknown")
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite")
    # The message repeats a plain path alone, since a URL may hold a password.
    hint = "" if "://" in text else f"; for this file: sqlite:///{text}"
    raise StoreError(f"the database must be sqlite:///FILE or postgresql://USER@HOST/NAME{hint}")


def redacted_name(url: URL) -> str:
    """Return the name of a database for messages, without the password, which may be in the query, too."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
