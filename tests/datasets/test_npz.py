import zipfile

import numpy as np
import pytest

from inkwise._util.errors import DataError
from inkwise.datasets.npz import read_npz
from inkwise.preprocessing import image_to_glyph, strokes_to_glyph

# A seven of two strokes with its bar, then a one of one stroke.
STROKES = {
    "points": np.array([[0, 0], [50, 0], [20, 90], [15, 50], [45, 50], [0, 0], [5, 100]], np.int32),
    "stroke_offsets": np.array([0, 3, 5, 7]),
    "sample_offsets": np.array([0, 2, 3]),
    "labels": np.array([7, 1]),
    "writer": np.array([12, 30], np.int16),
}


@pytest.fixture
def write(tmp_path):
    def write(arrays):
        path = tmp_path / "set.npz"
        np.savez_compressed(path, **arrays)
        return path

    return write


@pytest.fixture
def ragged(one):
    wide = np.ascontiguousarray(255 - one[:, 5:])
    return {
        "pixels": np.concatenate([one.ravel(), wide.ravel()]),
        "offsets": np.array([0, one.size, one.size + wide.size]),
        "shapes": np.array([one.shape, wide.shape], np.int32),
        "labels": np.array([1, 1]),
        "person": np.array([3, 8]),
    }


def test_read_npz_keeps_strokes(write):
    strokes = read_npz(write(STROKES))
    assert [len(sample) for sample in strokes.samples] == [2, 1]
    np.testing.assert_array_equal(strokes.samples[0][1], [[15, 50], [45, 50]])
    assert strokes.samples[0][1].dtype == np.float32
    assert strokes.labels.tolist() == ["7", "1"]
    assert strokes.writers.tolist() == [12, 30]
    assert strokes.writers.dtype == np.int64
    assert (strokes.name, len(strokes)) == ("set", 2)


def test_read_npz_strokes_to_dataset(write):
    dataset = read_npz(write(STROKES)).to_dataset()
    bar = STROKES["points"][5:7]
    np.testing.assert_array_equal(dataset.glyphs[1], strokes_to_glyph([bar]))
    assert dataset.labels.tolist() == ["7", "1"]
    assert dataset.writers.tolist() == [12, 30]


def test_read_npz_accepts_text_labels_and_missing_writers(write):
    arrays = {**STROKES, "labels": np.array(["5/27", "A"])}
    del arrays["writer"]
    strokes = read_npz(write(arrays))
    assert strokes.labels.tolist() == ["5/27", "A"]
    assert strokes.writers is None


def test_read_npz_normalizes_images_of_one_size(write, one):
    blank = np.full_like(one, 255)
    dataset = read_npz(write({"images": np.stack([one, blank]), "labels": np.array([1, 0])}))
    np.testing.assert_array_equal(dataset.glyphs[0], image_to_glyph(one))
    assert not dataset.glyphs[1].any()
    assert dataset.labels.tolist() == ["1", "0"]


def test_read_npz_accepts_missing_labels(write, one):
    assert read_npz(write({"images": one[None]})).labels.tolist() == [""]


def test_read_npz_normalizes_images_of_many_sizes(write, ragged, one):
    dataset = read_npz(write(ragged))
    np.testing.assert_array_equal(dataset.glyphs[0], image_to_glyph(one))
    np.testing.assert_array_equal(dataset.glyphs[1], image_to_glyph(255 - one[:, 5:]))
    assert dataset.writers.tolist() == [3, 8]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"points": np.zeros((7, 3))}, r"points: expected numbers \(N, 2\), got float64 \(7, 3\)"),
        ({"points": np.full((7, 2), np.nan)}, "points: contains a value that is not finite"),
        ({"points": np.full((7, 2), 1e300)}, "points: contains a value that is not finite"),
        (
            {"stroke_offsets": np.array([0, 3, 5, 9])},
            "stroke_offsets: expected .* rise from 0 to 7",
        ),
        (
            {"stroke_offsets": np.array([0, 5, 3, 7])},
            "stroke_offsets: expected .* rise from 0 to 7",
        ),
        ({"stroke_offsets": np.array([0, 3, 3, 7])}, "stroke_offsets: contains a stroke without points"),
        (
            {"sample_offsets": np.array([0.0, 2, 3])},
            r"sample_offsets: expected integers \(n \+ 1,\), got float64",
        ),
        ({"sample_offsets": np.array([0])}, "sample_offsets: expected at least 2 offsets"),
        ({"labels": np.array([7, 1, 1])}, r"labels: expected integers or text \(2,\), got int64 \(3,\)"),
        ({"labels": np.array([7.0, 1.0])}, r"labels: expected integers or text \(2,\), got float64 \(2,\)"),
        ({"writer": np.array([1])}, r"writer: expected integers \(2,\), got int64 \(1,\)"),
    ],
)
def test_read_npz_rejects_stroke_arrays(write, change, reason):
    with pytest.raises(DataError, match=rf"set\.npz: {reason}"):
        read_npz(write({**STROKES, **change}))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"shapes": np.array([[40, 40], [40, 36]])}, "image 1: expected 40x36 pixels, got 1400"),
        ({"shapes": np.array([[-40, -40], [40, 35]])}, "image 0: expected -40x-40 pixels, got 1600"),
        ({"shapes": np.array([[40, 40]])}, r"shapes: expected integers \(2, 2\), got int64 \(1, 2\)"),
        (
            {"offsets": np.array([0, 1600, 2999])},
            "offsets: expected .* rise from 0 to 3000",
        ),
        ({"pixels": np.zeros(3000)}, r"pixels: expected uint8 \(N,\), got float64 \(3000,\)"),
        ({"person": np.array(["a", "b"])}, r"person: expected integers \(2,\), got <U1 \(2,\)"),
    ],
)
def test_read_npz_rejects_ragged_arrays(write, ragged, change, reason):
    with pytest.raises(DataError, match=rf"set\.npz: {reason}"):
        read_npz(write({**ragged, **change}))


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        (np.zeros((2, 30, 30)), r"images: expected uint8 \(n, h, w\), got float64 \(2, 30, 30\)"),
        (np.zeros((2, 900), np.uint8), r"images: expected uint8 \(n, h, w\), got uint8 \(2, 900\)"),
        (np.zeros((0, 30, 30), np.uint8), "contains no samples"),
        (np.zeros((1, 1, 1), np.uint8), "image 0: "),
    ],
)
def test_read_npz_rejects_images(write, images, reason):
    with pytest.raises(DataError, match=rf"set\.npz: {reason}"):
        read_npz(write({"images": images}))


