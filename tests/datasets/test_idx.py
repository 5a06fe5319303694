import gzip
import re

import numpy as np
import pytest

from inkwise._util.errors import DataError
from inkwise.datasets.idx import find_idx, idx_bytes, read_idx, read_idx_folder


def test_an_array_survives_the_way_through_a_file(tmp_path, digits):
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(idx_bytes(digits))
    np.testing.assert_array_equal(read_idx(path, dimensions=3), digits)


def test_the_header_is_the_official_one(digits):
    assert idx_bytes(digits)[:16].hex(" ", 4) == "00000803 00000006 0000001c 0000001c"


def test_a_pair_becomes_a_dataset(tiny_mnist, digits):
    dataset = read_idx_folder(tiny_mnist, "train")
    np.testing.assert_array_equal(dataset.glyphs, digits[:4])
    assert dataset.labels.tolist() == ["0", "1", "2", "3"]
    assert dataset.name == "official/train"
    assert dataset.writers is None


@pytest.mark.parametrize("spelling", ["train-images-idx3-ubyte.gz", "train-images.idx3-ubyte"])
def test_files_may_be_gzipped_or_dotted(tiny_mnist, digits, spelling):
    plain = tiny_mnist / "train-images-idx3-ubyte"
    data = plain.read_bytes()
    plain.unlink()
    (tiny_mnist / spelling).write_bytes(gzip.compress(data) if spelling.endswith(".gz") else data)
    assert find_idx(tiny_mnist, plain.name).name == spelling
    np.testing.assert_array_equal(read_idx_folder(tiny_mnist, "train").glyphs, digits[:4])


def test_a_lone_pair_needs_no_name(tmp_path, digits):
    (tmp_path / "images-idx3-ubyte").write_bytes(idx_bytes(digits))
    (tmp_path / "labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(6, dtype=np.uint8)))
    assert read_idx_folder(tmp_path).labels.tolist() == list("012345")


def test_two_pairs_need_a_name(tiny_mnist):
    choices = f"{tiny_mnist} holds t10k and train: say {tiny_mnist}/t10k or {tiny_mnist}/train"
    with pytest.raises(DataError, match=re.escape(choices)):
        read_idx_folder(tiny_mnist)


def test_images_without_labels_are_refused(tiny_mnist):
    (tiny_mnist / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"official: train-labels-idx1-ubyte is missing"):
        read_idx_folder(tiny_mnist, "train")


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
GOOD = idx_bytes(np.zeros((4, 28, 28), np.uint8))


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        (IMAGES, b"", "begins with nothing, not with IDX's 00000803"),
        (IMAGES, b"\x00\x00\x08\x01" + GOOD[4:], "begins with 00000801, not with IDX's 00000803"),
        (IMAGES, GOOD[:10], "breaks off inside its header"),
        (IMAGES, GOOD[:-1], "3151 bytes where its header promises 3152"),
        (IMAGES, GOOD + b"\x00", "more bytes than the 3152 that its header promises"),
        (
            IMAGES,
            GOOD[:4] + b"\xff" * 12 + GOOD[16:],
            "its header promises 4294967295 x 4294967295 x 4294967295 bytes; at most 1,000,000 samples",
        ),
        (
            IMAGES,
            GOOD[:4] + b"\xff" * 4 + bytes(4) + b"\xff" * 4,
            "its header promises 4294967295 x 0 x 4294967295 bytes; at most",
        ),
        (IMAGES, gzip.compress(GOOD)[:-9], "the gzip data breaks off or is damaged"),
        (IMAGES, gzip.compress(GOOD)[:9] + b"damaged", "the gzip data breaks off or is damaged"),
        (IMAGES, idx_bytes(np.zeros((4, 16, 20), np.uint8)), "the images are 16x20, not 28x28"),
        (LABELS, idx_bytes(np.zeros(3, np.uint8)), f"3 labels for the 4 images of {IMAGES}"),
    ],
)
def test_a_broken_file_is_named_with_the_reason(tiny_mnist, name, data, reason):
    (tiny_mnist / name).write_bytes(data)
    with pytest.raises(DataError) as caught:
        read_idx_folder(tiny_mnist, "train")
    assert str(tiny_mnist / name) in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_arrays_can_be_written_to(tiny_mnist):
    read_idx_folder(tiny_mnist, "train").glyphs[0] = 0  # torch warns about arrays that cannot
