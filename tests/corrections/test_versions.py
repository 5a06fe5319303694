from datetime import UTC, datetime

import alembic.command
import pytest

from inkwise._util.errors import InkwiseError, StoreError
from inkwise.corrections import Accuracy, Store, VersionScores, database

BEFORE = VersionScores(mnist=Accuracy(9_965, 10_000), own=Accuracy(27, 33))
AFTER = VersionScores(mnist=Accuracy(9_966, 10_000), own=Accuracy(32, 33))
NEXT = VersionScores(mnist=Accuracy(9_964, 10_000), own=Accuracy(33, 33))


@pytest.fixture
def versions(store):
    return store.versions


def test_a_version_is_kept_with_its_scores(versions, url):
    earliest = datetime.now(UTC)
    added = versions.add("anna", b"weights", 67, BEFORE, AFTER)

    with Store.open(url) as store:
        assert store.versions.list("anna") == [added]
        assert store.versions.weights(added.number) == b"weights"
    assert (added.number, added.writer, added.samples, added.promoted) == (1, "anna", 67, False)
    assert (added.before, added.after) == (BEFORE, AFTER)
    assert earliest <= added.time <= datetime.now(UTC)


def test_each_writer_has_their_own_the_newest_first(versions):
    numbers = [versions.add(writer, b"", 67, BEFORE, AFTER).number for writer in ("anna", "ben", "anna")]

    assert [version.number for version in versions.list("anna")] == [numbers[2], numbers[0]]
    assert [version.number for version in versions.list("ben")] == [numbers[1]]
    assert versions.list("carla") == []


def test_one_is_promoted_and_rolled_back(versions):
    first, second = (versions.add("anna", b"", 67, BEFORE, AFTER).number for _ in range(2))
    told = [versions.promoted("anna")]
    for number in (first, second, first, 0):
        versions.promote("anna", number)
        told.append(versions.promoted("anna"))

    assert told == [0, first, second, first, 0]
    versions.promote("anna", second)
    assert [version.promoted for version in versions.list("anna")] == [True, False]
    assert versions.promoted("ben") == 0


def test_only_a_writers_own_versions_can_be_promoted(versions):
    number = versions.add("anna", b"", 67, BEFORE, AFTER).number
    for writer, wrong in (("ben", number), ("anna", number + 1), ("anna", -1)):
        with pytest.raises(StoreError, match=f"there is no version {wrong} of {writer}"):
            versions.promote(writer, wrong)
    assert versions.promoted("ben") == versions.promoted("anna") == 0


def test_there_are_no_weights_of_what_is_not_there(versions):
    with pytest.raises(StoreError, match="there is no version 7"):
        versions.weights(7)


def test_a_writer_must_have_a_name(versions):
    with pytest.raises(InkwiseError, match="writer has 65 characters"):
        versions.promote("x" * 65, 0)


def test_a_database_without_versions_gets_their_tables(url, glyph, monkeypatch):
    upgrade = alembic.command.upgrade
    with monkeypatch.context() as patch:
        patch.setattr(database.command, "upgrade", lambda config, _: upgrade(config, "0001"))
        with Store.open(url) as store:
            sample = store.add(glyph, writer="anna", source="canvas", label="7")
            with pytest.raises(StoreError, match=r"no such table|does not exist"):
                store.versions.list("anna")

    with Store.open(url) as store:
        assert store.get(sample.id).label == "7"
        assert store.versions.add("anna", b"", 67, BEFORE, NEXT).number == 1


@pytest.mark.parametrize(
    ("mnist", "own", "worse"),
    [(35, 6, ()), (40, 0, ()), (41, 0, ("mnist",)), (30, 7, ("own",)), (41, 7, ("mnist", "own"))],
)
def test_a_few_digits_of_mnist_are_chance_and_none_of_ones_own_is(mnist, own, worse):
    after = VersionScores(mnist=Accuracy(10_000 - mnist, 10_000), own=Accuracy(33 - own, 33))
    assert after.worse_than(BEFORE) == worse
