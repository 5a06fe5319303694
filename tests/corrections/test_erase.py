"""Deletion for good of all that is stored of a writer."""

import uuid
from dataclasses import replace

from inkwise.corrections import Accuracy, Store, VersionScores


def test_erase_deletes_all_of_one_writer_for_good(url, glyph):
    scores = VersionScores(Accuracy(1, 2), Accuracy(1, 2))
    with Store.open(url) as store:
        kept = store.add(glyph, writer="ben", source="canvas", label="1")
        store.versions.add("ben", b"", 1, scores, scores, promote=True)
        samples = [store.add(glyph, writer="anna", source="canvas", answer="7") for _ in range(3)]
        store.label(samples[0].id, "7")
        store.delete(samples[1].id)
        store.merge([replace(samples[2], id=uuid.uuid4())])
        store.versions.add("anna", b"", 3, scores, scores, promote=True)
        before = store.change_marker("anna")
        assert store.erase("anna") == 4
        assert store.change_marker("anna") != before
        assert (store.writers(), store.undo("anna"), store.versions.list("anna")) == (["ben"], None, [])
        assert store.erase("anna") == 0
        assert [sample.id for sample in store.samples()] == [kept.id]
        assert len(store.versions.list("ben")) == 1


def test_erased_samples_are_not_left_in_the_file(tmp_path, glyph):
    path = tmp_path / "taught.db"
    with Store.open(f"sqlite:///{path}") as store:
        store.add(glyph, writer="annabel", source="canvas", label="mark")
    assert b"annabel" in path.read_bytes()
    with Store.open(f"sqlite:///{path}") as store:
        store.erase("annabel")
    assert b"annabel" not in path.read_bytes()
