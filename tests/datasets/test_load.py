import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from extras import lacking
from PIL import Image

from inkwise._util.errors import DataError
from inkwise.datasets import StrokeSet, fetch_mnist, load_dataset, load_strokes_or_dataset, named_datasets


def test_load_dataset_by_name(tiny_mnist):
    fetch_mnist(from_dir=tiny_mnist, sources={})
    assert load_dataset("mnist-test").labels.tolist() == ["4", "5"]


def test_load_dataset_reads_part_of_idx_folder(tiny_mnist):
    assert load_dataset(tiny_mnist / "train").labels.tolist() == ["0", "1", "2", "3"]
    assert load_dataset(f"{tiny_mnist}/t10k").labels.tolist() == ["4", "5"]


def test_load_dataset_rejects_ambiguous_idx_folder(tiny_mnist):
    with pytest.raises(DataError, match="contains t10k and train; use"):
        load_dataset(tiny_mnist)


def test_load_dataset_reads_fashion_mnist_of_debian():
    folder = Path("/usr/share/datasets/fashion-mnist")
    if not folder.exists():
        lacking(f"{folder} is missing: apt-get install dataset-fashion-mnist")
    clothes = load_dataset(folder / "t10k")
    assert Counter(clothes.labels.tolist()) == dict.fromkeys("0123456789", 1000)
    assert clothes.glyphs.shape == (10_000, 28, 28)


def test_load_dataset_reads_image_folder(tmp_path, one):
    Image.fromarray(one).save(tmp_path / "1.png")
    assert load_dataset(tmp_path).labels.tolist() == ["1"]


@pytest.mark.parametrize("name", ["digits.csv", "digits.csv.gz"])
def test_load_dataset_reads_csv(tmp_path, digits, name):
    header = ",".join(f"pixel{i}" for i in range(784))
    np.savetxt(tmp_path / name, digits.reshape(6, -1), "%d", delimiter=",", header=header, comments="")
    np.testing.assert_array_equal(load_dataset(tmp_path / name).glyphs, digits)


def test_load_dataset_reads_npz(tmp_path, one):
    np.savez(tmp_path / "ones.npz", images=one[None], labels=[1])
    assert load_dataset(str(tmp_path / "ones.npz")).labels.tolist() == ["1"]


def test_load_strokes_or_dataset_keeps_strokes(tmp_path):
    bar = {"points": [[0, 0], [0, 9]], "stroke_offsets": [0, 2], "sample_offsets": [0, 1], "labels": [1]}
    np.savez(tmp_path / "pen.npz", **bar)
    assert isinstance(load_strokes_or_dataset(tmp_path / "pen.npz"), StrokeSet)
    assert load_dataset(tmp_path / "pen.npz").glyphs.shape == (1, 28, 28)


def test_load_strokes_or_dataset_returns_glyphs_of_images(tiny_mnist, digits):
    np.testing.assert_array_equal(load_strokes_or_dataset(tiny_mnist / "train").glyphs, digits[:4])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mnist-trian", "; did you mean mnist-train"),
        ("mnist_test", "; did you mean mnist-test"),
        ("ocr", f"; there are: {', '.join(named_datasets())}"),
    ],
)
def test_load_dataset_suggests_known_names(name, hint):
    with pytest.raises(DataError) as caught:
        load_dataset(name)
    assert str(caught.value).startswith(f"{name}: no such data set or path{hint}")


def test_load_dataset_suggests_part_of_idx_folder(tiny_mnist):
    with pytest.raises(DataError, match=re.escape(f"did you mean {tiny_mnist / 'train'}")):
        load_dataset(tiny_mnist / "trian")


def test_load_dataset_rejects_other_file_type(tmp_path):
    (tmp_path / "digits.txt").write_text("7")
    with pytest.raises(
        DataError, match=r"digits\.txt: expected a folder or a \.csv, \.csv\.gz, \.tsv, \.npy, \.npz, \.tra"
    ):
        load_dataset(tmp_path / "digits.txt")


def test_load_dataset_rejects_too_long_name():
    with pytest.raises(DataError, match="File name too long"):
        load_dataset("7" * 5000)


def test_load_dataset_selects_a_part_of_an_archive(tmp_path, digits):
    np.savez(
        tmp_path / "mnist.npz", x_train=digits[:3], y_train=[1, 2, 3], x_test=digits[3:], y_test=[4, 5, 6]
    )
    assert load_dataset(tmp_path / "mnist.npz" / "test").labels.tolist() == ["4", "5", "6"]
