from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, event, make_url, text

from inkwise._util.errors import StoreError
from inkwise.corrections import Sample, Store, database
from inkwise.corrections.sample import Base


@pytest.fixture
def engine(url):
    """The database itself, past the store."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    yield engine
    engine.dispose()


@pytest.fixture
def read_only(url):
    """The same database by a way on which nothing can be written."""
    if url.startswith("sqlite"):
        return url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true"
    query = {"options": "-c default_transaction_read_only=on"}
    return make_url(url).update_query_dict(query).render_as_string(hide_password=False)


def test_migrations_create_the_declared_tables(store, engine):
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_default_database_is_in_the_users_data_folder(tmp_path, monkeypatch, glyph):
    monkeypatch.setattr(database.platformdirs, "user_data_dir", lambda name: str(tmp_path / name))
    with Store.open() as store:
        store.add(glyph, writer="anna", source="canvas")
    assert (tmp_path / "inkwise" / "corrections.db").exists()


def test_data_folder_that_cannot_be_created_raises_store_error(tmp_path, monkeypatch):
    (tmp_path / "inkwise").write_text("a file")
    monkeypatch.setattr(database.platformdirs, "user_data_dir", lambda name: str(tmp_path / name))
    with pytest.raises(StoreError, match=r"inkwise: cannot be made \(File exists\)"):
        Store.open()


def test_sqlite_syncs_every_commit(tmp_path):
    url = f"sqlite:///{tmp_path / 'corrections.db'}"
    with Store.open(url) as store, store._database.write() as session:
        settings = [
            session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    full = 2
    assert settings == ["wal", full, 1]


def test_open_rejects_a_database_of_a_newer_version(url, engine, store):
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreError, match=r"made by a newer Inkwise .* 9999, this one knows 0005.*: update"):
        Store.open(url)

    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_read_only_database_can_be_read_but_not_written(store, add, read_only, glyph):
    sample = add(label="7")
    with Store.open(read_only) as reader:
        assert reader.get(sample.id).label == "7"
        with pytest.raises(StoreError, match=r"read-?only"):
            reader.add(glyph, writer="anna", source="canvas")
        with pytest.raises(StoreError, match=r"read-?only"):
            reader.label(sample.id, "1")
    assert [each.label for each in store.samples()] == ["7"]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns"])
def test_times_do_not_depend_on_the_servers_settings(postgresql, glyph, zone):
    options = f"-c datestyle=SQL,DMY -c timezone={zone}"
    url = make_url(postgresql).update_query_dict({"options": options}).render_as_string(hide_password=False)
    with Store.open(postgresql) as store, Store.open(url) as other:
        sample = store.add(glyph, writer="anna", source="canvas")
        early = Sample.from_dict(
            {**sample.to_dict(), "id": str(uuid4()), "time": "1800-01-01T00:00:00+00:00"}
        )
        store.merge([early])
        assert [each.time for each in other.samples()] == [sample.time, early.time]


def test_locked_database_can_be_read_and_later_written(url, glyph, monkeypatch):
    monkeypatch.setattr(database, "CONNECT_TIMEOUT", 0.1)
    with Store.open(url) as store, Store.open(url) as other:
        with other._database.write() as session:
            session.connection()
            with pytest.raises(StoreError, match=r"database is locked|lock timeout"):
                store.add(glyph, writer="anna", source="canvas")
            assert store.count() == 0
        store.add(glyph, writer="anna", source="canvas")
        assert store.count() == 1


def test_full_disk_loses_no_committed_sample(tmp_path, glyph):
    def limit(connection, record):
        connection.execute("PRAGMA max_page_count = 20")

    url = f"sqlite:///{tmp_path / 'corrections.db'}"
    kept = []
    event.listen(Engine, "connect", limit)
    try:
        with Store.open(url) as store:

            def fill():
                for _ in range(100):
                    kept.append(store.add(glyph, writer="anna", source="canvas").id)

            with pytest.raises(StoreError, match=r"\.db: database or disk is full"):
                fill()
    finally:
        event.remove(Engine, "connect", limit)
    with Store.open(url) as store:
        assert [each.id for each in reversed(store.samples())] == kept
        store.add(glyph, writer="anna", source="canvas")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:////no/such/folder/a.db", "/no/such/folder/a.db: unable to open database file"),
        ("postgresql://anna:secret@127.0.0.1:1/all", r"postgresql://anna:\*\*\*@127.0.0.1:1/all: .*refused"),
        ("postgresql://127.0.0.1:1/all?password=secret", "postgresql://127.0.0.1:1/all: .*refused"),
        ("mysql://anna:secret@host/all", "the database must be sqlite:///FILE or postgresql://"),
        ("postgresql://anna:secret@host:port/all", "the database must be sqlite:///FILE or postgresql://"),
        ("corrections.db", "the database must be .*; for this file: sqlite:///corrections.db$"),
        ("sqlite://", "the database must be sqlite:///FILE or postgresql://"),
    ],
)
def test_unusable_url_raises_one_line_without_the_password(url, message):
    with pytest.raises(StoreError, match=f"^{message}") as caught:
        Store.open(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_open_leaves_other_files_unchanged(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear Anna, " * 500)
    with pytest.raises(StoreError, match=r"letter\.txt: file is not a database"):
        Store.open(f"sqlite:///{path}")
    assert path.read_text() == "Dear Anna, " * 500


def test_closed_connection_is_reopened(postgresql, glyph):
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    with Store.open(postgresql) as store, Store.open(postgresql) as other:
        store.add(glyph, writer="anna", source="canvas")
        with other._database.write() as session:
            session.execute(text(f"{cut} AND pid != pg_backend_pid()"))
        store.add(glyph, writer="anna", source="canvas")
        assert store.count() == 2