def test_read_npz_lists_arrays_of_unknown_layout(write):
    with pytest.raises(DataError, match=r"set\.npz: expected images, x_train .*, got weights, bias$"):
        read_npz(write({"weights": np.zeros(3), "bias": np.zeros(3)}))


def test_read_npz_escapes_line_break_in_name(write):
    with pytest.raises(DataError, match=r"got two\\nlines$"):
        read_npz(write({"two\nlines": np.zeros(3)}))


def test_read_npz_does_not_unpickle_objects(write):
    with pytest.raises(DataError, match=r"set\.npz: expected an \.npz archive of plain arrays; the file is"):
        read_npz(write({"images": np.array([{"a": 1}, None], dtype=object)}))


def _with_later_zip_version(data):
    """Change the version that the zip file needs to 7.5."""
    entry = data.index(b"PK\x01\x02")
    return data[: entry + 6] + bytes([75]) + data[entry + 7 :]


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-30], lambda data: b"text" * 50, _with_later_zip_version]
)
def test_read_npz_rejects_damaged_archive(write, damage):
    path = write(STROKES)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"set\.npz: expected an \.npz archive"):
        read_npz(path)


def test_read_npz_rejects_member_that_is_not_an_array(write, one):
    path = write({"images": one[None]})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels", "1")
    with pytest.raises(DataError, match=r"set\.npz: contains a file that is not an array"):
        read_npz(path)


def test_read_npz_rejects_npy_file(tmp_path):
    path = tmp_path / "set.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(DataError, match=r"set\.npz: expected an \.npz archive"):
        read_npz(path)


def test_read_npz_rejects_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"none\.npz: cannot be opened \(No such file or directory\)"):
        read_npz(tmp_path / "none.npz")


@pytest.fixture
def mnist(digits):
    """The arrays of Keras' `mnist.npz`, of three training and two test digits."""
    return {
        "x_test": digits[:2],
        "x_train": digits[2:5],
        "y_train": np.array([4, 1, 9]),
        "y_test": np.array([5, 0]),
    }


def test_read_npz_reads_a_part_of_keras_mnist_unchanged(write, mnist, digits):
    dataset = read_npz(write(mnist), "train")
    np.testing.assert_array_equal(dataset.glyphs, digits[2:5])
    assert (dataset.labels.tolist(), dataset.name) == (["4", "1", "9"], "set/train")


def test_read_npz_names_its_parts(write, mnist):
    path = write(mnist)
    with pytest.raises(DataError, match=rf"contains test and train; use {path}/test or {path}/train"):
        read_npz(path)
    with pytest.raises(DataError, match=r"set\.npz: contains no images of 'valid'"):
        read_npz(path, "valid")


@pytest.mark.parametrize(
    "names",
    [("x", "y"), ("X", "y"), ("data", "target"), ("train_images", "train_labels"), ("X_train", "Y_train")],
)
def test_read_npz_pairs_images_and_labels(write, digits, names):
    images, labels = names
    arrays = {images: digits.reshape(6, -1) / 255, labels: np.arange(6.0)[:, None], "classes": np.arange(3)}
    dataset = read_npz(write(arrays))
    np.testing.assert_array_equal(dataset.glyphs, digits)
    assert dataset.labels.tolist() == [*"012345"]
