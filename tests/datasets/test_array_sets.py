"""Arrays of images and labels: `.npy` files and what `array_dataset` makes of them."""

from pathlib import Path

import numpy as np
import pytest

from inkwise._util.errors import DataError
from inkwise.datasets import load_dataset
from inkwise.datasets.array_sets import array_dataset
from inkwise.preprocessing import image_to_glyph


@pytest.fixture
def save(tmp_path):
    def save(**arrays):
        for name, array in arrays.items():
            np.save(tmp_path / f"{name}.npy", array)
        return tmp_path / f"{next(iter(arrays))}.npy"

    return save


@pytest.mark.parametrize(
    ("images", "labels"),
    [("x_train", "y_train"), ("X", "y"), ("images", "labels"), ("train-data", "train-target")],
)
def test_npy_finds_its_labels(save, digits, images, labels):
    dataset = load_dataset(save(**{images: digits, labels: np.arange(6)}))
    np.testing.assert_array_equal(dataset.glyphs, digits)
    assert dataset.labels.tolist() == [*"012345"]
    assert dataset.name == images


def test_npy_without_labels_has_none(save, digits):
    assert load_dataset(save(x=digits[..., None])).labels.tolist() == [""] * 6


@pytest.mark.parametrize("shift", [0, -1])
def test_npy_may_hold_labels_in_a_column(save, digits, shift):
    pixels = digits.reshape(6, -1).astype(float)
    pixels[:, [0, -1]] = 0
    dataset = load_dataset(save(table=np.roll(np.column_stack([[5, 0, 4, 1, 9, 2], pixels]), shift, axis=1)))
    assert dataset.labels.tolist() == [*"504192"]
    np.testing.assert_array_equal(dataset.glyphs.reshape(6, -1), pixels)


def test_npy_of_other_sizes_is_normalized(save, one):
    np.testing.assert_array_equal(load_dataset(save(x=one[None])).glyphs, image_to_glyph(one)[None])


LABELS = r"expected labels \(3,\), integers or text, got "


@pytest.mark.parametrize(
    ("images", "labels", "reason"),
    [
        (
            np.zeros((3, 28, 28)),
            np.zeros(2, int),
            LABELS + r"int64 \(2,\)",
        ),
        (
            np.zeros((3, 28, 28)),
            np.full(3, 0.5),
            LABELS + r"float64 \(3,\)",
        ),
        (np.full((3, 28, 28), "a"), None, "expected images of numbers, got <U1"),
        (np.zeros((3, 50)), None, r"expected images \(n, 28, 28\), \(n, 784\) or \(n, h, w\), got \(3, 50\)"),
        (np.zeros((0, 28, 28)), None, "expected 1 to 1,000,000 images, got 0"),
        (np.float64(7), None, "expected 1 to 1,000,000 images, got 0"),
        (
            np.zeros((2, 4, 4), np.uint8),
            None,
            "image 0: the array: 4 x 4 pixels is too small to hold a digit",
        ),
    ],
)
def test_array_dataset_rejects_other_arrays(images, labels, reason):
    with pytest.raises(DataError, match=f"^a.npy: {reason}$"):
        array_dataset(Path("a.npy"), "a", images, labels)


def test_npy_does_not_unpickle_objects(save):
    with pytest.raises(DataError, match=r"x\.npy: expected an \.npy file of one plain array; the file"):
        load_dataset(save(x=np.array([{"a": 1}], dtype=object)))


@pytest.mark.parametrize("count", [200_000_000, 10**15])
def test_npy_that_claims_to_be_large_is_rejected(tmp_path, count):
    path = tmp_path / "x.npy"
    with path.open("wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (count,)}
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(DataError, match=r"x\.npy: expected an \.npy file of one plain array"):
        load_dataset(path)
