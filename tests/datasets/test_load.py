import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from extras import lacking
from PIL import Image

from inkwise._util.errors import DataError
from inkwise.datasets import NAMED_DATASETS, StrokeSet, fetch_mnist, load_dataset, load_strokes_or_dataset


def test_a_known_name(tiny_mnist):
    fetch_mnist(from_dir=tiny_mnist, sources=[])
    assert load_dataset("mnist-test").labels.tolist() == ["4", "5"]


def test_a_pair_of_an_idx_folder(tiny_mnist):
    assert load_dataset(tiny_mnist / "train").labels.tolist() == ["0", "1", "2", "3"]
    assert load_dataset(f"{tiny_mnist}/t10k").labels.tolist() == ["4", "5"]


def test_an_idx_folder_that_leaves_the_choice_open(tiny_mnist):
    with pytest.raises(DataError, match="holds t10k and train: say"):
        load_dataset(tiny_mnist)


def test_clothes_as_debian_packs_them():
    folder = Path("/usr/share/datasets/fashion-mnist")
    if not folder.exists():
        lacking(f"{folder} is missing: apt-get install dataset-fashion-mnist")
    clothes = load_dataset(folder / "t10k")
    assert Counter(clothes.labels.tolist()) == dict.fromkeys("0123456789", 1000)
    assert clothes.glyphs.shape == (10_000, 28, 28)


def test_a_folder_of_pictures(tmp_path, one):
    Image.fromarray(one).save(tmp_path / "1.png")
    assert load_dataset(tmp_path).labels.tolist() == ["1"]


@pytest.mark.parametrize("name", ["digits.csv", "digits.csv.gz"])
def test_a_csv(tmp_path, digits, name):
    header = ",".join(f"pixel{i}" for i in range(784))
    np.savetxt(tmp_path / name, digits.reshape(6, -1), "%d", delimiter=",", header=header, comments="")
    np.testing.assert_array_equal(load_dataset(tmp_path / name).glyphs, digits)


def test_an_npz(tmp_path, one):
    np.savez(tmp_path / "ones.npz", images=one[None], labels=[1])
    assert load_dataset(str(tmp_path / "ones.npz")).labels.tolist() == ["1"]


def test_strokes_are_drawn_unless_asked_for_raw(tmp_path):
    bar = {"points": [[0, 0], [0, 9]], "stroke_offsets": [0, 2], "sample_offsets": [0, 1], "labels": [1]}
    np.savez(tmp_path / "pen.npz", **bar)
    assert isinstance(load_strokes_or_dataset(tmp_path / "pen.npz"), StrokeSet)
    assert load_dataset(tmp_path / "pen.npz").glyphs.shape == (1, 28, 28)


def test_pictures_asked_for_raw_are_glyphs(tiny_mnist, digits):
    np.testing.assert_array_equal(load_strokes_or_dataset(tiny_mnist / "train").glyphs, digits[:4])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mnist-trian", "did you mean mnist-train or mnist-test?"),
        ("mnist_test", "did you mean mnist-test or mnist-train?"),
        ("ocr", f"there are: {', '.join(NAMED_DATASETS)}"),
    ],
)
def test_an_unknown_name_is_told_the_known_ones(name, hint):
    with pytest.raises(DataError) as caught:
        load_dataset(name)
    assert str(caught.value) == f"{name}: no such data set or path; {hint}"


def test_a_mistyped_pair_is_told_the_right_one(tiny_mnist):
    with pytest.raises(DataError, match=re.escape(f"did you mean {tiny_mnist / 'train'}?")):
        load_dataset(tiny_mnist / "trian")


def test_another_kind_of_file(tmp_path):
    (tmp_path / "digits.txt").write_text("7")
    with pytest.raises(
        DataError, match=r"digits\.txt: is neither a folder nor a \.csv, \.csv\.gz or \.npz file"
    ):
        load_dataset(tmp_path / "digits.txt")


def test_what_the_system_refuses_is_told_in_a_line():
    with pytest.raises(DataError, match="File name too long"):
        load_dataset("7" * 5000)
