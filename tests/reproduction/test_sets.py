import numpy as np
import pytest

from inkwise._util.errors import DataError
from inkwise.datasets import load_dataset
from inkwise.reproduction.evaluation_sets import canvas_glyph, prepare_sets, save_corrections


class AlwaysSevenModel:
    """Reads everything as 7."""

    labels = ("0", "1", "4", "7")

    def run(self, glyphs):
        return np.tile(np.float32([0, 0, 0, 1]), (len(glyphs), 1)), np.zeros((len(glyphs), 2), np.float32)


def test_a_canvas_is_shrunk_as_it_is():
    glyphs = [canvas_glyph([np.array([(0, 0), (0, 100)])], np.random.default_rng(seed)) for seed in range(9)]
    rows = [np.flatnonzero(glyph.max(1)) for glyph in glyphs]
    heights = {len(row) for row in rows}
    assert min(heights) >= 17  # 60 % of 28
    assert max(heights) <= 26  # 80 %, the pen and pixels that are touched
    assert len({(row[0], row[-1]) for row in rows}) > 3, "each lies elsewhere"


def test_the_last_third_of_every_writer_is_what_nets_are_measured_on(little_mnist, hands, tmp_path):
    folders = prepare_sets(tmp_path / "sets", hands)
    names = ["mnist-modified-read", "canvas", "canvas-read", "hwd1000-naive", "hwd1000-read"]
    assert [folder.name for folder in folders] == names
    sets = {folder.name: load_dataset(folder) for folder in folders}
    assert [len(sets[name]) for name in names] == [40, 8, 8, 8, 8]
    # Of 12 the last 4, both writers in turn.
    assert sets["canvas"].labels.tolist() == ["0", "0", "1", "1", "4", "4", "7", "7"]
    np.testing.assert_array_equal(sets["canvas"].labels, sets["canvas-read"].labels)
    with np.load(hands / "hwd1000.npz") as archive:
        np.testing.assert_array_equal(sets["hwd1000-naive"].glyphs, 255 - archive["images"])


def test_sets_are_made_once(little_mnist, hands, tmp_path, monkeypatch):
    prepare_sets(tmp_path / "sets", hands)
    monkeypatch.setattr(
        "inkwise.reproduction.evaluation_sets.canvas_glyph", lambda *_: pytest.fail("drawn again")
    )
    assert len(prepare_sets(tmp_path / "sets", hands)) == 5


def test_other_hands_are_not_taken_for_the_same(little_mnist, hands, tmp_path):
    prepare_sets(tmp_path / "sets", hands)
    (hands / "hwd1000.npz").write_bytes(b"another")
    with pytest.raises(DataError, match="made of other handwriting"):
        prepare_sets(tmp_path / "sets", hands)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((2, 16, 16), np.uint8), "labels": [1, 2]}, "its pictures are not all 28x28"),
        ({"images": np.zeros((2, 28, 28), np.uint8), "labels": ["a", "b"]}, "holds labels other than digits"),
    ],
)
def test_pictures_that_cannot_be_used(little_mnist, hands, tmp_path, arrays, message):
    np.savez(hands / "hwd1000.npz", **arrays)
    with pytest.raises(DataError, match=message):
        prepare_sets(tmp_path / "sets", hands)


def test_without_hands_there_is_mnist_alone(little_mnist, tmp_path):
    assert [folder.name for folder in prepare_sets(tmp_path / "sets", None)] == ["mnist-modified-read"]


def test_missing_hands_are_one_line(little_mnist, tmp_path):
    with pytest.raises(DataError, match=r"unipen_digits\.npz: cannot be opened \(No such file"):
        prepare_sets(tmp_path / "sets", tmp_path)


def test_corrections_are_the_first_that_were_misread(hands, tmp_path):
    saved = load_dataset(save_corrections(tmp_path, hands, AlwaysSevenModel(), 5))
    # 0, 1, 4, 7 of both writers in turn; the 7s were read right.
    assert saved.labels.tolist() == ["0", "0", "1", "1", "4"]


def test_more_corrections_than_there_were_mistakes(hands, tmp_path):
    with pytest.raises(DataError, match="12 digits are misread, 13 corrections are needed"):
        save_corrections(tmp_path, hands, AlwaysSevenModel(), 13)
