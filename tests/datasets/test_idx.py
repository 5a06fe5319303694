import gzip
import re

import numpy as np
import pytest

from inkwise._util.errors import DataError
from inkwise.datasets.idx import find_idx, idx_bytes, read_idx, read_idx_folder


def test_read_idx_round_trip(tmp_path, digits):
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(idx_bytes(digits))
    np.testing.assert_array_equal(read_idx(path, dimensions=3), digits)


def test_idx_bytes_writes_official_header(digits):
    assert idx_bytes(digits)[:16].hex(" ", 4) == "00000803 00000006 0000001c 0000001c"


def test_read_idx_folder_reads_pair(tiny_mnist, digits):
    dataset = read_idx_folder(tiny_mnist, "train")
    np.testing.assert_array_equal(dataset.glyphs, digits[:4])
    assert dataset.labels.tolist() == ["0", "1", "2", "3"]
    assert dataset.name == "official/train"
    assert dataset.writers is None


@pytest.mark.parametrize("spelling", ["train-images-idx3-ubyte.gz", "train-images.idx3-ubyte"])
def test_read_idx_folder_accepts_gzip_and_dotted_names(tiny_mnist, digits, spelling):
    plain = tiny_mnist / "train-images-idx3-ubyte"
    data = plain.read_bytes()
    plain.unlink()
    (tiny_mnist / spelling).write_bytes(gzip.compress(data) if spelling.endswith(".gz") else data)
    assert find_idx(tiny_mnist, plain.name).name == spelling
    np.testing.assert_array_equal(read_idx_folder(tiny_mnist, "train").glyphs, digits[:4])


def test_read_idx_folder_reads_single_pair_without_part(tmp_path, digits):
    (tmp_path / "images-idx3-ubyte").write_bytes(idx_bytes(digits))
    (tmp_path / "labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(6, dtype=np.uint8)))
    assert read_idx_folder(tmp_path).labels.tolist() == list("012345")


def test_read_idx_folder_needs_part_for_several_pairs(tiny_mnist):
    choices = f"{tiny_mnist}: contains t10k and train; use {tiny_mnist}/t10k or {tiny_mnist}/train"
    with pytest.raises(DataError, match=re.escape(choices)):
        read_idx_folder(tiny_mnist)


def test_read_idx_folder_rejects_images_without_labels(tiny_mnist):
    (tiny_mnist / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"official: train-labels-idx1-ubyte is missing"):
        read_idx_folder(tiny_mnist, "train")


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
GOOD = idx_bytes(np.zeros((4, 28, 28), np.uint8))


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        (IMAGES, b"", "expected IDX's 00000803 at the start, got nothing"),
        (IMAGES, b"\x00\x00\x08\x01" + GOOD[4:], "expected IDX's 00000803 at the start, got 00000801"),
        (IMAGES, GOOD[:10], "expected a header of 16 bytes, got 10"),
        (IMAGES, GOOD[:-1], "expected 3152 bytes by the header, got 3151"),
        (IMAGES, GOOD + b"\x00", "expected 3152 bytes by the header, got more"),
        (
            IMAGES,
            GOOD[:4] + b"\xff" * 12 + GOOD[16:],
            "expected at most 1,000,000 samples and 1 GB, got 4294967295 x 4294967295 x 4294967295 bytes",
        ),
        (
            IMAGES,
            GOOD[:4] + b"\xff" * 4 + bytes(4) + b"\xff" * 4,
            "got 4294967295 x 0 x 4294967295 bytes by the header",
        ),
        (IMAGES, gzip.compress(GOOD, mtime=0)[:-9], "expected gzip data; the file is damaged"),
        (
            IMAGES,
            gzip.compress(GOOD, mtime=0)[:9] + b"damaged",
            "expected gzip data; the file is damaged",
        ),
        (IMAGES, idx_bytes(np.zeros((4, 16, 20), np.uint8)), "expected images of 28x28, got 16x20"),
        (LABELS, idx_bytes(np.zeros(3, np.uint8)), f"expected 4 labels as in {IMAGES}, got 3"),
    ],
)
def test_read_idx_folder_rejects_invalid_file(tiny_mnist, name, data, reason):
    (tiny_mnist / name).write_bytes(data)
    with pytest.raises(DataError) as caught:
        read_idx_folder(tiny_mnist, "train")
    assert str(tiny_mnist / name) in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_read_idx_folder_returns_writable_arrays(tiny_mnist):
    read_idx_folder(tiny_mnist, "train").glyphs[0] = 0  # torch warns about read-only arrays
