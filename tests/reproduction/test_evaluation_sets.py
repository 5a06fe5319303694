import numpy as np
import pytest

from inkwise._util.errors import DataError
from inkwise.datasets import load_dataset
from inkwise.reproduction.evaluation_sets import canvas_glyph, prepare_sets, save_corrections


class AlwaysSevenModel:
    """Reads every glyph as 7."""

    labels = ("0", "1", "4", "7")

    def run(self, glyphs):
        return np.tile(np.float32([0, 0, 0, 1]), (len(glyphs), 1)), np.zeros((len(glyphs), 2), np.float32)


def test_canvas_glyph_keeps_size_range_and_place():
    glyphs = [canvas_glyph([np.array([(0, 0), (0, 100)])], np.random.default_rng(seed)) for seed in range(9)]
    rows = [np.flatnonzero(glyph.max(1)) for glyph in glyphs]
    heights = {len(row) for row in rows}
    assert min(heights) >= 17  # 60 % of 28
    assert max(heights) <= 26  # 80 %, the pen and partly covered pixels
    assert len({(row[0], row[-1]) for row in rows}) > 3, "each is at another place"


def test_prepare_sets_takes_last_third_of_each_writer(small_mnist, handwriting, tmp_path):
    folders = prepare_sets(tmp_path / "sets", handwriting)
    names = ["mnist-modified-read", "canvas", "canvas-read", "hwd1000-naive", "hwd1000-read"]
    assert [folder.name for folder in folders] == names
    sets = {folder.name: load_dataset(folder) for folder in folders}
    assert [len(sets[name]) for name in names] == [40, 8, 8, 8, 8]
    # The last 4 of 12, both writers in turn.
    assert sets["canvas"].labels.tolist() == ["0", "0", "1", "1", "4", "4", "7", "7"]
    np.testing.assert_array_equal(sets["canvas"].labels, sets["canvas-read"].labels)
    with np.load(handwriting / "hwd1000.npz") as archive:
        np.testing.assert_array_equal(sets["hwd1000-naive"].glyphs, 255 - archive["images"])


def test_prepare_sets_reuses_sets(small_mnist, handwriting, tmp_path, monkeypatch):
    prepare_sets(tmp_path / "sets", handwriting)
    monkeypatch.setattr(
        "inkwise.reproduction.evaluation_sets.canvas_glyph", lambda *_: pytest.fail("drawn again")
    )
    assert len(prepare_sets(tmp_path / "sets", handwriting)) == 5


def test_prepare_sets_rejects_other_handwriting(small_mnist, handwriting, tmp_path):
    prepare_sets(tmp_path / "sets", handwriting)
    (handwriting / "hwd1000.npz").write_bytes(b"another")
    with pytest.raises(DataError, match="made from other handwriting"):
        prepare_sets(tmp_path / "sets", handwriting)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"images": np.zeros((2, 16, 16), np.uint8), "labels": [1, 2]},
            r"expected images of 28x28, got \(2, 16",
        ),
        (
            {"images": np.zeros((2, 28, 28), np.uint8), "labels": ["a", "b"]},
            "labels other than digits",
        ),
    ],
)
def test_prepare_sets_rejects_images(small_mnist, handwriting, tmp_path, arrays, message):
    np.savez(handwriting / "hwd1000.npz", **arrays)
    with pytest.raises(DataError, match=message):
        prepare_sets(tmp_path / "sets", handwriting)


def test_prepare_sets_without_handwriting(small_mnist, tmp_path):
    assert [folder.name for folder in prepare_sets(tmp_path / "sets", None)] == ["mnist-modified-read"]


def test_prepare_sets_rejects_missing_handwriting(small_mnist, tmp_path):
    with pytest.raises(DataError, match=r"unipen_digits\.npz: cannot be opened \(No such file"):
        prepare_sets(tmp_path / "sets", tmp_path)


def test_save_corrections_takes_first_misread_digits(handwriting, tmp_path):
    saved = load_dataset(save_corrections(tmp_path, handwriting, AlwaysSevenModel(), 5))
    # 0, 1, 4, 7 of both writers in turn; the 7s were read correctly.
    assert saved.labels.tolist() == ["0", "0", "1", "1", "4"]


def test_save_corrections_rejects_too_few_mistakes(handwriting, tmp_path):
    with pytest.raises(DataError, match="expected 13 misread digits, got 12"):
        save_corrections(tmp_path, handwriting, AlwaysSevenModel(), 13)
