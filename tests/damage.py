"""Kinds of damage to the rows of a database: a column, and the SQL of the damaged cell."""

from sqlalchemy import create_engine, text

_NO_TEXT = "CAST(x'ff' AS TEXT)"
_NESTED = "[" * 100_000

SQLITE = [
    *(("glyph", sql) for sql in ("substr(glyph, 1, 783)", "zeroblob(785)", "'ink'", "10000000000000", "1.5")),
    *(("line_ink", sql) for sql in ("zeroblob(49)", "zeroblob(48 * 481)", "'ink'", "zeroblob(0)", "5")),
    *(
        ("id", sql)
        for sql in ("substr(id, 1, 31)", "upper(id)", "5", "x'00ff'", "CAST(x'ff' AS TEXT)", "'…'")
    ),
    ("id", "'{' || id || '}'"),
    *(("number_id", sql) for sql in ("substr(id, 1, 31)", "5", "x'00ff'")),
    ("strokes", "'[[[1, 2'"),
    ("strokes", "'5'"),
    ("strokes", "'{\"a\": 1}'"),
    ("strokes", "'[[[1]]]'"),
    ("strokes", "'[[[1e999, 0]]]'"),
    ("strokes", "x'ff00'"),
    ("strokes", f"'{_NESTED}'"),
    ("time", "'noon'"),
    ("time", "'2026-02-30 00:00:00'"),
    ("time", "5"),
    ("time", "1e300"),
    ("time", "x'00'"),
    *(("probability", sql) for sql in ("'high'", "2", "-0.1", "9e999", "x'00'")),
    *(
        (name, sql)
        for name in ("writer", "label", "answer")
        for sql in ("x'00'", "char(7)", "CAST(x'ff' AS TEXT)")
    ),
    ("writer", "''"),
    ("source", "x'00'"),
    ("model", "hex(zeroblob(999))"),
    *(("deleted", sql) for sql in ("7", "'no'", "x'00'", "0.5")),
]

POSTGRESQL = [
    ("glyph", "substring(glyph from 1 for 783)"),
    ("line_ink", "decode('00', 'hex')"),
    ("strokes", "'5'"),
    ("strokes", "'[[[1]]]'"),
    ("strokes", "'[[[1e999, 0]]]'"),
    ("strokes", f"'{'[' * 2000 + ']' * 2000}'"),
    *(("time", sql) for sql in ("'infinity'", "'-infinity'", "'20000-01-01'", "'0044-03-15 BC'")),
    *(("probability", sql) for sql in ("'NaN'", "'Infinity'", "2")),
    ("writer", "E'\\x07'"),
    ("label", "''"),
]

KINDS = [("sqlite", *kind) for kind in SQLITE] + [("postgresql", *kind) for kind in POSTGRESQL]

VERSIONS = [
    *((name, sql) for name in ("before", "after") for sql in ("'[[1, 2'", "'5'", "'[[1, 2], [3]]'", "x'ff'")),
    ("after", "'[[1, 2], [3, \"4\"]]'"),
    ("after", "'[[1, 2], [9, 1]]'"),
    ("after", f"'[[1, 2], [3, {10**400}]]'"),
    ("time", "'noon'"),
    ("samples", "'many'"),
    ("writer", "x'00'"),
]


def name_of(kind):
    """Return a short name for the test's id."""
    return "-".join(kind)[:40]


def damage(url, table, column, sql, where="true"):
    """Change the cells of a column without the store."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {table} SET {column} = {sql} WHERE {where}".replace(":", "\\:")))
    engine.dispose()
