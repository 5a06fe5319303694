from datetime import UTC, datetime

import alembic.command
import pytest

from inkwise._util.errors import InkwiseError, StoreError
from inkwise.corrections import Accuracy, Store, VersionScores, database
from inkwise.corrections.sample import Sample
from inkwise.recognition import Model

BEFORE = VersionScores(mnist=Accuracy(9_965, 10_000), own=Accuracy(27, 33))
AFTER = VersionScores(mnist=Accuracy(9_966, 10_000), own=Accuracy(32, 33))
NEXT = VersionScores(mnist=Accuracy(9_964, 10_000), own=Accuracy(33, 33))


@pytest.fixture
def versions(store):
    return store.versions


def test_version_is_stored_with_its_scores(versions, url):
    earliest = datetime.now(UTC)
    added = versions.add("anna", b"weights", 67, BEFORE, AFTER)

    with Store.open(url) as store:
        assert store.versions.list("anna") == [added]
        assert store.versions.weights(added.number) == b"weights"
    assert (added.number, added.writer, added.samples, added.promoted) == (1, "anna", 67, False)
    assert (added.before, added.after) == (BEFORE, AFTER)
    assert earliest <= added.time <= datetime.now(UTC)


def test_versions_of_a_writer_are_listed_newest_first(versions):
    numbers = [versions.add(writer, b"", 67, BEFORE, AFTER).number for writer in ("anna", "ben", "anna")]

    assert [version.number for version in versions.list("anna")] == [numbers[2], numbers[0]]
    assert [version.number for version in versions.list("ben")] == [numbers[1]]
    assert versions.list("carla") == []


def test_versions_are_promoted_and_rolled_back(versions):
    first, second = (versions.add("anna", b"", 67, BEFORE, AFTER).number for _ in range(2))
    told = [versions.promoted("anna")]
    for number in (first, second, first, 0):
        versions.promote("anna", number)
        told.append(versions.promoted("anna"))

    assert told == [0, first, second, first, 0]
    versions.promote("anna", second)
    assert [version.promoted for version in versions.list("anna")] == [True, False]
    assert versions.promoted("ben") == 0


def test_promote_rejects_versions_of_other_writers(versions):
    number = versions.add("anna", b"", 67, BEFORE, AFTER).number
    for writer, wrong in (("ben", number), ("anna", number + 1), ("anna", -1)):
        with pytest.raises(StoreError, match=f"there is no version {wrong} of {writer}"):
            versions.promote(writer, wrong)
    assert versions.promoted("ben") == versions.promoted("anna") == 0


def test_weights_of_an_unknown_version_raise_store_error(versions):
    with pytest.raises(StoreError, match="there is no version 7"):
        versions.weights(7)


def test_promote_rejects_an_invalid_writer(versions):
    with pytest.raises(InkwiseError, match="writer has 65 characters"):
        versions.promote("x" * 65, 0)


def test_migration_adds_the_version_tables(url, glyph, monkeypatch):
    upgrade = alembic.command.upgrade
    with monkeypatch.context() as patch:
        patch.setattr(database.command, "upgrade", lambda config, _: upgrade(config, "0001"))
        with Store.open(url) as store:
            sample = Sample.now(glyph, writer="anna", source="canvas", label="7")
            new = {"line_ink", "number_id"}
            old = [column.name for column in Sample.__table__.columns if column.name not in new]
            with store._database.write() as session:
                session.execute(
                    Sample.__table__.insert().values({name: getattr(sample, name) for name in old})
                )
            with pytest.raises(StoreError, match=r"no such table|does not exist"):
                store.versions.list("anna")

    with Store.open(url) as store:
        kept = store.get(sample.id)
        assert (kept.label, kept.line_ink, kept.number_id) == ("7", None, None)
        assert store.versions.add("anna", b"", 67, BEFORE, NEXT).number == 1


@pytest.mark.parametrize(
    ("mnist", "own", "worse"),
    [(35, 6, ()), (40, 0, ()), (41, 0, ("mnist",)), (30, 7, ("own",)), (41, 7, ("mnist", "own"))],
)
def test_worse_than_tolerates_a_few_misses_of_mnist_alone(mnist, own, worse):
    after = VersionScores(mnist=Accuracy(10_000 - mnist, 10_000), own=Accuracy(33 - own, 33))
    assert after.worse_than(BEFORE) == worse


def test_version_holds_a_line_reader_or_none(versions, default_weights, line_weights):
    scores = VersionScores(BEFORE.mnist, BEFORE.own, numbers=Accuracy(70, 100))
    with_lines = versions.add("anna", default_weights, 67, scores, scores, lines=line_weights).number
    without = versions.add("anna", default_weights, 67, BEFORE, AFTER).number

    assert versions.list("anna")[1].after.numbers == Accuracy(70, 100)
    assert versions.list("anna")[0].after.numbers == Accuracy(0, 0)
    assert versions.line_weights(with_lines) == line_weights
    assert versions.line_weights(without) is versions.line_weights(0) is None
    _, lines = versions.open_models(with_lines, threads=1)
    assert lines is not None
    assert lines.symbols.startswith("0123456789")
    assert versions.open_models(without, threads=1)[1] is None


def test_damaged_line_reader_is_named_and_replaced_by_the_base(
    versions, default_weights, line_weights, caplog
):
    damaged = versions.add("anna", default_weights, 67, BEFORE, AFTER, lines=line_weights[:5000]).number
    base = Model(default_weights)
    model, lines, damage = versions.open_or_base(damaged, base, threads=1)
    assert (model, lines) == (base, None)
    assert damage.startswith(f"version {damaged} is damaged (the model: ")
    assert [*versions.damaged_models()] == [damage.removesuffix(": the base model is used instead")]
