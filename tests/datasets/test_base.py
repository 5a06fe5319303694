import numpy as np
import pytest

from inkwise.datasets import Dataset, StrokeSet


@pytest.fixture
def three(digits) -> Dataset:
    return Dataset("three", digits[:3], np.array(["7", "", "1"]), np.array([5, 5, 9]))


@pytest.mark.parametrize("chosen", [np.array([True, False, True]), np.array([0, 2]), slice(0, 3, 2)])
def test_select_indexes_glyphs_labels_and_writers(three, chosen):
    picked = three.select(chosen)
    assert len(picked) == 2
    assert picked.labels.tolist() == ["7", "1"]
    assert picked.writers.tolist() == [5, 9]
    np.testing.assert_array_equal(picked.glyphs, three.glyphs[[0, 2]])
    assert picked.name == "three"


def test_select_without_writers(digits):
    dataset = Dataset("anonymous", digits, np.full(6, "3"))
    assert dataset.select(slice(2)).writers is None


def test_select_indexes_strokes():
    samples = [[np.full((2, 2), number, np.float32)] for number in range(3)]
    strokes = StrokeSet("pen", samples, np.array(["7", "4", "1"]), np.array([5, 5, 9]))
    picked = strokes.select(strokes.labels != "4")
    assert [int(sample[0][0, 0]) for sample in picked.samples] == [0, 2]
    assert picked.labels.tolist() == ["7", "1"]
    assert picked.writers.tolist() == [5, 9]


def test_to_dataset_draws_strokes_and_black_glyph_without_any():
    bar = np.array([[0, 0], [0, 50], [0, 100]], np.float32)
    dataset = StrokeSet("pen", [[bar], []], np.array(["1", ""]), np.array([4, 4])).to_dataset()
    assert dataset.glyphs.shape == (2, 28, 28)
    assert dataset.glyphs.dtype == np.uint8
    assert dataset.glyphs[0].max() == 255
    assert not dataset.glyphs[1].any()
